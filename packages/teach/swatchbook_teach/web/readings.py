"""The page of the readings that a document can be read by, the likeliest ones and those of like documents, each as a
page with boxes.
"""

from fastapi import Response

from swatchbook_service.documents import DocumentId
from swatchbook_teach import lessons
from swatchbook_teach.offered_readings import offer_readings
from swatchbook_teach.service import opened_lesson
from swatchbook_teach.web.choices import changes, show
from swatchbook_web.pages import TheView, page_router

router = page_router()


@router.get("/ui/documents/{document_id}/readings")
def show_choices(view: TheView, document_id: DocumentId) -> Response:
    """Return the three likeliest readings and those of like documents, each as a page with boxes. A document's page
    asks for it when it is in doubt.
    """
    address = f"/ui/documents/{document_id}/teach"
    with opened_lesson(view.resources, view.caller, document_id, seconds=None) as lesson:
        likeliest = lessons.propose_likeliest(view.resources, lesson)
        choices = [
            show(lesson, each.proposal, view.link(address, taken_from=each.document), title=f"As in {each.name}")
            for each in offer_readings(view.resources, lesson)
        ]
        choices += [
            show(lesson, each, view.link(address, likeliest=number), title="" if changes(each) else "As it is now")
            for number, each in enumerate(likeliest, 1)
            if each.names
        ]
    return view.render("readings.html", document=lesson.document, choices=choices)
