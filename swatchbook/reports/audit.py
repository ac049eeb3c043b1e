"""Audit a catalogue: find what looks like a picture on its rendered pages and was not taken.

It is lost if no placement, line of text or listed picture of a skipped page covers it (`pdf/picture_like.py`). Each
page is rendered as people see it, while an ingest looks at less. What is found is part of the account from then on.
"""

from collections.abc import Mapping

from pydantic import Field

from swatchbook.catalogue.decoration import without_repeated
from swatchbook.ledger.documents import Document
from swatchbook.ledger.lost_pictures import add_audited
from swatchbook.ledger.queries.lost_pictures import list_lost_pictures
from swatchbook.pdf import reader
from swatchbook.pdf.rasters import lines_of_text
from swatchbook.records import DEFAULT_OWNER, Box, FailedPage, LostPicture, Page, Record
from swatchbook.reports.inspection import inspect, stored_file
from swatchbook.resources import Resources


class Audit(Record):
    """Parts that look like pictures and have no placement, on pages that are processed and on skipped ones."""

    document_id: str
    name: str
    owner: str = DEFAULT_OWNER
    pages: int
    lost: tuple[LostPicture, ...]
    skipped: tuple[LostPicture, ...]
    failed: tuple[FailedPage, ...]
    labels: dict[int, str] = Field(default_factory=dict)  # page -> its printed number, if that is another one


def audit(resources: Resources, document: Document) -> Audit:
    """Look at all pages of a catalogue. Raises InvalidReference, FileMissing, and what `reader.look` raises."""
    views = {view.number: view for view in inspect(resources.ledger, document).pages}
    printed = _lines_of_text(resources, document)
    placed = {n: [*(mark.bbox for mark in view.marks), *printed.get(n, ())] for n, view in views.items()}
    lost, skipped, failed = list[LostPicture](), list[LostPicture](), list[FailedPage]()
    with resources.files.local(stored_file(document)) as path:
        for seen in reader.look(path, placed, resources.settings):
            if isinstance(seen, FailedPage):
                failed.append(seen)
                continue
            view = views[seen.number]
            reason = view.reason if view.kind == "skipped" else None
            (skipped if view.kind == "skipped" else lost).extend(
                picture.model_copy(update={"reason": reason}) for picture in seen.unplaced
            )
    add_audited(resources.ledger, document.id, without_repeated(lost))
    return Audit(
        document_id=document.id,
        name=document.name,
        owner=document.owner,
        pages=len(views),
        lost=list_lost_pictures(resources.ledger, document.id),
        skipped=tuple(skipped),
        failed=tuple(failed),
        labels={number: view.label for number, view in views.items() if view.label},
    )


def known_audit(resources: Resources, document: Document) -> Audit:
    """Return what earlier audits and ingests have found, without a look at the pages."""
    return Audit(
        document_id=document.id,
        name=document.name,
        owner=document.owner,
        pages=document.page_count or 0,
        lost=list_lost_pictures(resources.ledger, document.id),
        skipped=(),
        failed=(),
    )


def _lines_of_text(resources: Resources, document: Document) -> Mapping[int, list[Box]]:
    """Return page -> the boxes of its lines, read from the text layer or from pixels; nothing before they are read."""
    if document.pages_file is None:
        return {}
    with resources.files.local(document.pages_file) as path, path.open("rb") as lines:
        pages = (Page.model_validate_json(line) for line in lines)
        return {page.number: [line.bbox for line in lines_of_text(page)] for page in pages}
