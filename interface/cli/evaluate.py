"""`swatchbook evaluate products`: scores ingested catalogues against truth files. How they are scored:
`swatchbook/evaluation/score.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from interface.cli.options import Json, OwnerName, choose_one_owner, opened_resources

app = typer.Typer(no_args_is_help=True, help="Measure results against labels that a person made.")


@app.command("products")
def evaluate_products(
    truth: Annotated[
        list[Path] | None, typer.Argument(metavar="[TRUTH…]", help="Truth files, or folders of them.")
    ] = None,
    edited: Annotated[
        bool, typer.Option("--edited", help="Score what was found against what `swatchbook products` made of it.")
    ] = False,
    compare: Annotated[
        Path | None,
        typer.Option(metavar="RESULT.json", help="Earlier output of --json: show by name what was won and lost."),
    ] = None,
    owner: OwnerName = None,
    as_json: Json = False,
) -> None:
    """Score the products and picture links of ingested documents, found by their SHA-256, against truth files.

    With --edited the edits by hand are the truth, of the documents that have some: what was not edited counts as right.
    """
    if bool(truth) == edited:
        raise typer.BadParameter("give either truth files or --edited", param_hint="TRUTH")
    with opened_resources() as resources:
        from interface.cli.evaluation_tables import draw_evaluation, exit_code
        from interface.cli.terminal import note, out, say_json
        from swatchbook.evaluation.stored import score_edited, score_stored
        from swatchbook.evaluation.summary import evaluate, read_evaluation
        from swatchbook.evaluation.truth import read_truths

        before = None if compare is None else read_evaluation(compare)
        whose = choose_one_owner(resources.ledger, owner)
        if truth:
            scores, absent = score_stored(resources.ledger, whose, read_truths(truth))
        else:
            scores, absent = score_edited(resources.ledger, whose), []
        evaluation = evaluate(scores, absent=absent, before=before)
        say_json(evaluation) if as_json else out().print(draw_evaluation(evaluation))
        for slug in absent:
            note(f"{slug} is not scored: its document is not ingested, or not completed.")
    raise typer.Exit(exit_code(evaluation))
