"""`swatchbook evaluate search`: score searches on labelled questions (`search/evaluation.py`)."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from swatchbook.domain.errors import InvalidReference
from swatchbook.doors.cli.shared_arguments import Json, OwnerName, choose_one_owner, choose_owner, opened_resources
from swatchbook.doors.cli.terminal import cell, note, out, say_json, table

if TYPE_CHECKING:
    from swatchbook.search.evaluation import Estimate, Retrieval, Scores


app = typer.Typer(no_args_is_help=True, help="Measure searches on questions with known answers.")


@app.command("search")
def evaluate_search(
    questions: Annotated[
        Path,
        typer.Argument(
            metavar="QUERIES|FOLDER",
            exists=True,
            help='JSON lines {"text": …, "products": […]}, or a folder with a folder of pictures for each class.',
        ),
    ],
    owner: OwnerName = None,
    all_owners: Annotated[
        bool, typer.Option("--all-owners", help="Ask each question of the owner that it names as its `catalogue`.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score searches: each role alone, what leaving it out costs, and all together.

    The collection must have the products that answer the questions, or the pictures of the folder.
    """
    with opened_resources() as resources:
        from swatchbook.search.evaluation import ask_pictures, ask_texts, evaluate_retrieval

        by_picture = questions.is_dir()
        if by_picture and all_owners:
            raise typer.BadParameter("a folder is asked of one owner", param_hint="--all-owners")
        if by_picture:
            found = ask_pictures(resources, questions, choose_one_owner(resources.ledger, owner))
        else:
            found = ask_texts(resources, questions, choose_owner(resources.ledger, owner, all_owners))
        asked, skipped, weights = found
        if not asked:
            raise InvalidReference(
                f"The collection has nothing that answers {questions}.",
                advice="Ingest the catalogues or pictures first, or name their owner with --owner.",
            )
        result = evaluate_retrieval(asked, weights, skipped)
        say_json(result) if as_json else out().print(draw_retrieval(result))
        if skipped:
            note(f"{skipped} questions were not asked: the collection has no answer, or they cannot be read.")


def draw_retrieval(result: "Retrieval") -> RenderableType:
    """Return a row for each role, and one for all with their weights."""
    from swatchbook.search.evaluation import FIRST

    numbers = ("weight", f"recall@{FIRST}", "mAP", f"nDCG@{FIRST}", "without it")
    rows = table("ranking", *numbers, right=numbers)
    for each in result.roles:
        cost = "" if each.cost is None else _lost(each.cost.gain)
        rows.add_row(cell(each.role), cell(f"{each.weight:.2f}"), *_cells(each.alone), cell(cost))
    rows.add_row(cell("all, as they weigh", "bold"), cell(""), *_cells(result.fused), cell(""))
    return Group(rows, Text(f"{result.questions} questions. In brackets: 95 % of resamples of the questions."))


def _cells(scores: "Scores") -> list[Text]:
    return [cell(_interval(each)) for each in (scores.recall, scores.precision, scores.gain)]


def _interval(value: "Estimate") -> str:
    return f"{value.mean:.3f} ({value.low:.3f}–{value.high:.3f})"


def _lost(cost: "Estimate") -> str:
    return f"{-cost.mean:+.3f} ({-cost.high:+.3f} to {-cost.low:+.3f})"


COMMANDS = {"Evaluation": {"evaluate": app}}
