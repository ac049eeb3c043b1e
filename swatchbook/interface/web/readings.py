"""The page of the readings that a document can be read by, the likeliest ones and those of like documents, each as a
page with boxes; and when the page of a document begins with them.
"""

from fastapi import Response

from swatchbook.interface.service.documents import DocumentId
from swatchbook.interface.service.teaching import opened_lesson
from swatchbook.interface.web.choices import changes, show_most
from swatchbook.interface.web.pages import TheView, page_router
from swatchbook.ledger.queries.document_figures import DocumentFigures
from swatchbook.ledger.stored_documents import Document
from swatchbook.pipeline import teach
from swatchbook.pipeline.offered_readings import offer_readings
from swatchbook.records import UNTAUGHT

router = page_router()


@router.get("/ui/documents/{document_id}/readings")
def show_choices(view: TheView, document_id: DocumentId) -> Response:
    """Return the three likeliest readings and those of like documents, each as a page with boxes. A document's page
    asks for it when it is in doubt.
    """
    address = f"/ui/documents/{document_id}/teach"
    with opened_lesson(view.resources, view.caller, document_id) as lesson:
        likeliest = teach.propose_likeliest(view.resources, lesson)
        choices = [
            show_most(lesson, f"As in {each.name}", view.link(address, taken_from=each.document), each.proposal)
            for each in offer_readings(view.resources, lesson)
        ]
        choices += [
            show_most(lesson, "" if changes(each) else "As it is now", view.link(address, likeliest=number), each)
            for number, each in enumerate(likeliest, 1)
            if each.names
        ]
    return view.render("readings.html", document=lesson.document, choices=choices)


def in_doubt(document: Document, figures: DocumentFigures) -> bool:
    """Return whether a document's page begins with the readings to choose from: nobody has taught it, and its products
    are rather wrong, or there are none.
    """
    unknown = figures.sure is None and not figures.products
    return document.options.taught == UNTAUGHT and (figures.doubtful or unknown)
