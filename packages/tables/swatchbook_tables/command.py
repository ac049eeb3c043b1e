"""`swatchbook import`: a collection from a table, with the vectors that it has already."""

from pathlib import Path
from typing import Annotated

import typer

from swatchbook.doors.cli.commands.ingest import BatchSize, ingest_options
from swatchbook.doors.cli.shared_arguments import Json, MaxUsd, Roles, check_owner, check_text, opened_resources
from swatchbook.doors.cli.terminal import resumable, say_json

app = typer.Typer()
"""What the entry point names."""


@app.command("import", rich_help_panel="Collection")
def import_table(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A .csv, .jsonl or .parquet file; or env:NAME, where the environment variable NAME has the URL of a "
            "database.",
        ),
    ],
    config: Annotated[
        Path, typer.Option(metavar="FILE", help="The mapping, in YAML: which column is what (docs/import.md).")
    ],
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Take the rows of this user only; owner of all rows, if no column has the user."
        ),
    ] = None,
    batch_size: BatchSize = None,
    roles: Roles = "",
    max_usd: MaxUsd = None,
    mirror: Annotated[bool, typer.Option("--mirror", help="Remove items that are no longer in the table.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count rows and vectors.")] = False,
    as_json: Json = False,
) -> None:
    """Import a collection from a table, with the vectors that it has already.

    Each owner's completed rows with a picture become products; pictures without a usable vector are embedded. Run it
    again when the table has changed.
    """
    options = ingest_options(batch_size=batch_size, roles=roles, max_usd=max_usd, mirror=mirror)
    check_owner(owner)
    check_text(source, "SOURCE")
    with opened_resources(begins=True) as resources, resumable():
        from swatchbook_tables.import_owners import import_owners

        imported, code = import_owners(
            resources, source, config, owner=owner, options=options, dry_run=dry_run, quiet=as_json
        )
    if as_json:
        say_json(imported)
    raise typer.Exit(code)
