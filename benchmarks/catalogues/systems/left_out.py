"""Swatchbook with weights that were fitted without the set of each document, as catalogues are met later.

Only for the split `tuning`: the shipped weights know nothing of the others.
"""

from collections.abc import Callable
from functools import cache, partial

from benchmarks.catalogues.answers import DocumentAnswer, SystemAnswers, from_answer
from benchmarks.catalogues.systems import Task, swatchbook_version
from devtools.measured_groups import FEATURES, load
from devtools.score_left_out import fit_without_sets
from devtools.score_products import answer_of, catalogue_by
from swatchbook_catalogue.choose_names import Weights
from swatchbook_catalogue.discover import discover


def about() -> SystemAnswers:
    """Return what the file says of the system."""
    return SystemAnswers(
        system="swatchbook-left-out",
        version=swatchbook_version(),
        about="Swatchbook with weights of names fitted without the documents that were labelled together with each.",
        seen={"tuning": "left out"},
    )


@cache
def _weights() -> Callable[[str], Weights]:
    return fit_without_sets(load(FEATURES))


def answer(task: Task) -> DocumentAnswer:
    """Run the stages on a PDF with the weights of its set."""
    found = catalogue_by(task.pdf, task.keep, partial(discover, weights=_weights()(task.name)), facts=True)
    return from_answer(answer_of(found))
