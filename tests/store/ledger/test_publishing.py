"""Publishing as the ledger sees it: who has a row, what is told of it, and what came of it."""

import numpy as np
import pytest
from sqlalchemy import select

from swatchbook.domain.errors import IndexDown
from swatchbook.domain.records import LinkKind, PlacementState, Role
from swatchbook.index.contract import Space
from swatchbook.store.ledger import edited_products, publishing, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.payloads import chunk_payloads, image_payloads
from swatchbook.store.ledger.queries import account, search_results
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import images
from tests.store.ledger.plans import planned
from tests.store.ledger.scene import (
    COLOR,
    TEXT,
    UNDERSTANDING,
    VISUAL,
    begin,
    chunked,
    extracted,
    extraction,
    image,
    ingest,
    key,
    link,
    make_all,
    next_publish,
    pass_time,
    placed,
    product,
    publish_all,
    rows_of,
    settle,
)

pytestmark = pytest.mark.gate


def made(ledger: Ledger, *names: str) -> Run:
    """A run whose pictures are made and not yet published."""
    run = extracted(ledger, *names)
    make_all(ledger, run)
    return run


def test_a_lease_takes_made_rows_up_to_limit(ledger: Ledger) -> None:
    run = begin(ledger)
    pictures = [placed(run, f"{n}") for n in range(5)]
    stage_results.save_extraction(ledger, run, extraction(*pictures, placed(run, "broken"), unreadable=["broken"]))
    stage_results.save_chunks(ledger, run, chunked(run, "a", "b", "c"))
    assert publishing.lease_dirty(ledger, "a") == []
    assert publishing.count_unpublished(ledger) == 0
    make_all(ledger, run)
    leased = [publishing.lease_dirty(ledger, f"{n}", limit=3) for n in range(4)]
    assert [len(rows) for rows in leased] == [3, 3, 2, 0]
    assert {row.kind for rows in leased for row in rows} == {"image", "chunk"}


def test_row_is_leased_to_one_publisher(ledger: Ledger) -> None:
    made(ledger, "oak")
    assert len(publishing.lease_dirty(ledger, "a")) == 1
    assert publishing.lease_dirty(ledger, "b") == []
    pass_time(ledger, 50)
    assert publishing.lease_dirty(ledger, "b") == []
    pass_time(ledger, 11)
    rows = publishing.lease_dirty(ledger, "b")
    assert len(rows) == 1
    publishing.record_publication(ledger, "b", rows, published=[], refused={}, removed=[])
    assert len(publishing.lease_dirty(ledger, "c")) == 1, "settling nothing frees it"


def test_only_a_lease_lost_to_another_publishes_again(ledger: Ledger) -> None:
    made(ledger, "oak")
    for row, other in (("oak", False), ("ash", True)):
        if other:
            publishing.mark_dirty(ledger)
        slow = publishing.lease_dirty(ledger, f"slow {row}")
        pass_time(ledger, 61)
        if other:
            settle(ledger, "fast", publishing.lease_dirty(ledger, "fast"))
            assert publishing.count_unpublished(ledger) == 0
        settle(ledger, f"slow {row}", slow)  # its older object has overwritten that of `fast`
        assert publishing.count_unpublished(ledger) == other
    assert len(publish_all(ledger)) == 1


def test_refused_object_keeps_its_reason_and_comes_later(ledger: Ledger) -> None:
    run = made(ledger, "oak", "ash")
    pauses = []
    for number in range(10):
        name = f"publisher {number}"
        rows = publishing.lease_dirty(ledger, name)
        refused = {image("oak"): IndexDown("Refused by shard 2.")}
        settle(ledger, name, rows, refused=refused)
        assert publishing.lease_dirty(ledger, "too early") == []
        next_try = next_publish(ledger, run.document)
        assert next_try is not None
        pauses.append(60 * round((next_try - ledger.now()) / 60))  # a slow machine takes seconds here
        pass_time(ledger, pauses[-1] + 1)
    assert pauses[:4] == [900, 1800, 3600, 7200]
    assert pauses[-1] == 86_400
    row = rows_of(ledger, images)[image("oak")]
    assert (row["publish_tries"], row["publish_failure"]["message"]) == (10, "Refused by shard 2.")
    counted = account.account(ledger, document=run.document)
    assert (counted.complete, counted.pending) == (1, 1)  # ash is not held back

    publish_all(ledger)
    row = rows_of(ledger, images)[image("oak")]
    assert (row["publish_tries"], row["publish_failure"], row["publish_next"]) == (0, None, None)
    assert next_publish(ledger, run.document) is None


def test_image_payload_comes_from_all_its_owners_documents(ledger: Ledger) -> None:
    first, second = begin(ledger), begin(ledger, content="supplement")
    for run, page, caption in ((first, 3, "Oak, natural"), (second, 7, "Oak again")):
        oak = placed(run, "oak", page=page, caption=caption, nearby_text="60 x 120")
        stage_results.save_extraction(ledger, run, extraction(oak))
        plank = product(
            run, f"Plank {page}", category="Floors", metadata={"material": "oak, steel", "price": f"€ {page}0"}
        )
        edited_products.save_assembly(ledger, run, [plank], [link(oak.id, plank)])
    stranger = begin(ledger, owner="bert")
    stage_results.save_extraction(ledger, stranger, extraction(placed(stranger, "oak", page=9, caption="Eiche")))
    make_all(ledger, first)

    told = {p.row.id: p for p in publish_all(ledger)}
    payload = told[image("oak")].payload
    assert (payload.owner, payload.kind, payload.file) == ("anna", "image", f"{key('oak')}.png")
    assert set(payload.documents) == {first.document, second.document}
    assert set(payload.names) == {"Plank 3", "Plank 7"}
    assert len(payload.products) == 2
    assert (payload.category, payload.material, payload.price) == (("Floors",), ("oak", "steel"), 30.0)
    assert payload.pages == (3, 7)
    assert set(payload.text.split("\n")) == {"Oak, natural", "Oak again", "60 x 120", "Material: oak."}
    assert told[image("oak", "bert")].payload.documents == (stranger.document,)


def test_vectors_and_payloads_are_those_that_were_saved(ledger: Ledger) -> None:
    run = begin(ledger)
    hidden = placed(run, "oak", page=5, caption="Do not show", state=PlacementState.HIDDEN)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak"), hidden))
    found = chunked(run, "Oak is hard.", headings=("Wood",), pages=(2, 3))
    stage_results.save_chunks(ledger, run, found)
    oak = product(run, "Oak", category="Floors")
    edited_products.save_assembly(ledger, run, [oak], [link(found.chunks[1].id, oak, LinkKind.CHUNK_PRODUCT)])
    make_all(ledger, run)
    told = {p.row.kind: p for p in publish_all(ledger)}
    assert told["image"].vectors.keys() == {VISUAL, COLOR, UNDERSTANDING}
    expected = np.frombuffer(bytes.fromhex(key("oak")), np.uint8).astype(np.float32) + 1
    np.testing.assert_array_equal(told["image"].vectors[VISUAL], expected)
    assert told["image"].vectors[VISUAL].dtype == np.float32
    assert told["image"].payload.pages == (1,)
    assert "Do not show" not in told["image"].payload.text
    assert told["chunk"].vectors.keys() == {TEXT}
    payload = told["chunk"].payload
    assert (payload.text, payload.pages) == ("Wood\nOak is hard.", (2, 3))
    assert (payload.products, payload.names, payload.category) == ((oak.id,), ("Oak",), ("Floors",))


def test_ids_and_files_are_listed_page_by_page(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "_PAGE", 2)
    run = begin(ledger)
    text = chunked(run, "Oak is hard.")
    ingest(ledger, run, extraction(*(placed(run, name) for name in "abcde"), unreadable=["e"]), text)
    shown = {image(name) for name in "abcd"}
    spaces = {want.role: Space(role=want.role, tag=want.tag, dimension=32) for want in (VISUAL, UNDERSTANDING, TEXT)}
    assert {role: set(publishing.searchable_ids(ledger, space)) for role, space in spaces.items()} == {
        Role.VISUAL: shown, Role.UNDERSTANDING: shown, Role.TEXT: {text.chunks[1].id},
    }  # fmt: skip
    files = [file for file, _ in publishing.stored_files(ledger)]
    assert len(files) == len(set(files)) == 5, "and the document's own"
    stage_results.save_extraction(ledger, begin(ledger), extraction())
    assert list(publishing.searchable_ids(ledger, spaces[Role.VISUAL])) == []


@pytest.mark.parametrize("database", ["sqlite"])
def test_publishing_few_scans_no_table(ledger: Ledger) -> None:
    run = begin(ledger)
    ingest(ledger, run, extraction(placed(run, "oak")))
    ids = ledger.execute(select(images.c.id)).scalars().all()
    with planned(ledger) as plans, ledger.read() as connection:
        image_payloads(connection, ids)
        chunk_payloads(connection, ["chunk"])
    search_results.products_of_images(ledger, ids)
    assert len(plans) > 3
    assert not [plan for plan in plans if "SCAN" in plan], plans
