"""Swatchbook as it is installed, with its shipped weights and no model of a provider."""

from benchmarks.catalogues.answers import DocumentAnswer, SystemAnswers, from_answer
from benchmarks.catalogues.systems import Task, swatchbook_version
from devtools.score_products import run_stages


def about() -> SystemAnswers:
    """Return what the file says of the system."""
    return SystemAnswers(
        system="swatchbook",
        version=swatchbook_version(),
        about="Swatchbook as installed: layout rules with fitted weights, print read by OCR, no model of a provider.",
        seen={"tuning": "tuned", "aside": "compared"},
    )


def answer(task: Task) -> DocumentAnswer:
    """Run the stages on a PDF, with pictures and facts."""
    return from_answer(run_stages(task.pdf, keep=task.keep, links=True, facts=True))
