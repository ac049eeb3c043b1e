"""The ledger's side of a fill, on each database: candidates, what is queued, and when the account counts it."""

from collections.abc import Iterable

from swatchbook.index.contract import Space
from swatchbook.ledger import item_runs, missing_vectors
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.missing_vectors import Candidate, ToFill
from swatchbook.ledger.queries.account import account
from swatchbook.ledger.runs import Run
from swatchbook.ledger.space_objects import Lack
from swatchbook.ledger.space_registry import add_space
from swatchbook.ledger.tables import documents, items
from swatchbook.records import DocumentStatus, IngestOptions, Role
from tests.ledger.scene import (
    COLOR,
    VISUAL,
    begin,
    begin_fill,
    extraction,
    image,
    ingest,
    key,
    make_all,
    placed,
    publish_all,
)

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


def backfill(ledger: Ledger, run: Run, candidates: Iterable[Candidate]) -> None:
    made = item_runs.begin_fill(ledger, run.document, [COLOR], fill="F" * 26)
    missing_vectors.queue_candidates(ledger, made, list(candidates))
    make_all(ledger, made)
    missing_vectors.count_made(ledger, made)
    item_runs.end(ledger, made)


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


def test_account_counts_a_fill_once_complete(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash")
    before = account(ledger)
    backfill(ledger, run, found(ledger, limit=1))
    assert [each.id for each in found(ledger)] == [image("ash")]
    assert account(ledger) == before, "not as images that wait, though nobody works on them"
    backfill(ledger, run, found(ledger))
    publish_all(ledger)
    assert waiting(ledger) == []
    assert account(ledger) == before
    with ledger.write() as connection:  # now it counts
        connection.execute(items.delete().where(items.c.role == Role.COLOR))
    assert account(ledger).pending == 2


def test_waiting_and_failed_images_are_no_candidates(ledger: Ledger) -> None:
    run = collection(ledger, "oak", "ash", "fir")
    begun = begin_fill(ledger, run.document, COLOR)
    moment = ledger.now() + 900
    with ledger.write() as connection:
        of_color = items.update().where(items.c.role == Role.COLOR)
        connection.execute(of_color.where(items.c.key == key("oak")).values(next_retry_at=moment))
        connection.execute(of_color.where(items.c.key == key("ash")).values(state="failed"))
    item_runs.end(ledger, begun)
    assert [each.id for each in found(ledger)] == [image("fir")]
    assert missing_vectors.left_to_make(ledger, waiting(ledger)) == [
        Lack(role=COLOR.role, tag=COLOR.tag, open=2, failed=1, waiting=1, next_try=moment)
    ]


def test_what_is_left_is_counted_by_document(ledger: Ledger) -> None:
    collection(ledger, "oak", "ash", "oak")
    collection(ledger, "oak", content="supplement")
    made = missing_vectors.left_to_make(ledger, [each.model_copy(update={"pairs": PAIRS}) for each in waiting(ledger)])
    assert made == [Lack(role=COLOR.role, tag=COLOR.tag, open=3, failed=0)]


def test_no_document_gets_unwanted_vectors(ledger: Ledger) -> None:
    run = collection(ledger, "oak")
    options = IngestOptions(roles=frozenset({Role.VISUAL})).model_dump(mode="json")
    with ledger.write() as connection:
        connection.execute(documents.update().where(documents.c.id == run.document).values(options=options))
    assert waiting(ledger) == []
    with ledger.write() as connection:
        connection.execute(documents.update().values(options={}, status=DocumentStatus.WAITING))
    assert waiting(ledger) == []
