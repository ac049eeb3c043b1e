"""Read the figures that a list shows of each document: products, images, complete images, cost and seconds.

Products are counted. The rest is from the last report, because an account takes longer the more images there are.
"""

from collections.abc import Collection

from sqlalchemy import func, select

from swatchbook.ledger.database import Ledger, select_in
from swatchbook.ledger.queries.look_at import count_look_at
from swatchbook.ledger.tables import documents, hand_edits, lost_pictures, placements, products
from swatchbook.records import LostState, PlacementState, Record


class DocumentFigures(Record):
    """Figures of a document. Without a report only its products are known; a cost of None: some price is not known."""

    products: int = 0
    images: int | None = None
    complete: int = 0
    cost_usd: float | None = 0.0
    seconds: float = 0.0
    lost_pictures: int = 0  # seen, not taken
    look_at: int = 0  # products and pages that a person should look at

    @property
    def coverage(self) -> float | None:
        """Percent of the images that are complete."""
        return 100 * self.complete / self.images if self.images else None


class FoundSoFar(Record):
    """Figures so far of a document that is being processed."""

    products: int = 0
    images: int = 0


def found_so_far(ledger: Ledger, ids: Collection[str]) -> dict[str, FoundSoFar]:
    """Return document -> its products and the images that it shows by now, without their states; counting is fast."""
    of_products = select(products.c.document, func.count().label("number")).group_by(products.c.document)
    shown = placements.c.state == PlacementState.SHOWN
    of_images = select(placements.c.document, func.count(placements.c.image.distinct()).label("number"))
    of_images = of_images.where(shown).group_by(placements.c.document)
    with ledger.read() as connection:
        found = {row.document: row.number for row in select_in(connection, of_products, products.c.document, ids)}
        images = {row.document: row.number for row in select_in(connection, of_images, placements.c.document, ids)}
    return {id: FoundSoFar(products=found.get(id, 0), images=images.get(id, 0)) for id in ids}


def document_figures(ledger: Ledger, ids: Collection[str]) -> dict[str, DocumentFigures]:
    """Return document -> its figures, for those of these that there are."""
    counted = select(products.c.document, func.count().label("number")).group_by(products.c.document)
    with ledger.read() as connection:
        found = {row.document: row.number for row in select_in(connection, counted, products.c.document, ids)}
        reports = list(select_in(connection, select(documents.c.id, documents.c.report), documents.c.id, ids))
        lost = {row.document: row.number for row in select_in(connection, _LOST, lost_pictures.c.document, ids)}
        edited = {row.document for row in select_in(connection, _EDITED, hand_edits.c.document, ids)}
    told = {row.id: row.report["look_at"] for row in reports if row.report and "look_at" in row.report}
    # For the others, products are read: an edit may have settled what the last report had.
    doubts = count_look_at(ledger, [row.id for row in reports if row.id in edited or row.id not in told])
    doubts |= {document: len(found) for document, found in told.items() if document not in edited}
    return {
        row.id: _figures(found.get(row.id, 0), row.report).model_copy(
            update={"lost_pictures": lost.get(row.id, 0), "look_at": doubts.get(row.id, 0)}
        )
        for row in reports
    }


_EDITED = select(hand_edits.c.document).distinct()

_LOST = (
    select(lost_pictures.c.document, func.count().label("number"))
    .where(lost_pictures.c.state == LostState.SEEN)
    .group_by(lost_pictures.c.document)
)


def _figures(count: int, report: dict[str, object] | None) -> DocumentFigures:
    if report is None:
        return DocumentFigures(products=count)
    seconds = report.get("seconds") or {}
    return DocumentFigures.model_validate(
        {
            "products": count,
            "images": report.get("images_found"),
            "complete": report.get("images_complete", 0),
            "cost_usd": report.get("cost_usd"),
            "seconds": sum(seconds.values()) if isinstance(seconds, dict) else 0.0,
        }
    )
