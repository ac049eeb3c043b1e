"""`swatchbook evaluate search`: scores searches on labelled questions, and fits the weights of the roles to them:
`swatchbook/search/evaluation.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from interface.cli.shared_arguments import Json, OwnerName, choose_one_owner, choose_owner, opened_resources

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
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the fitted weights as SWATCHBOOK_SEARCH_WEIGHTS to this .env file."),
    ] = None,
    owner: OwnerName = None,
    all_owners: Annotated[
        bool, typer.Option("--all-owners", help="Ask each question of the owner that it names as its `catalogue`.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Score searches: each role alone, what leaving it out costs, all together, and with weights that are fitted.

    The collection must have the products that answer the questions, or the pictures of the folder.
    """
    with opened_resources() as resources:
        from interface.cli.retrieval_table import draw_retrieval, save_weights
        from interface.cli.terminal import note, out, say_json
        from swatchbook.errors import InvalidReference
        from swatchbook.search.evaluation import ask_pictures, ask_texts, evaluate_retrieval
        from swatchbook.settings import SearchKind

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
        if save is not None:
            before = resources.settings.search_weights
            kind: SearchKind = "image" if by_picture else "text"
            save_weights(save, {**before, kind: result.fitted})
            note(f"{save} has the weights. Searches use them where it is their .env file.")
