"""Score what is stored of an owner's documents, against truth files or against what people made of it by hand."""

from collections.abc import Sequence

from devtools.draft_truth import draft_of
from devtools.evaluation.links import Placed, SaidLink
from devtools.evaluation.score import Answer, Score, score
from devtools.evaluation.truth import Truth
from swatchbook.domain.records import DocumentStatus, LinkKind
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.edited_products import list_edits, read_found
from swatchbook.store.ledger.queries.document import read_products, show_document
from swatchbook.store.ledger.stored_documents import all_documents
from swatchbook_base.geometry import Box


def score_stored(ledger: Ledger, owner: str, truths: Sequence[Truth]) -> tuple[list[Score], list[str]]:
    """Return the scores of an owner's documents, found by SHA-256, and the slugs of those that are not completed."""
    completed = {d.content: d.id for d in all_documents(ledger, owner) if d.status is DocumentStatus.COMPLETED}
    scores = [
        score(truth, read_answer(ledger, completed[truth.sha256])) for truth in truths if truth.sha256 in completed
    ]
    return scores, [truth.slug for truth in truths if truth.sha256 not in completed]


def score_edited(ledger: Ledger, owner: str) -> list[Score]:
    """Return the scores of what was found in an owner's edited documents, against what people made of it by hand.

    What was not edited counts as right.
    """
    scores = list[Score]()
    for document in all_documents(ledger, owner):
        if any(edit.undone_at is None for edit in list_edits(ledger, document.id)):
            found = read_found(ledger, document.id)
            links = [
                SaidLink(link.source, link.target, link.role)
                for link in found.links
                if link.kind is LinkKind.IMAGE_PRODUCT
            ]
            answer = read_answer(ledger, document.id)._replace(products=found.products, links=links)
            scores.append(score(Truth.model_validate(draft_of(ledger, document)), answer))
    return scores


def read_answer(ledger: Ledger, document: str) -> Answer:
    """Return the products, placements and links of a document. Raises InvalidReference for an unstored id."""
    shown = show_document(ledger, document)
    boxes: dict[int, Box] = {int(number): tuple(box) for number, box in shown["page_boxes"].items()}
    return Answer(
        products=read_products(ledger, document),
        placements={
            place["id"]: Placed(place["page"], tuple(place["bbox"]), place["xref"])
            for image in shown["images"]
            for place in image["placements"]
        },
        links=[
            SaidLink(link["source"], link["target"], link["role"])
            for link in shown["links"]
            if link["kind"] == LinkKind.IMAGE_PRODUCT
        ],
        page_boxes=boxes,
    )
