"""Pairs of picture and text: queued when the second of the two is there, collected with either."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
from sqlalchemy import select

from swatchbook.domain.errors import UnreadableImage
from swatchbook.domain.records import DocumentStatus, ItemState, Role, pair_key, text_key
from swatchbook.index.contract import Space
from swatchbook.store.files.file_store import open_files
from swatchbook.store.ledger import claims, publishing, stage_results
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.document_commands import regenerate
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.image import image_details
from swatchbook.store.ledger.retention import collect
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import contents, images, vectors
from swatchbook.store.ledger.tables import items as item_rows
from tests.store.ledger.scene import (
    ANALYSIS,
    EVERYTHING,
    MULTIMODAL,
    UNDERSTANDING,
    VISUAL,
    begin,
    begun,
    count,
    document,
    end,
    extracted,
    extraction,
    image,
    ingest,
    item,
    key,
    keys,
    make,
    make_all,
    one,
    pass_time,
    placed,
    publish_all,
)
from tests.store.ledger.test_picture_reviews import answer

WANTS = (VISUAL, ANALYSIS, MULTIMODAL)
KEY = keys(1)[0]
OAK, ASH = text_key("Material: oak."), text_key("Material: ash.")
PAIR = pair_key(KEY, OAK)


def work(ledger: Ledger, run: Run, roles: Collection[Role], *, text: str | None = "Material: oak.") -> None:
    """Make what is due of these roles of the one picture."""
    lease = claims.claim(ledger, run, [KEY], roles)
    claims.commit(ledger, lease, [make(c, text=text) for c in lease.items], [], last_try=True)


def pairs(ledger: Ledger) -> dict[str, tuple[str, int]]:
    """key -> state and attempts of every `multimodal` item."""
    query = select(item_rows.c.key, item_rows.c.state, item_rows.c.attempts)
    rows = ledger.execute(query.where(item_rows.c.role == Role.MULTIMODAL))
    return {row.key: (row.state, row.attempts) for row in rows}


def test_each_document_that_wants_a_pair_has_one(ledger: Ledger) -> None:
    other = MULTIMODAL.model_copy(update={"tag": "both@2/a"})
    run = begun(ledger, requested=(*WANTS, UNDERSTANDING), pictures=[KEY])
    begun(ledger, owner="bert", requested=(VISUAL, ANALYSIS, other), pictures=[KEY])
    begun(ledger, owner="carl", requested=(VISUAL, ANALYSIS), pictures=[KEY])
    work(ledger, run, [Role.VISUAL, Role.ANALYSIS])
    assert item(ledger, PAIR, MULTIMODAL)["state"] == item(ledger, PAIR, other)["state"] == ItemState.PENDING
    assert count(ledger, item_rows, role=Role.MULTIMODAL) == 2
    lease = claims.claim(ledger, run, [KEY])
    assert {(c.key, c.role, c.tag) for c in lease.items} == {
        (PAIR, Role.MULTIMODAL, MULTIMODAL.tag), (OAK, Role.UNDERSTANDING, UNDERSTANDING.tag)
    }  # fmt: skip


def test_picture_without_text_has_nothing_joined(ledger: Ledger) -> None:
    run = extracted(ledger, "white", requested=(*EVERYTHING, MULTIMODAL))
    make_all(ledger, run, text=None)
    publish_all(ledger)
    assert (pairs(ledger), count(ledger, item_rows, role=Role.UNDERSTANDING)) == ({}, 0)
    shown = one(ledger, images, id=image("white"))
    assert (shown["text_key"], shown["pair_key"]) == (None, None)
    assert account.account(ledger, document=run.document).complete == 1
    assert end(ledger, run) == DocumentStatus.COMPLETED


def test_pair_waits_for_its_own_visual_vector(ledger: Ledger) -> None:
    newer = VISUAL.model_copy(update={"tag": "eye@2/a"})
    run = begun(ledger, requested=(newer, ANALYSIS, MULTIMODAL), pictures=[KEY])
    work(ledger, begun(ledger, owner="bert", requested=(VISUAL,), pictures=[KEY]), [Role.VISUAL])
    work(ledger, run, [Role.ANALYSIS])
    assert pairs(ledger) == {}
    work(ledger, run, [Role.VISUAL])
    assert pairs(ledger) == {PAIR: ("pending", 0)}


def test_failed_pair_comes_back_with_its_picture(ledger: Ledger) -> None:
    """Another owner's force makes the vector: documents that request the pair are reopened."""
    run = extracted(ledger, "oak", requested=WANTS)
    make_all(ledger, run, failing=lambda c: UnreadableImage("broken") if c.role is Role.VISUAL else None)
    publish_all(ledger)
    known = image_details(ledger, image("oak"))
    assert known
    assert {made.role: made.state for made in known.roles} == {
        Role.ANALYSIS: "done", Role.MULTIMODAL: "rejected", Role.VISUAL: "rejected",
    }  # fmt: skip
    assert end(ledger, run) == DocumentStatus.COMPLETED
    assert account.account(ledger, document=run.document).partial == 1

    other = extracted(ledger, "oak", owner="bert", requested=(VISUAL,), force=True)
    regenerate(ledger, other.document, force=True)
    make_all(ledger, other)
    assert pairs(ledger) == {pair_key(key("oak"), OAK): ("pending", 0)}
    assert document(ledger, run).status == DocumentStatus.WAITING


def test_vector_is_published_for_everyone_with_that_text(ledger: Ledger) -> None:
    requested = (*EVERYTHING, MULTIMODAL)
    first, second = begin(ledger, requested=requested), begin(ledger, owner="bert", requested=requested)
    ingest(ledger, first, extraction(placed(first, "oak")))
    stage_results.save_extraction(ledger, second, extraction(placed(second, "oak")))
    assert claims.cut_batches(ledger, second, 20) == ()
    (told,) = publish_all(ledger)
    assert told.row.id == image("oak", "bert")
    pair = pair_key(key("oak"), OAK)
    np.testing.assert_array_equal(
        told.vectors[MULTIMODAL], np.frombuffer(bytes.fromhex(pair), np.uint8) + np.float32(1)
    )
    space = Space(role=Role.MULTIMODAL, tag=MULTIMODAL.tag, dimension=32)
    assert set(publishing.searchable_ids(ledger, space)) == {image("oak"), image("oak", "bert")}
    assert account.account(ledger).complete == 2
    assert {r.role: r.done for r in count_statistics(ledger).coverage.roles}[Role.MULTIMODAL] == 2


def test_pair_asked_for_later_is_all_made(ledger: Ledger) -> None:
    run = begin(ledger, requested=EVERYTHING)
    ingest(ledger, run, extraction(placed(run, "oak")))
    run = begin(ledger, requested=(*EVERYTHING, MULTIMODAL), fingerprint="another")
    assert account.account(ledger, document=run.document).pending == 1  # stage 5 has yet to queue it
    assert account.next_status(ledger, run.document)[0] == DocumentStatus.WAITING
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))
    lease = claims.claim(ledger, run, [key("oak")])
    assert [(c.key, c.role) for c in lease.items] == [(pair_key(key("oak"), OAK), Role.MULTIMODAL)]
    claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=True)
    publish_all(ledger)
    assert end(ledger, run) == DocumentStatus.COMPLETED


def test_pair_is_made_of_existing_vector_and_text(ledger: Ledger) -> None:
    first, second = (begun(ledger, owner=owner, requested=WANTS, pictures=[KEY]) for owner in ("anna", "bert"))
    work(ledger, first, [Role.ANALYSIS])
    assert claims.pairs(ledger, [PAIR], VISUAL.tag) == {}
    work(ledger, second, [Role.VISUAL])
    (found,) = claims.pairs(ledger, [PAIR, pair_key(KEY, ASH)], VISUAL.tag).items()
    assert (found[0], found[1].text) == (PAIR, "Material: oak.")
    np.testing.assert_array_equal(found[1].visual, np.frombuffer(bytes.fromhex(KEY), np.uint8) + np.float32(1))
    assert claims.pairs(ledger, [PAIR], "eye@2/a") == {}


def test_correction_replaces_the_pair(ledger: Ledger, tmp_path: Path) -> None:
    requested = (*EVERYTHING, MULTIMODAL)
    old, new = pair_key(key("oak"), OAK), pair_key(key("oak"), ASH)
    run = begin(ledger, requested=requested)
    ingest(ledger, run, extraction(placed(run, "oak")))
    answer(ledger, material="ash", quality=1)
    row = one(ledger, images, id=image("oak"))
    assert (row["text_key"], row["pair_key"], row["quality"]) == (ASH, new, 1.0)
    assert pairs(ledger) == {old: ("done", 1), new: ("pending", 0)}
    assert document(ledger, run).status == DocumentStatus.WAITING
    assert account.account(ledger, document=run.document).pending == 1

    run = begin(ledger, requested=requested)
    stage_results.save_extraction(ledger, run, extraction(placed(run, "oak")))  # keeps the text in use
    make_all(ledger, run)
    (told,) = publish_all(ledger)
    np.testing.assert_array_equal(told.vectors[MULTIMODAL], np.frombuffer(bytes.fromhex(new), np.uint8) + np.float32(1))
    assert end(ledger, run) == DocumentStatus.COMPLETED

    for _ in range(2):
        collect(ledger, open_files(tmp_path))
        pass_time(ledger, 3_601)
    assert [count(ledger, table, key=old) for table in (item_rows, vectors, contents)] == [0, 0, 0]
    assert [count(ledger, table, key=new) for table in (item_rows, vectors, contents)] == [1, 1, 1]
    assert count(ledger, vectors, key=OAK) == 1  # the analysis still says so
