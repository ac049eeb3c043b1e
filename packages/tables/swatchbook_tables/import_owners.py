"""Import a table, one owner after the other, and print its counts."""

from pathlib import Path

from rich.text import Text

from swatchbook.domain.records import IngestOptions, Record
from swatchbook.doors.cli.ingest import ingest
from swatchbook.doors.cli.ingest_items import SourceCounts, counts_of, total_of
from swatchbook.doors.cli.terminal import COMPLETED, OPEN, err, facts, note, out, worst
from swatchbook.resources import Resources
from swatchbook.store.ledger.stored_documents import TABLE
from swatchbook_base.one_line import clean
from swatchbook_base.truncate import plural
from swatchbook_tables.import_table import NamedRow, TableCounts, content_of, only_owner, owners_with_rows, stage_table
from swatchbook_tables.rows import read_mapping

_SHOWN = 5
"""Rows that are printed of each list; --json has the first 1,000."""


class Imported(Record):
    """The result that `--json` prints. A dry run has only the table."""

    table: TableCounts
    dry_run: bool
    sources: tuple[SourceCounts, ...] = ()
    total: SourceCounts | None = None


def import_owners(
    resources: Resources,
    source: str,
    config: Path,
    *,
    owner: str | None,
    options: IngestOptions,
    dry_run: bool,
    quiet: bool,
) -> tuple[Imported, int]:
    """Import a table, one owner after the other. Return what was done and the exit code.

    `quiet`: write nothing to stdout, which is for JSON. Raises InvalidReference, UnreadableDocument, Configuration.
    """
    mapping = read_mapping(config)
    with err().status("reading rows") as status:
        table = stage_table(
            resources, source, config, mapping, owner=owner, options=options, dry_run=dry_run,
            progress=lambda rows: status.update(f"reading rows: {rows:,}"),
        )  # fmt: skip
    content = content_of(source, config)
    owners = owners_with_rows(resources, content, only_owner(mapping, owner), table)
    _print_table(table, quiet=quiet)
    codes = [OPEN if table.left_out else COMPLETED]
    if dry_run:
        return Imported(table=table, dry_run=True), worst(codes)

    sources = list[SourceCounts]()
    for each in owners:
        reports, code = ingest(resources, {content: TABLE}, owner=each, options=options, quiet=quiet)
        sources += [counts_of(resources, report) for report in reports]
        codes.append(code)
    imported = Imported(table=table, dry_run=False, sources=tuple(sources), total=total_of(sources))
    return imported, worst(codes)


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
    for each in table.letters:
        err().print(Text(clean(each)), soft_wrap=True)
    if table.not_completed and not table.taken:
        _print_rows("Not completed", table.not_completed, table.not_completed_rows)
        note("`completed` in the mapping lists the statuses that are taken.")


def _print_rows(what: str, count: int, rows: tuple[NamedRow, ...]) -> None:
    for row in rows[:_SHOWN]:
        err().print(Text(clean(f"{what}: {row.id}: {row.reason}")), soft_wrap=True)
    if count > _SHOWN:
        note(f"… and {count - _SHOWN:,} more")
