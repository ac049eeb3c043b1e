"""Read the figures and the picture that a list shows of each document.

Products are counted. The rest is from the last report, because an account takes longer the more images there are.
"""

from collections.abc import Collection

from sqlalchemy import and_, func, select

from swatchbook.domain.product_doubts import is_doubtful
from swatchbook.domain.records import COUNTED, LostState, PlacementState, Record
from swatchbook.store.ledger.database import Ledger, select_in
from swatchbook.store.ledger.image_states import picture_file
from swatchbook.store.ledger.page_findings import count_look_at
from swatchbook.store.ledger.tables import contents, documents, hand_edits, images, lost_pictures, placements, products


class DocumentFigures(Record):
    """Figures of a document. Without a report only its products are known; a cost of None: some price is not known."""

    products: int = 0
    images: int | None = None
    complete: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    lost_pictures: int = 0  # seen, not taken
    look_at: int = 0  # products and pages that a person should look at
    sure: float | None = None  # as in `RunReport`; None once a person has edited products: it knows nothing of that

    @property
    def doubtful(self) -> bool:
        """Whether a person should look at the document as a whole."""
        return is_doubtful(self.sure)

    @property
    def coverage(self) -> float | None:
        """Percent of the images that are complete."""
        return 100 * self.complete / self.images if self.images else None


def found_so_far(ledger: Ledger, ids: Collection[str]) -> dict[str, DocumentFigures]:
    """Return document -> its products and the images that it shows by now, without their states; counting is fast."""
    shown = placements.c.state == PlacementState.SHOWN
    of_images = select(placements.c.document, func.count(placements.c.image.distinct()).label("number"))
    of_images = of_images.where(shown).group_by(placements.c.document)
    with ledger.read() as connection:
        found = {row.document: row.number for row in select_in(connection, _PRODUCTS, products.c.document, ids)}
        images = {row.document: row.number for row in select_in(connection, of_images, placements.c.document, ids)}
    return {id: DocumentFigures(products=found.get(id, 0), images=images.get(id, 0)) for id in ids}


def document_figures(ledger: Ledger, ids: Collection[str]) -> dict[str, DocumentFigures]:
    """Return document -> its figures, for those of these that there are."""
    with ledger.read() as connection:
        found = {row.document: row.number for row in select_in(connection, _PRODUCTS, products.c.document, ids)}
        reports = select_in(connection, select(documents.c.id, documents.c.report), documents.c.id, ids)
        lost = {row.document: row.number for row in select_in(connection, _LOST, lost_pictures.c.document, ids)}
        edited = {row.document for row in select_in(connection, _EDITED, hand_edits.c.document, ids)}
    told = {row.id: row.report["look_at"] for row in reports if row.report and "look_at" in row.report}
    # For the others, products are read: an edit may have settled what the last report had.
    doubts = count_look_at(ledger, [row.id for row in reports if row.id in edited or row.id not in told])
    doubts |= {document: len(found) for document, found in told.items() if document not in edited}
    return {
        row.id: _figures(found.get(row.id, 0), row.report).model_copy(
            update={"lost_pictures": lost.get(row.id, 0), "look_at": doubts.get(row.id, 0)}
            | ({"sure": None} if row.id in edited else {})
        )
        for row in reports
    }


_PRODUCTS = select(products.c.document, func.count().label("number")).group_by(products.c.document)

_EDITED = select(hand_edits.c.document).distinct()

_LOST = (
    select(lost_pictures.c.document, func.count().label("number"))
    .where(lost_pictures.c.state == LostState.SEEN)
    .group_by(lost_pictures.c.document)
)


def _figures(count: int, report: dict[str, object] | None) -> DocumentFigures:
    if report is None:
        return DocumentFigures(products=count)
    return DocumentFigures.model_validate(
        {
            "products": count,
            "images": report.get("images_found"),
            "complete": report.get("images_complete", 0),
            "cost_usd": report.get("cost_usd"),
            "sure": report.get("sure"),
            "seconds": report.get("total_seconds", 0.0),
        }
    )


# --- pictures ---------------------------------------------------------------------------------------------------------


def first_pictures(ledger: Ledger, ids: Collection[str]) -> dict[str, str]:
    """Return document -> the first image that it shows and that has a file; one query, and no image is counted."""
    first = (
        select(placements.c.image)
        .join_from(placements, images, images.c.id == placements.c.image)
        .join(contents, and_(contents.c.key == images.c.content_key, picture_file.is_not(None)))
        .where(placements.c.document == documents.c.id, placements.c.state.in_(COUNTED))
        .order_by(placements.c.ordinal)
        .limit(1)
        .scalar_subquery()
    )
    found = select_in(ledger, select(documents.c.id, first.label("image")), documents.c.id, ids)
    return {row.id: row.image for row in found if row.image}
