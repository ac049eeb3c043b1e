"""Audit a catalogue: what looks like a picture on its rendered pages (`pdf/picture_like.py`) is lost if neither a
placement nor a picture listed of a skipped page covers it.
"""

from pydantic import Field

from swatchbook.ledger.documents import Document
from swatchbook.pdf import reader
from swatchbook.records import FailedPage, LostPicture, Record
from swatchbook.reports.inspection import inspect, stored_file
from swatchbook.resources import Resources


class Audit(Record):
    """What looks like a picture and has no placement: on pages that are processed, and on skipped ones."""

    document_id: str
    name: str
    pages: int
    lost: tuple[LostPicture, ...]
    skipped: tuple[LostPicture, ...]
    failed: tuple[FailedPage, ...]
    labels: dict[int, str] = Field(default_factory=dict)  # page -> the number that people read on it, if another one


def audit(resources: Resources, document: Document) -> Audit:
    """Look at all pages of a catalogue. Raises InvalidReference, FileMissing, and what `reader.look` raises."""
    views = {view.number: view for view in inspect(resources.ledger, document).pages}
    placed = {number: [mark.bbox for mark in view.marks] for number, view in views.items()}
    lost, skipped, failed = list[LostPicture](), list[LostPicture](), list[FailedPage]()
    with resources.files.local(stored_file(document)) as path:
        for seen in reader.look(path, placed, resources.settings):
            if isinstance(seen, FailedPage):
                failed.append(seen)
                continue
            view = views[seen.number]
            reason = view.reason if view.kind == "skipped" else None
            found = reader.lost_pictures(seen.number, seen.box, seen.unplaced)
            (skipped if view.kind == "skipped" else lost).extend(
                picture.model_copy(update={"reason": reason}) for picture in found
            )
    return Audit(
        document_id=document.id,
        name=document.name,
        pages=len(views),
        lost=tuple(lost),
        skipped=tuple(skipped),
        failed=tuple(failed),
        labels={number: view.label for number, view in views.items() if view.label},
    )
