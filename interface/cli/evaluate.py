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
    truth: Annotated[list[Path], typer.Argument(metavar="TRUTH…", help="Truth files, or folders of them.")],
    compare: Annotated[
        Path | None,
        typer.Option(metavar="RESULT.json", help="Earlier output of --json: show by name what was won and lost."),
    ] = None,
    owner: OwnerName = None,
    as_json: Json = False,
) -> None:
    """Score the products and picture links of ingested documents, found by their SHA-256, against truth files."""
    with opened_resources() as resources:
        from interface.cli.evaluation_tables import draw_evaluation, exit_code
        from interface.cli.terminal import note, out, say_json
        from swatchbook.evaluation.stored import score_stored
        from swatchbook.evaluation.summary import evaluate, read_evaluation
        from swatchbook.evaluation.truth import read_truths

        before = None if compare is None else read_evaluation(compare)
        scores, absent = score_stored(resources.ledger, choose_one_owner(resources.ledger, owner), read_truths(truth))
        evaluation = evaluate(scores, absent=absent, before=before)
        say_json(evaluation) if as_json else out().print(draw_evaluation(evaluation))
        for slug in absent:
            note(f"{slug} is not scored: its document is not ingested, or not completed.")
    raise typer.Exit(exit_code(evaluation))
