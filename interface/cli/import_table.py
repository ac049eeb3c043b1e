"""Take over a collection from a table, and print counts of its rows, vectors and images (`swatchbook import`).

Images with a vector are counted before and after. `sources/table.py` and `pipeline/import_table.py` decide which rows
and vectors are taken.
"""

from collections.abc import Iterable
from pathlib import Path

from rich.text import Text

from interface.cli.exit_status import COMPLETED, OPEN, worst
from interface.cli.ingest import ingest
from interface.cli.ingest_images import SourceCounts, counts_of, total_of
from interface.cli.terminal import clean, err, facts, note, out, plural
from swatchbook.errors import InvalidReference
from swatchbook.ledger.documents import TABLE
from swatchbook.ledger.queries.coverage import count_coverage
from swatchbook.pipeline.import_table import (
    NamedRow,
    TableCounts,
    content_of,
    only_owner,
    owners_with_rows,
    stage_table,
)
from swatchbook.records import IngestOptions, Record
from swatchbook.resources import Resources
from swatchbook.sources.table import SQL, read_mapping

_SHOWN = 5
"""Rows that are printed of each list; --json has the first 1,000."""


class ImageCounts(Record):
    """Counts of the images of a table's owners, and of those with a vector."""

    images: int
    with_vectors: int


class Imported(Record):
    """The result that `--json` prints. A dry run has only the table and `before`."""

    table: TableCounts
    dry_run: bool
    before: ImageCounts
    after: ImageCounts | None = None
    sources: tuple[SourceCounts, ...] = ()
    total: SourceCounts | None = None


def import_table(
    resources: Resources,
    source: str,
    config: Path | None,
    *,
    owner: str | None,
    options: IngestOptions,
    dry_run: bool,
    quiet: bool,
) -> tuple[Imported, int]:
    """Import a table, one owner after the other. Return what was done and the exit code.

    `quiet`: write nothing to stdout, which is for JSON. Raises InvalidReference, UnreadableDocument, Configuration.
    """
    config = _require_mapping(source, config)
    mapping = read_mapping(config)
    with err().status("reading rows") as status:
        table = stage_table(
            resources, source, config, mapping, owner=owner, options=options, dry_run=dry_run,
            progress=lambda rows: status.update(f"reading rows: {rows:,}"),
        )  # fmt: skip
    content = content_of(source, config)
    owners = owners_with_rows(resources, content, only_owner(mapping, owner), table)
    before = _count_images(resources, owners)
    _print_table(table, quiet=quiet)
    codes = [OPEN if table.left_out else COMPLETED]
    if dry_run:
        return Imported(table=table, dry_run=True, before=before), worst(codes)

    sources = list[SourceCounts]()
    for each in owners:
        reports, code = ingest(resources, {content: TABLE}, owner=each, options=options, quiet=quiet)
        sources += [counts_of(resources, report) for report in reports]
        codes.append(code)
    after = _count_images(resources, owners)
    note(
        f"Images with a vector: {before.with_vectors:,} of {before.images:,} before, "
        f"{after.with_vectors:,} of {after.images:,} now."
    )
    imported = Imported(
        table=table, dry_run=False, before=before, after=after, sources=tuple(sources), total=total_of(sources)
    )
    return imported, worst(codes)


def _require_mapping(source: str, config: Path | None) -> Path:
    """Return the mapping's file. Raises InvalidReference if none is named, and first if the source is not there."""
    if config is not None:
        return config
    if not source.startswith(SQL) and not Path(source).exists():
        raise InvalidReference(f"{source}: no such file or directory.", advice="Check the path.")
    raise InvalidReference(
        "No mapping is named.",
        advice="Add --config FILE, a YAML file that says which column is what: docs/import.md has an example.",
    )


def _count_images(resources: Resources, owners: Iterable[str]) -> ImageCounts:
    counted = [count_coverage(resources.ledger, owner=owner) for owner in owners]
    return ImageCounts(
        images=sum(each.total_images for each in counted), with_vectors=sum(each.with_embeddings for each in counted)
    )


def _print_table(table: TableCounts, *, quiet: bool) -> None:
    console = err() if quiet else out()
    others = f" + {table.of_others:,} of other owners" if table.of_others else ""
    console.print(
        facts(
            [
                ("rows", f"{table.rows:,} = {table.taken:,} taken + {table.not_completed:,} not completed + "
                         f"{table.left_out:,} left out{others}"),
                ("vectors", f"{table.given:,} given = {table.taken_over:,} taken over + {table.refused:,} refused"),
                ("owners", plural(len(table.owners), "owner")),
            ]
        )
    )  # fmt: skip
    for what, count, rows in (
        ("Left out", table.left_out, table.left_out_rows),
        ("Embedded instead", table.refused, table.refused_vectors),
    ):
        _print_rows(what, count, rows)
    if table.not_completed and not table.taken:
        _print_rows("Not completed", table.not_completed, table.not_completed_rows)
        note("`completed` in the mapping lists the statuses that are taken.")


def _print_rows(what: str, count: int, rows: tuple[NamedRow, ...]) -> None:
    for row in rows[:_SHOWN]:
        err().print(Text(clean(f"{what}: {row.id}: {row.reason}")), soft_wrap=True)
    if count > _SHOWN:
        note(f"… and {count - _SHOWN:,} more")
