"""The ledger's side of a fill, on each database: candidates, what is queued, and when the account counts it."""

from swatchbook.domain.records import Role
from swatchbook.index.contract import Space
from swatchbook.store.ledger import missing_vectors, runs
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.missing_vectors import Candidate, ToFill
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.space_objects import Lack
from swatchbook.store.ledger.space_registry import add_space
from swatchbook.store.ledger.tables import items
from tests.store.ledger.scene import COLOR, VISUAL, begin, begin_fill, extraction, image, ingest, key, placed

PAIRS = (VISUAL, COLOR)


def collection(ledger: Ledger, *names: str, content: str = "catalogue") -> Run:
    """A completed document of anna with these pictures, each with a visual vector, one on a page."""
    run = begin(ledger, content=content, requested=[VISUAL])
    for pair in PAIRS:
        add_space(ledger, Space(role=pair.role, tag=pair.tag, dimension=32))
    ingest(ledger, run, extraction(*(placed(run, name, page) for page, name in enumerate(names, 1))))
    return run


def waiting(ledger: Ledger, owner: str | None = "anna") -> list[ToFill]:
    return list(missing_vectors.completed_documents(ledger, PAIRS, owner))


def found(ledger: Ledger, limit: int | None = None) -> list[Candidate]:
    portions = (missing_vectors.candidates(ledger, document, limit=limit) for document in waiting(ledger))
    return [each for of_document in portions for some in of_document for each in some]


def test_candidates_are_completed_images_lacking_a_vector(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash", "oak", "fir")
    begin(ledger, content="supplement", requested=[VISUAL])
    assert waiting(ledger) == [ToFill(document=run.document, pairs=(COLOR,))]
    assert [(each.id, each.lacks) for each in found(ledger)] == [
        (image(name), (COLOR,)) for name in ("oak", "ash", "fir")
    ]
    assert [each.id for each in found(ledger, limit=2)] == [image("oak"), image("ash")]
    assert waiting(ledger, "bert") == []
    assert waiting(ledger, None) == waiting(ledger)


def test_waiting_and_failed_images_are_no_candidates(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash", "fir")
    begun = begin_fill(ledger, run.document, COLOR)
    moment = ledger.now() + 900
    with ledger.write() as connection:
        of_color = items.update().where(items.c.role == Role.COLOR)
        connection.execute(of_color.where(items.c.key == key("oak")).values(next_retry_at=moment))
        connection.execute(of_color.where(items.c.key == key("ash")).values(state="failed"))
    runs.end_part(ledger, begun)
    assert [each.id for each in found(ledger)] == [image("fir")]
    assert missing_vectors.left_to_make(ledger, waiting(ledger)) == [
        Lack(role=COLOR.role, tag=COLOR.tag, open=2, failed=1, waiting=1, next_try=moment)
    ]


def test_what_is_left_is_counted_by_document(ledger: Ledger) -> None:
    collection(ledger, "oak", "ash", "oak")
    collection(ledger, "oak", content="supplement")
    made = missing_vectors.left_to_make(ledger, [each.model_copy(update={"pairs": PAIRS}) for each in waiting(ledger)])
    assert made == [Lack(role=COLOR.role, tag=COLOR.tag, open=3, failed=0)]
