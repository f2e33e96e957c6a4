"""Every text of the pages, in one table that `say` picks from: another language is another table, in `languages`."""

from __future__ import annotations

from .languages import spoken, table
from .languages.messages import translated

EN = {
    "title": "hftransfer studio",
    "tagline": "Teach a model from your own examples.",
    "private": "Everything stays on this machine.",
    "serving": "The studio is at {address} (stop it with Ctrl+C)",
    "step.data": "Data",
    "step.train": "Train",
    "step.try": "Try",
    "step.publish": "Publish",
    # Data
    "data.upload": "Your examples",
    "data.drop": "A zip with one folder of images a class, or a table of texts: CSV, TSV, JSONL, Parquet.",
    "data.samples": "or start from a sample",
    "data.sample.digits": "Handwritten digits",
    "data.sample.helpdesk": "Helpdesk messages",
    "data.empty": "Nothing here yet",
    "data.empty.hint": "Once you give examples, this card shows the classes that were found in them, and what to mend.",
    "data.checking": "Looking at the data",
    "data.next": "Continue to training",
    "data.rows": "examples",
    "data.classes": "classes",
    "data.more": "and {count} more classes",
    "data.mend": "Worth knowing",
    # Train
    "train.data": "Training on",
    "train.choices": "Choices",
    "train.auto": "measured or derived",
    "train.start": "Train",
    "train.again": "Train again",
    "train.cancel": "Stop",
    "train.finish": "Stop and keep the best",
    "train.finishing": "Ending with the best so far",
    "train.resume": "Go on",
    "train.keep": "Keep the best so far",
    "train.remaining": "about {time} left",
    "train.same": "The same from the shell and from Python",
    "train.shell": "Shell",
    "train.python": "Python",
    "time.seconds": "{count} s",
    "time.minutes": "{count} min",
    "time.hours": "{count} h",
    "runs.title": "Runs",
    "runs.empty": "Your runs will be listed here.",
    "runs.kept": "best kept",
    "train.cancelling": "Stopping…",
    "train.silent": "Not heard of for a while",
    "train.next": "Try the model",
    "train.empty": "Ready to train",
    "train.empty.hint": "The defaults fit most data. You can close this page meanwhile: the run goes on.",
    "train.nodata": "First choose your data",
    "train.nodata.hint": "Go back one step, and give a file or pick a sample.",
    "train.loss": "Loss",
    "train.accuracy": "Accuracy on validation",
    "train.step": "step",
    "train.place": "Number {place} in the queue",
    "train.steps": "{step} of {steps}",
    "train.score": "{metric} on {split}",
    "train.interval": "95 % interval {low} to {high}",
    "train.seconds": "{seconds} s in all",
    "train.log": "The run's log",
    "train.address": "This page's address finds the run again, here or in another browser.",
    # Try
    "try.text": "A text",
    "try.text.hint": "Write or paste something the model has not seen.",
    "try.image": "An image",
    "try.start": "Predict",
    "try.empty": "No answer yet",
    "try.empty.hint": "Give an input, and the model's answer appears here with a score for each class.",
    "try.nomodel": "No model yet",
    "try.nomodel.hint": "It can be tried as soon as training is done.",
    "try.needs": "Give an input first",
    "try.next": "Take it with you",
    # Publish
    "publish.download": "Download the model",
    "publish.empty": "Nothing to publish yet",
    "publish.empty.hint": "A trained model can be taken away from here.",
    "publish.plain": "A plain Transformers checkpoint: it runs wherever Transformers does, without this program.",
    "publish.use": "Use it in Python",
    "publish.push": "Push it to the Hub",
    "train.from": "Learnt from {backbone}: {why}.",
    # States and stages
    "state.queued": "Waiting",
    "state.preparing": "Preparing",
    "state.training": "Training",
    "state.evaluating": "Evaluating",
    "state.done": "Done",
    "state.cancelled": "Stopped",
    "state.interrupted": "Interrupted",
    "state.failed": "Failed",
    "stage.": "Starting the worker",
    "stage.load": "Loading data and backbone",
    "stage.features": "Looking at every example once",
    "stage.train": "Learning from your examples",
    "stage.evaluate": "Measuring on examples it has not seen",
    "stage.save": "Saving the model",
    "stage.download": "Downloading the backbone",
    "ended.cancelled": "The run was stopped as you asked.",
    "ended.kept": "The run was stopped as you asked. Its best model so far is kept; it was not measured.",
    "ended.interrupted": "The run's process is gone: it was killed, ran out of memory, or the machine restarted.",
    "ended.interrupted.fix": "Go on from its last checkpoint. Smaller batches need less memory.",
    "task.image-classification": "Image classification",
    "task.text-classification": "Text classification",
    # Errors
    "error.title": "That did not work",
    "error.place": "Where",
    "error.fix": "Next",
    "error.stranger": "This request does not say whose it is",
    "error.stranger.fix": "Reload the page.",
    "error.listen": "The studio cannot listen there: {why}",
    "error.listen.fix": "Choose another port with --port, or another address with --host.",
    "error.noport": "That is no port",
    "error.noport.fix": "Choose a number from 1 to 65535.",
    "error.backbone": "'{value}' is no backbone that can be used here",
    "error.backbone.fix": "Give its id on the Hub, as owner/name, or starter:image or starter:text.",
    "error.backbone.local": "There is no folder '{value}', and it is no id on the Hub",
    "error.backbone.local.fix": "Give a model's folder, its id on the Hub as owner/name, or a starter's name.",
    "error.keep": "The file could not be kept: {why}",
    "error.system": "The machine could not do that: {why}",
    "error.room.fix": "Free some space, or try again later.",
    "error.norun": "There is no such run here",
    "error.norun.fix": "Open it in the browser that started it, or by its whole address. Or begin a new one.",
    "error.file": "This kind of file cannot be read",
    "error.file.fix": "Give one of: {kinds}.",
    "error.nodata": "There is no checked data to train on",
    "error.nodata.fix": "Go back to the first step and give a file.",
    "error.number": "'{value}' is no number that fits here",
}


# Values that are texts of ours, too: why something is so, what was measured, on which split.
_OURS = ("why", "metric", "split")


def say(key: str, **values: object) -> str:
    """The text for a key in the visitor's language, its gaps filled. Plain text: who puts it into HTML escapes it."""
    language = spoken()
    ours = {name: translated(str(values[name]), language) for name in _OURS if name in values}
    return table(language, "words").get(key, EN[key]).format(**{**values, **ours})


def known(key: str, otherwise: str) -> str:
    """The text for a key that the table may not have, such as a task's name."""
    return table(spoken(), "words").get(key) or EN.get(key, otherwise)
