"""The page of the readings that a document can be read by, the likeliest ones and those of like documents, each as a
page with boxes; and when the page of a document begins with them.
"""

from typing import NamedTuple

from fastapi import Response

from interface.service.documents import DocumentId
from interface.service.teaching import opened_lesson
from interface.web.pages import TheView, page_router
from interface.web.teach import on_picture
from swatchbook.ledger.queries.document_figures import DocumentFigures
from swatchbook.ledger.stored_documents import Document
from swatchbook.pipeline import teach
from swatchbook.pipeline.offered_readings import offer_readings
from swatchbook.pipeline.teach import Lesson
from swatchbook.records import UNTAUGHT, Box, Proposal

router = page_router()


class Choice(NamedTuple):
    """A reading to choose, shown on the page where it finds most."""

    title: str
    address: str
    proposal: Proposal
    page: int
    size: tuple[float, float]
    boxes: tuple[Box, ...]


@router.get("/ui/documents/{document_id}/readings")
def show_choices(view: TheView, document_id: DocumentId) -> Response:
    """Return the three likeliest readings and those of like documents, each as a page with boxes. A document's page
    asks for it when it is in doubt.
    """
    address = f"/ui/documents/{document_id}/teach"
    with opened_lesson(view.resources, view.caller, document_id) as lesson:
        likeliest = teach.propose_likeliest(view.resources, lesson)
        choices = [
            _choice(lesson, f"As in {each.name}", view.link(address, taken_from=each.document), each.proposal)
            for each in offer_readings(view.resources, lesson)
        ]
        choices += [
            _choice(lesson, "" if _changes(each) else "As it is now", view.link(address, likeliest=number), each)
            for number, each in enumerate(likeliest, 1)
            if each.names
        ]
    return view.render("readings.html", document=lesson.document, choices=choices)


def _changes(proposal: Proposal) -> bool:
    return bool(proposal.lost) or any(each.new for each in proposal.names)


def _choice(lesson: Lesson, title: str, address: str, proposal: Proposal) -> Choice:
    counts: dict[int, int] = {}
    for each in proposal.names:
        counts[each.page] = counts.get(each.page, 0) + 1
    page = max(counts, key=lambda number: (counts[number], -number), default=1)
    box = lesson.reading.page_boxes[page]
    boxes = tuple(on_picture(lesson, page, each.box) for each in proposal.names if each.page == page)
    return Choice(title, address, proposal, page, (box[2], box[3]), boxes)


def in_doubt(document: Document, figures: DocumentFigures) -> bool:
    """Return whether a document's page begins with the readings to choose from: nobody has taught it, and its products
    are rather wrong, or there are none.
    """
    unknown = figures.sure is None and not figures.products
    return document.options.taught == UNTAUGHT and (figures.doubtful or unknown)
