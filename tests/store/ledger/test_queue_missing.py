"""Making missing, stale and failed items again; details of one image; what is due."""

import pytest

from swatchbook.domain.errors import UnreadableImage
from swatchbook.domain.records import DocumentStatus, ImageState, ItemState, PlacementState
from swatchbook.store.ledger import runs, schedule, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import regenerate
from swatchbook.store.ledger.queries.image import image_details
from swatchbook.store.ledger.schedule import DueCounts, count_due
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.store.ledger.tables import items
from tests.store.ledger.scene import (
    COLOR,
    VISUAL,
    begin,
    change,
    complete,
    extraction,
    image,
    ingest,
    item,
    key,
    pass_time,
    placed,
    set_document,
)

WANTS = (VISUAL, COLOR)


def settle(ledger: Ledger, name: str, state: ItemState) -> None:
    """Let the picture's visual item have come to this."""
    failure = {"kind": UnreadableImage.kind, "policy": "never", "message": "It is broken."}
    this = items.c.key == key(name), items.c.role == VISUAL.role
    change(ledger, items, *this, state=state, attempts=8, runs=8, failure=failure)


def states(ledger: Ledger, *names: str) -> list[str]:
    return [item(ledger, key(name))["state"] for name in names]


def test_regenerating_remakes_only_what_force_names(ledger: Ledger) -> None:
    document = complete(ledger, "oak", "ash", "elm").document
    settle(ledger, "ash", ItemState.FAILED)
    settle(ledger, "elm", ItemState.REJECTED)
    regenerate(ledger, document)
    assert states(ledger, "oak", "ash", "elm") == ["done", "failed", "rejected"]
    assert [found.id for found in schedule.due_documents(ledger)] == [document]
    assert get_document(ledger, document).status == DocumentStatus.WAITING
    regenerate(ledger, document, force=True, keys=[key("elm")])
    assert states(ledger, "oak", "ash", "elm") == ["done", "failed", "pending"]
    regenerate(ledger, document, force=True)
    assert states(ledger, "oak", "ash", "elm") == ["done", "pending", "pending"]
    assert item(ledger, key("elm"))["runs"] == 0


def test_image_is_known_by_places_and_roles(ledger: Ledger) -> None:
    run = begin(ledger, requested=WANTS)
    hidden = placed(run, "ash", state=PlacementState.HIDDEN)
    ingest(ledger, run, extraction(placed(run, "oak", page=2, caption="Oak"), placed(run, "oak", page=3), hidden))
    settle(ledger, "oak", ItemState.FAILED)
    found = image_details(ledger, image("oak"))
    assert found is not None
    assert (found.owner, found.state, found.published) == ("anna", ImageState.PARTIAL, True)
    assert [(place.document_id, place.page, place.caption) for place in found.places] == [
        (run.document, 2, "Oak"), (run.document, 3, None),
    ]  # fmt: skip
    assert [(role.role, role.state, role.error) for role in found.roles] == [
        (COLOR.role, ItemState.DONE, None), (VISUAL.role, ItemState.FAILED, "It is broken."),
    ]  # fmt: skip
    assert image_details(ledger, image("ash")) is image_details(ledger, image("elm")) is None, "nothing shows it"


def test_what_waits_is_counted_once_due(ledger: Ledger) -> None:
    assert count_due(ledger) == DueCounts(items_due=0, documents_due=0, oldest_due_seconds=0)
    run = begin(ledger, requested=WANTS)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), placed(run, "ash")))
    at_work = count_due(ledger)
    assert (at_work.items_due, at_work.documents_due) == (4, 0)
    runs.end(ledger, run, DocumentStatus.WAITING, due_at=ledger.now() + 60)
    assert count_due(ledger).documents_due == 0
    pass_time(ledger, 100)
    waiting = count_due(ledger)
    assert waiting.documents_due == 1
    assert waiting.oldest_due_seconds == pytest.approx(40, abs=10)
    set_document(ledger, run.document, status=DocumentStatus.BLOCKED, due_at=None)
    assert count_due(ledger).documents_due == 0, "only a person mends it"
