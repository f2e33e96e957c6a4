"""Every text of the pages. One table a language; `say` picks from it."""

from __future__ import annotations

EN = {
    "title": "hftransfer studio",
    "tagline": "Teach a model from your own examples.",
    "private": "Everything stays on this machine.",
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
    "train.cancelling": "Stopping…",
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
    "ended.interrupted": "The run's process is gone: it was killed, ran out of memory, or the machine restarted.",
    "ended.interrupted.fix": "Train again; smaller batches need less memory.",
    "task.image-classification": "Image classification",
    "task.text-classification": "Text classification",
    # Errors
    "error.title": "That did not work",
    "error.place": "Where",
    "error.fix": "Next",
    "error.stranger": "This request does not say whose it is",
    "error.stranger.fix": "Reload the page.",
    "error.port": "The studio cannot listen there",
    "error.port.fix": "End what listens there, or choose another port with --port.",
    "error.norun": "There is no such run here",
    "error.norun.fix": "Open it in the browser that started it, or by its whole address. Or begin a new one.",
    "error.file": "This kind of file cannot be read",
    "error.file.fix": "Give one of: {kinds}.",
    "error.nodata": "There is no checked data to train on",
    "error.nodata.fix": "Go back to the first step and give a file.",
    "error.number": "'{value}' is no number that fits here",
}


def say(key: str, **values: object) -> str:
    """The text for a key, with its gaps filled. Plain text: who puts it into HTML escapes it."""
    return EN[key].format(**values)


def known(key: str, otherwise: str) -> str:
    """The text for a key that the table may not have, such as a task's name."""
    return EN.get(key, otherwise)
