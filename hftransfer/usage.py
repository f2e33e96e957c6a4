"""How a model of ours is asked, with Transformers alone wherever that loads it: what a card, a page, a script show."""

from __future__ import annotations

from dataclasses import dataclass

from .tasks import Task

PAIR = "pair"
AGGREGATION = "simple"  # of tokens into entities, where a report says no other
# Inputs to show, as Python and as the shell write them.
PYTHON = {
    "text": '"a text of yours"',
    "image": '"photo.jpg"',
    PAIR: '{"text": "one text", "text_pair": "another"}',
}
OURS = PYTHON | {PAIR: '[("one text", "another")]'}  # several inputs, where one would be taken for two
SHELL = {"text": '"a text of yours"', "image": "photo.jpg", PAIR: '\'["one text", "another"]\''}


@dataclass(frozen=True)
class Code:
    """Lines for one shape of label.

    `name` is what the pipeline is called; `made` makes it ready; `shown` prints the answer to `{given}`, and
    `each` a line for `given` in a script. `says` is what one has to know of the pipeline's answer.
    """

    name: str
    shown: str
    each: str
    made: str = ""
    more: str = ""
    says: str = ""


CODES = {
    "class": Code(
        name="classify",
        shown="print(classify({given}))",
        each="""for answer in classify(given, top_k=1):
    print(f"{given}: {answer['label']} {answer['score']:.1%}")""",
    ),
    "flags": Code(
        name="classify",
        made="thresholds = classify.model.config.thresholds",
        shown="""scores = classify({given}, top_k=len(thresholds))
print([row["label"] for row in scores if row["score"] >= thresholds[row["label"]]])""",
        each="""scores = classify(given, top_k=len(thresholds))
labels = [row["label"] for row in scores if row["score"] >= thresholds[row["label"]]]
print(f"{given}: {', '.join(labels) or '-'}")""",
        says="The pipeline gives each label a score. Those hold whose score reaches the label's threshold, which is in "
        "the model's config.",
    ),
    "numbers": Code(
        name="measure",
        made="numbers = measure.model.config.num_labels",
        shown="""print({{row["label"]: row["score"] for row in measure({given}, top_k=numbers)}})""",
        each="""answers = {row["label"]: row["score"] for row in measure(given, top_k=numbers)}
print(f"{given}: {', '.join(f'{name} {number:.6g}' for name, number in sorted(answers.items()))}")""",
        says="What the pipeline calls a score is the number itself, in the unit of the data.",
    ),
    "tags": Code(
        name="find",
        more=', aggregation_strategy="{aggregation}"',
        shown="""text = {given}
for entity in find(text):
    print(entity["entity_group"], text[entity["start"] : entity["end"]])""",
        each="""for entity in find(given):
    print(f"{entity['entity_group']}: {given[entity['start'] : entity['end']]} {entity['score']:.1%}")""",
        says="An entity comes with its kind, and with where in the text it begins and ends. Of a text that is longer "
        "than the model takes the pipeline reads the beginning alone, unless it is made with `stride=32`.",
    ),
}
ASKED = {
    "text": "for given in sys.argv[1:]:",
    "image": "for given in sys.argv[1:]:",
    PAIR: """for text, pair in zip(sys.argv[1::2], sys.argv[2::2]):
    given = {"text": text, "text_pair": pair}""",
}
ARGUMENTS = {"text": '"a text"', "image": "photo.jpg", PAIR: '"one text" "another"'}
SAYS = '"""Ask the model in this folder: `pip install -r requirements.txt`, then `python predict.py {arguments}`."""'
SCRIPT = """{says}

import sys
from pathlib import Path

from transformers import pipeline

{made}
{asked}
{each}
"""

DENSE = "dense"  # of a report's `head`, which Transformers cannot load
OWN = """from hftransfer import Predictor

answer = Predictor.from_pretrained("{model}").predict({given})
print(answer.prediction, answer.scores)"""
OWN_SCRIPT = """{says}

import sys
from pathlib import Path

from hftransfer import Predictor

model = Predictor.from_pretrained(Path(__file__).parent / "model")
{asked}
    print(f"{{given}}: {{model.predict(given).prediction}}")
"""


def kind_of_input(task: Task, *, pair: bool = False) -> str:
    """What the tables above call the task's inputs."""
    return PAIR if pair else task.modality.name


def example(task: Task, model: str, *, pair: bool = False, aggregation: str = "", head: str = "") -> str:
    """A few lines of Python that ask a model.

    Args:
        aggregation: how tokens are made into entities.
        head: what a report says of it.
    """
    if head == DENSE:
        return OWN.format(model=model, given=PYTHON[kind_of_input(task, pair=pair)])
    shown = CODES[task.target.shape].shown.format(given=PYTHON[kind_of_input(task, pair=pair)])
    made = _made(task, f'"{model}"', aggregation)
    return f"from transformers import pipeline\n\n{made}\n{shown}"


def script(task: Task, *, pair: bool = False, aggregation: str = "", head: str = "") -> str:
    """A script beside the folder `model` that answers what it is given; further arguments as of `example`."""
    kind = kind_of_input(task, pair=pair)
    says = SAYS.format(arguments=ARGUMENTS[kind])
    if head == DENSE:
        return OWN_SCRIPT.format(says=says, asked=ASKED[kind])
    each = "\n".join(f"    {line}" for line in CODES[task.target.shape].each.splitlines())
    made = _made(task, 'str(Path(__file__).parent / "model")', aggregation)
    return SCRIPT.format(says=says, made=made, asked=ASKED[kind], each=each)


def _made(task: Task, model: str, aggregation: str) -> str:
    code = CODES[task.target.shape]
    more = code.more.format(aggregation=aggregation or AGGREGATION)
    made = f'{code.name} = pipeline("{task.pipeline}", model={model}{more})'
    return f"{made}\n{code.made}" if code.made else made
