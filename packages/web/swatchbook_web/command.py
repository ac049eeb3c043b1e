"""`swatchbook inspect`: the picture of a page that shows what its document's web page shows."""

from pathlib import Path
from typing import Annotated

import typer

from swatchbook.doors.cli.shared_arguments import (
    AllOwners,
    OwnerName,
    Reference,
    choose_document,
    choose_owner,
    opened_resources,
)
from swatchbook.doors.cli.terminal import cell, out

app = typer.Typer()
"""What the entry point names."""


@app.command(rich_help_panel="Evaluation")
def inspect(
    document: Reference,
    page: Annotated[int, typer.Option(min=1, metavar="N", help="Page of the PDF.")],
    png: Annotated[Path, typer.Option(metavar="FILE", help="PNG file to write.")],
    owner: OwnerName = None,
    all_owners: AllOwners = False,
) -> None:
    """Draw a catalogue's page with a box over every placement: its state, why, its caption and its products.

    The document's web page shows the same of every page.
    """
    with opened_resources() as resources:
        from swatchbook_web.inspection_drawing import write_png

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        write_png(resources, row, page, png)
        out().print(cell(png), soft_wrap=True)
