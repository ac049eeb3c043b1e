"""Swatchbook after three actions of a simulated person, who clicks on names that are missed or wrong by the labels.

What the person does: `devtools/evaluation/person.py`.
"""

from benchmarks.catalogues.answers import DocumentAnswer, SystemAnswers, from_answer
from benchmarks.catalogues.systems import Task, swatchbook_version
from devtools.score_products import answer_of, catalogue_by
from devtools.score_teaching import JUDGED, teach_discovery


def about() -> SystemAnswers:
    """Return what the file says of the system."""
    return SystemAnswers(
        system="swatchbook-taught",
        version=swatchbook_version(),
        about=f"Swatchbook after {JUDGED} clicks of a simulated person, who sees which names are missed or wrong.",
        seen={"tuning": "tuned", "aside": "compared"},
    )


def answer(task: Task) -> DocumentAnswer:
    """Run the stages on a PDF after it was taught. A document without labelled products is not taught."""
    found = teach_discovery(task.truth, task.pdf, task.keep, JUDGED)
    return from_answer(answer_of(catalogue_by(task.pdf, task.keep, lambda _, pages: found, facts=True)))
