"""Forms that edit a document's products by hand: rename, merge, split, reject, assign a picture, and undo.

`swatchbook/product_edits.py` applies edits.
"""

from typing import Annotated, Literal

from fastapi import Form, Response
from fastapi.exceptions import RequestValidationError
from pydantic import Field, TypeAdapter, ValidationError

from interface.service.documents import DocumentId
from interface.service.parameters import RequestModel, SearchText
from interface.service.product_edits import EditNumber, make_edit, undo_edit
from interface.web.pages import TheView, page_router, see_other
from interface.web.toasts import Back, done, edit_done, local_page, with_done
from swatchbook.records import EditRequest

_EDIT: TypeAdapter[EditRequest] = TypeAdapter(EditRequest)

router = page_router()


class EditForm(RequestModel):
    """An edit as a form sends it, and `at`, the page that is returned to. Each action uses some of the fields."""

    action: Literal["rename", "merge", "split", "assign", "reject"]
    at: int | None = None
    product: SearchText | None = None
    products: list[SearchText] | None = Field(default=None, max_length=100)
    picture: SearchText | None = None
    name: SearchText | None = None
    page: int | None = None

    @property
    def edit(self) -> EditRequest:
        """The edit. Raises RequestValidationError."""
        try:
            return _EDIT.validate_python(self.model_dump(exclude_none=True, exclude={"at"}))
        except ValidationError as error:
            raise RequestValidationError([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error


@router.post("/ui/documents/{document_id}/edits")
def edit(view: TheView, document_id: DocumentId, form: Annotated[EditForm, Form()]) -> Response:
    """Make an edit, and return to the page of the document that it was made on, else to the image that was assigned."""
    made = make_edit(view.resources, view.caller, document_id, form.edit)
    told = edit_done(form.action, str(document_id), made.edit.number)
    if form.picture and form.at is None:
        return see_other(view.link(f"/ui/images/{form.picture}", done=told))
    return see_other(view.link(f"/ui/documents/{document_id}", page=form.at, done=told))


@router.post("/ui/documents/{document_id}/edits/{edit_number}/undo")
def undo(view: TheView, document_id: DocumentId, edit_number: EditNumber, form: Annotated[Back, Form()]) -> Response:
    """Undo an edit, and return to the page where that was asked for, else to the document."""
    undo_edit(view.resources, view.caller, document_id, edit_number)
    page = local_page(form.back, view.link(f"/ui/documents/{document_id}"))
    return see_other(with_done(page, done("undone")))
