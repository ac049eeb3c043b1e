"""Write a catalogue's pages as one HTML file, or one page as a picture (`swatchbook inspect`).

Also prints what looks like a picture and has no placement (`swatchbook audit`).
"""

from contextlib import closing
from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from interface.cli.terminal import cell, clean, owner_flag, plural, table
from swatchbook.errors import UnreadableDocument
from swatchbook.export.atomic_file import atomic_file
from swatchbook.ledger.documents import Document
from swatchbook.pdf import reader
from swatchbook.records import FailedPage, LostState, page_name
from swatchbook.reports.audit import Audit
from swatchbook.reports.inspection import inspect, stored_file
from swatchbook.reports.inspection_html import PAGE_SIDE, as_html, drawing_of
from swatchbook.resources import Resources


def write_html(resources: Resources, document: Document, page: int | None, to: Path) -> None:
    """Write the HTML of all pages or of one.

    Raises InvalidReference for a document without pages and a path that cannot be written, FileMissing, DiskFull.
    """
    inspection = inspect(resources.ledger, document, page)
    placed = {view.number: [mark.bbox for mark in view.marks] for view in inspection.pages}
    to.parent.mkdir(parents=True, exist_ok=True)
    with (
        resources.files.local(stored_file(document)) as path,
        closing(reader.look(path, placed, resources.settings, side=PAGE_SIDE)) as seen,
        atomic_file(to) as file,
    ):
        for part in as_html(inspection, seen):
            file.write(part.encode())


def write_png(resources: Resources, document: Document, page: int, to: Path) -> None:
    """Write the picture of a page with its boxes, and their meanings next to it.

    Raises what `write_html` raises, and UnreadableDocument if the page cannot be rendered.
    """
    (view,) = inspect(resources.ledger, document, page).pages
    settings = resources.settings
    with resources.files.local(stored_file(document)) as path, atomic_file(to) as file:
        (seen,) = reader.look(path, {page: [mark.bbox for mark in view.marks]}, settings)
        if isinstance(seen, FailedPage):
            raise UnreadableDocument(f"Page {page} cannot be rendered: {seen.message}")
        file.write(reader.draw_page(path, page, drawing_of(view, seen), settings, side=PAGE_SIDE))


def draw_audit(audit: Audit) -> RenderableType:
    """Return what looks like a picture as a table, how much of it is not taken, and what can be done with it."""
    rows = table("id", "page", "box", "of the page", "state", right=("page", "of the page"))
    for lost in (*audit.lost, *audit.skipped):
        box = " ".join(f"{side:.0f}" for side in lost.bbox)
        page = page_name(lost.page, audit.labels.get(lost.page))
        state = f"skipped: {lost.reason}" if lost.reason else _SAID[lost.state]
        named = lost.id if lost.number else ""
        rows.add_row(cell(named, "bold"), cell(page), cell(box), cell(f"{lost.share:.1%}"), cell(state, "dim"))
    seen = sum(lost.state is LostState.SEEN for lost in audit.lost)
    count = f"{plural(seen, 'picture')} seen, not taken, on {plural(audit.pages, 'page')}"
    if audit.skipped:
        count += f", and {plural(len(audit.skipped), 'picture')} on skipped pages"
    parts: list[RenderableType] = [rows] if audit.lost or audit.skipped else []
    for failed in audit.failed:
        page = page_name(failed.page, audit.labels.get(failed.page))
        parts.append(Text(f"✗ page {clean(page)}: {clean(failed.message)}", "red"))
    if seen:
        this = f"{audit.document_id[:8]}{owner_flag(audit.owner)}"
        first = next(lost.id for lost in audit.lost if lost.state is LostState.SEEN)
        count += (
            f". To take one in: swatchbook embed {this} --boxes {first}. "
            f"If it is no picture: swatchbook audit {this} --dismiss {first}"
        )
    return Group(*parts, Text(count))


_SAID = {LostState.SEEN: "seen, not taken", LostState.TAKEN: "taken in", LostState.DISMISSED: "not a picture"}
"""The decisions of people on a part of a page, in words."""
