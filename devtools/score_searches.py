"""Score searches by labelled questions: each role alone, what leaving it out costs, and all together.

Usage: python -m devtools.score_searches QUERIES|FOLDER [--owner NAME | --all-owners]
The collection is the one that the settings name. QUERIES: JSON lines {"text": …, "products": […]}; with --all-owners
each question is asked of the owner that it names as its `catalogue`. FOLDER has a folder of pictures for each class.
"""

import argparse
from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.text import Text

from devtools.evaluation.searches import FIRST, Estimate, Retrieval, Scores, ask_pictures, ask_texts, evaluate_retrieval
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DEFAULT_OWNER
from swatchbook.domain.settings import load_settings
from swatchbook.doors.cli.terminal import cell, table
from swatchbook.resources import Resources, open_resources


def score(resources: Resources, questions: Path, owner: str | None) -> Retrieval:
    """Return the scores of the questions of a file or folder, asked of an owner, or (None) of those that they name.

    Raises InvalidReference where the collection has nothing that answers them.
    """
    if questions.is_dir():
        found = ask_pictures(resources, questions, owner or DEFAULT_OWNER)
    else:
        found = ask_texts(resources, questions, owner)
    asked, skipped, weights = found
    if not asked:
        raise InvalidReference(f"The collection has nothing that answers {questions}.")
    return evaluate_retrieval(asked, weights, skipped)


def draw(result: Retrieval) -> RenderableType:
    """Return a row for each role, and one for all with their weights."""
    numbers = ("weight", f"recall@{FIRST}", "mAP", f"nDCG@{FIRST}", "without it")
    rows = table("ranking", *numbers, right=numbers)
    for each in result.roles:
        cost = "" if each.cost is None else _lost(each.cost.gain)
        rows.add_row(cell(each.role), cell(f"{each.weight:.2f}"), *_cells(each.alone), cell(cost))
    rows.add_row(cell("all, as they weigh", "bold"), cell(""), *_cells(result.fused), cell(""))
    counts = f"{result.questions} questions, and {result.skipped} that the collection has no answer to."
    return Group(rows, Text(f"{counts} In brackets: 95 % of resamples of the questions."))


def _cells(scores: Scores) -> list[Text]:
    return [cell(_interval(each)) for each in (scores.recall, scores.precision, scores.gain)]


def _interval(value: Estimate) -> str:
    return f"{value.mean:.3f} ({value.low:.3f}–{value.high:.3f})"


def _lost(cost: Estimate) -> str:
    return f"{-cost.mean:+.3f} ({-cost.high:+.3f} to {-cost.low:+.3f})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(usage=(__doc__ or "").split("Usage: ")[1])
    parser.add_argument("questions", type=Path)
    parser.add_argument("--owner", default=DEFAULT_OWNER)
    parser.add_argument("--all-owners", action="store_true")
    given = parser.parse_args()
    with open_resources(load_settings()) as resources:
        Console(width=160).print(draw(score(resources, given.questions, None if given.all_owners else given.owner)))


if __name__ == "__main__":
    main()
