"""Commands that show what the collection has, by document or as a whole: `swatchbook show`, `diff`, `inspect`, `audit`
(which counts what it finds), `export`, `status`, `coverage` and `stats`.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from interface.cli.interrupted import resumable
from interface.cli.shared_arguments import (
    All,
    AllOwners,
    Json,
    OwnerName,
    Reference,
    ReferenceOrAll,
    Roles,
    choose_document,
    choose_documents,
    choose_owner,
    opened_resources,
    parse_boxes,
    parse_roles,
)

if TYPE_CHECKING:
    from swatchbook.ledger.documents import Document
    from swatchbook.resources import Resources


def show(document: Reference, owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """Show one document: its account, products and failures."""
    with opened_resources() as resources:
        from interface.cli.document_tables import draw_document
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries.document import show_document
        from swatchbook.ledger.queries.report import document_report

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        details = show_document(resources.ledger, row.id)
        if as_json:
            say_json(details)
            return
        report = document_report(resources.ledger, row.id)
        out().print(draw_document(row, report, details, now=resources.ledger.now()))


def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="The older document: id, beginning of an id, or name.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The newer document.")],
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """Compare the products of two documents: added, removed, renamed, and changed in price or size."""
    with opened_resources() as resources:
        from interface.cli.editions import draw_diff
        from interface.cli.terminal import out, say_json
        from swatchbook.reports.editions import compare_documents

        whose = choose_owner(resources.ledger, owner, all_owners)
        ids = [choose_document(resources.ledger, each, whose).id for each in (before, after)]
        found = compare_documents(resources.ledger, *ids)
        say_json(found) if as_json else out().print(draw_diff(found))


def inspect(
    document: Reference,
    page: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only this page of the PDF.")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="HTML file to write; one in the home if not given.")
    ] = None,
    png: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture of the page instead; needs --page.")
    ] = None,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
) -> None:
    """Show a catalogue's pages with a box over every placement: its state, why, its caption and its products.

    Prints the path of the file: HTML that holds all pages and opens in any browser, or a PNG of one page.
    """
    if png is not None and (page is None or html is not None):
        raise typer.BadParameter("give --page with it, and no --html", param_hint="--png")
    with opened_resources() as resources:
        from interface.cli.inspection import write_html, write_png
        from interface.cli.terminal import cell, out
        from swatchbook.reports.inspection_html import html_path

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        if png is not None and page is not None:
            write_png(resources, row, page, png)
        else:
            html = html or html_path(resources.settings, row.id, row.name, page)
            write_html(resources, row, page, html)
        out().print(cell(png or html), soft_wrap=True)


def audit(
    document: Reference,
    dismiss: Annotated[
        str, typer.Option(metavar="BOXES", help="These are no pictures, and no longer counted: 5:1,5:2.")
    ] = "",
    put_back: Annotated[
        str, typer.Option(metavar="BOXES", help="Of these nothing is said any more; what was taken in leaves.")
    ] = "",
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    as_json: Json = False,
) -> None:
    """Look at all pages of a catalogue for pictures that were not taken, and count them: seen, not taken.

    `embed --boxes` takes them in. With --dismiss or --put-back no page is looked at.
    """
    said = {"dismissed": parse_boxes(dismiss, "--dismiss"), "seen": parse_boxes(put_back, "--put-back")}
    with opened_resources() as resources, resumable():
        from interface.cli.inspection import draw_audit
        from interface.cli.terminal import out, say_json
        from swatchbook.reports.audit import audit, known_audit

        row = choose_document(resources.ledger, document, choose_owner(resources.ledger, owner, all_owners))
        code = _decide(resources, row, said, quiet=as_json)
        found = known_audit(resources, row) if any(said.values()) else audit(resources, row)
        if as_json:
            say_json(found)
        else:
            out().print(draw_audit(found))
    raise typer.Exit(code)


def _decide(resources: "Resources", row: "Document", said: Mapping[str, Collection[str]], *, quiet: bool) -> int:
    """Record decisions about lost pictures, and process the document again if its pictures change."""
    from interface.cli.ingest import resume
    from interface.cli.review_tables import login_name
    from swatchbook.ledger.documents import get_document
    from swatchbook.records import LostState
    from swatchbook.upkeep.lost_pictures import decide

    changed = [
        decide(resources, row, boxes, LostState(state), by=login_name()) for state, boxes in said.items() if boxes
    ]
    return resume(resources, [get_document(resources.ledger, row.id)], quiet=quiet)[1] if any(changed) else 0


def export(
    document: ReferenceOrAll = None,
    every: All = False,
    owner: OwnerName = None,
    all_owners: AllOwners = False,
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv|jsonl|xlsx|parquet",
            help="Format, or the name of a plugin; by default that of PATH's suffix, else csv.",
        ),
    ] = None,
    to: Annotated[Path | None, typer.Option(metavar="PATH", help="File to write; stdout if not given.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Also copy the products' pictures into this folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON; needs --to.")] = False,
) -> None:
    """Export products, one row each, with the names of their pictures: as CSV, JSON lines, Excel or Parquet.

    In CSV, a cell that begins with = + - @ gets an apostrophe in front, so that no spreadsheet runs it as a formula.
    """
    if as_json and to is None:
        raise typer.BadParameter("the export itself goes to stdout: add --to PATH", param_hint="--json")
    with opened_resources() as resources:
        from interface.cli.export import choose_format, exportable, note_exported
        from interface.cli.export import export as write
        from interface.cli.terminal import say_json

        chosen = choose_format(form, to)
        documents = choose_documents(resources.ledger, document, every, owner, all_owners)
        exported = write(resources, exportable(documents, every=every), chosen, to=to, pictures=pictures)
        say_json(exported) if as_json else note_exported(exported)
    raise typer.Exit(exported.exit_code)


def status(owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """List documents that are running, waiting, due or blocked."""
    with opened_resources() as resources:
        from interface.cli.document_tables import draw_overview, overview
        from interface.cli.terminal import out, say_json

        state = overview(resources.ledger, resources.settings, choose_owner(resources.ledger, owner, all_owners))
        say_json(state.listed()) if as_json else out().print(draw_overview(state, now=resources.ledger.now()))


def coverage(owner: OwnerName = None, all_owners: AllOwners = False, roles: Roles = "", as_json: Json = False) -> None:
    """Show how much of the collection is embedded and searchable, and what the stages took this week."""
    wanted = parse_roles(roles)
    with opened_resources() as resources:
        from interface.cli.coverage_tables import draw_coverage
        from interface.cli.terminal import out, say_json
        from swatchbook.ledger.queries.coverage import count_coverage
        from swatchbook.ledger.queries.timings import stage_weeks
        from swatchbook.reports.stale import stale_roles

        whose = choose_owner(resources.ledger, owner, all_owners)
        counted = count_coverage(resources.ledger, owner=whose, roles=wanted)
        stale = stale_roles(resources.ledger, resources.settings, whose, wanted)
        stages = stage_weeks(resources.ledger, whose)
        if as_json:
            say_json(counted.model_dump(mode="json") | {"stale": stale, "stages": stages})
        else:
            out().print(draw_coverage(counted, stale, stages))


def stats(owner: OwnerName = None, all_owners: AllOwners = False, as_json: Json = False) -> None:
    """Count images by state, role, model and kind of failure; show by role how alike a sample of them is."""
    with opened_resources() as resources:
        from interface.cli.statistics import draw_statistics
        from interface.cli.terminal import out, say_json
        from swatchbook.reports.statistics import collect_statistics

        collected = collect_statistics(resources, choose_owner(resources.ledger, owner, all_owners))
        say_json(collected) if as_json else out().print(draw_statistics(collected))
