"""Items: cut into batches, claimed, committed, and what each failure comes to."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import RowMapping, select, update

from swatchbook.domain.errors import (
    BudgetExceeded,
    InvalidModelOutput,
    OutOfMemory,
    ProviderDown,
    ProviderTimeout,
    RateLimited,
)
from swatchbook.domain.records import DocumentStatus, IngestOptions, Role, image_id, text_key
from swatchbook.ingest.run import keep_alive
from swatchbook.store.ledger import claims, database, dead_runs, runs
from swatchbook.store.ledger.claims import FailedItem, ItemResult
from swatchbook.store.ledger.database import Ledger, db_now
from swatchbook.store.ledger.item_tries import RUN_LIMIT
from swatchbook.store.ledger.tables import chunks, images, spaces, vectors
from swatchbook.store.ledger.tables import items as item_rows
from swatchbook.store.ledger.tables import runs as run_rows
from tests.ledger_audit import count_writes, writes
from tests.store.ledger.scene import (
    ANALYSIS,
    EVERYTHING,
    TEXT,
    UNDERSTANDING,
    VISUAL,
    begun,
    change,
    count,
    document,
    fail,
    item,
    keys,
    make,
    one,
    pass_time,
    put,
)
from tests.waiting import until

pytestmark = pytest.mark.gate

KEYS = keys(5)
KEY = KEYS[0]


def image(ledger: Ledger, key: str, owner: str = "anna") -> RowMapping:
    return one(ledger, images, id=image_id(owner, key))


def commit_all(ledger: Ledger, lease: claims.Lease, **made: str | None) -> None:
    claims.commit(ledger, lease, [make(c, **made) for c in lease.items], [], last_try=False)


def test_batches_are_in_reading_order_then_the_chunks(ledger: Ledger) -> None:
    pictures, texts = keys(7), keys(3, "text")
    shuffled = [pictures[n] for n in (3, 1, 4, 1, 5, 0, 2, 6, 3)]  # two pictures stand twice
    run = begun(ledger, requested=EVERYTHING, pictures=shuffled, texts=texts)
    batches = claims.cut_batches(ledger, run, 4)
    order = [pictures[n] for n in (3, 1, 4, 5, 0, 2, 6)]
    assert [(b.number, b.of, b.kind, b.members) for b in batches] == [
        (1, 3, "image", tuple(order[:4])), (2, 3, "image", tuple(order[4:])), (3, 3, "chunk", tuple(texts)),
    ]  # fmt: skip


def test_deadly_pictures_stay_in_small_batches(ledger: Ledger) -> None:
    pictures, texts = keys(11), keys(5, "text")
    run = begun(ledger, requested=EVERYTHING, pictures=pictures, texts=texts)
    change(ledger, item_rows, item_rows.c.key.in_(pictures[:4]), crashes=1)
    batches = claims.cut_batches(ledger, run, 2, most=3)
    assert [(b.kind, len(b.members), b.first, b.alone) for b in batches] == [
        ("image", 4, 1, False), ("image", 3, 5, False),
        ("chunk", 2, 1, False), ("chunk", 2, 3, False), ("chunk", 1, 5, False),
        ("image", 2, 1, True), ("image", 2, 3, True),
    ]  # fmt: skip
    assert [key for b in batches if b.alone for key in b.members] == pictures[:4]
    assert claims.cut_batches(ledger, begun(ledger, owner="bert"), 2, most=3) == ()


def test_commit_stores_vectors_and_settles_items(ledger: Ledger) -> None:
    run = begun(ledger, pictures=KEYS[:2])
    fail(ledger, run, [KEY], ProviderTimeout("slow"), last_try=False)
    lease = claims.claim(ledger, run, KEYS[:2])
    (vector,) = (make(c).vector for c in lease.items if c.key == KEY)
    strange = np.arange(8, dtype=">f8")[::2]  # any memory layout is stored as little-endian float32
    made = [ItemResult(key, VISUAL.role, VISUAL.tag, each) for key, each in zip(KEYS, (vector, strange), strict=False)]
    claims.commit(ledger, lease, made, [], last_try=False)
    row, stored = item(ledger, KEY), one(ledger, vectors, key=KEY)
    assert (row.state, row.failure, row.lease, row.attempts, row.runs) == ("done", None, None, 2, 0)
    assert (stored.key, stored.role, stored.tag, stored.dimension) == (KEY, VISUAL.role, VISUAL.tag, 32)
    assert vector is not None
    assert np.frombuffer(stored.data, "<f4").tolist() == vector.tolist()
    assert np.frombuffer(one(ledger, vectors, key=KEYS[1]).data, "<f4").tolist() == [0, 2, 4, 6]


def test_commit_leaves_what_was_never_shown_unpublished(ledger: Ledger) -> None:
    """Another owner's decoration would be expected in the index for ever."""
    text = keys(1, "text")[0]
    run = begun(ledger, requested=(VISUAL, ANALYSIS, UNDERSTANDING, TEXT), pictures=[KEY], texts=[text])
    begun(ledger, owner="bert", requested=(TEXT,), pictures=[KEY], texts=[text])
    change(ledger, images, images.c.owner == "bert", dirty=0)
    change(ledger, chunks, chunks.c.document != run.document, embed=False)
    commit_all(ledger, claims.claim(ledger, run, [KEY, text]))
    commit_all(ledger, claims.claim(ledger, run, [KEY]))  # what the analysis said
    assert (image(ledger, KEY).dirty, image(ledger, KEY).made) == (3, 3)
    assert (image(ledger, KEY, "bert").dirty, image(ledger, KEY, "bert").made) == (0, 0)
    found = ledger.execute(select(chunks.c.embed, chunks.c.dirty, chunks.c.made)).all()
    assert sorted(found) == [(False, 1, 0), (True, 2, 2)]


def test_a_vector_without_an_item_is_done(ledger: Ledger) -> None:
    put(ledger, vectors, key=KEY, role=VISUAL.role, tag=VISUAL.tag)
    begun(ledger, pictures=KEYS[:2])
    assert (item(ledger, KEY).state, item(ledger, KEYS[1]).state) == ("done", "pending")


def test_text_embedded_with_its_analyses_is_written_once(ledger: Ledger) -> None:
    run = begun(ledger, requested=EVERYTHING, pictures=KEYS[:3])
    said, other = text_key("Material: oak."), text_key("Material: ash.")
    count_writes(ledger)
    leases = [claims.claim(ledger, run, [key]) for key in KEYS[:3]]
    for number, lease in enumerate(leases):
        vector = np.full(32, number, np.float32)
        ahead = [ItemResult(key, UNDERSTANDING.role, UNDERSTANDING.tag, vector) for key in (said, other)]
        assert claims.commit(ledger, lease, [make(c) for c in lease.items], [], last_try=False, ahead=ahead) == []
        row = item(ledger, said, UNDERSTANDING)
        assert (row.state, row.attempts) == ("done" if number else "pending", 0), "no index takes the zero vector"
    assert set(writes(ledger).values()) == {1}
    assert one(ledger, vectors, key=said).data == np.ones(32, np.float32).tobytes()
    assert image(ledger, KEYS[1]).made == image(ledger, KEYS[1]).dirty
    assert count(ledger, vectors, key=other) == 0  # no result brings that text
    assert claims.claim(ledger, run, KEYS[:3]).items == ()


def test_texts_without_item_are_new_and_requested(ledger: Ledger) -> None:
    run = begun(ledger, requested=EVERYTHING, pictures=[KEY])
    other = begun(ledger, owner="bert", requested=(VISUAL, ANALYSIS), pictures=[KEY])
    commit_all(ledger, claims.claim(ledger, run, [KEY]), text="Material: oak.")
    texts = [text_key("Material: oak."), text_key("Material: ash.")]
    assert claims.texts_without_item(ledger, run, UNDERSTANDING, texts) == {texts[1]}
    assert claims.texts_without_item(ledger, other, UNDERSTANDING, texts) == set()


def test_understanding_dirties_every_picture_of_its_text(ledger: Ledger) -> None:
    run = begun(ledger, requested=(ANALYSIS, UNDERSTANDING), pictures=KEYS[:3])
    commit_all(ledger, claims.claim(ledger, run, KEYS[:2]), text="Material: oak.")
    commit_all(ledger, claims.claim(ledger, run, KEYS[2:3]), text="Material: ash.")
    before = [image(ledger, key).dirty for key in KEYS[:3]]
    commit_all(ledger, claims.claim(ledger, run, [text_key("Material: oak.")]))
    after = [image(ledger, key) for key in KEYS[:3]]
    assert [row.dirty for row in after] == [before[0] + 1, before[1] + 1, before[2]]
    assert [row.made for row in after] == [row.dirty for row in after]


def test_changed_analysis_reopens_documents_wanting_its_understanding(ledger: Ledger) -> None:
    first = begun(ledger, requested=(ANALYSIS, UNDERSTANDING), pictures=[KEY])
    commit_all(ledger, claims.claim(ledger, first, [KEY]))
    commit_all(ledger, claims.claim(ledger, first, [KEY]))
    without = begun(ledger, owner="carl", requested=(ANALYSIS,), pictures=[KEY])
    for run in (first, without):
        assert runs.end(ledger, run, DocumentStatus.COMPLETED) == "completed"
    change(ledger, item_rows, item_rows.c.role == Role.ANALYSIS, state="pending")  # as where an answer was lost
    other = begun(ledger, owner="bert", requested=(ANALYSIS,), pictures=[KEY])
    commit_all(ledger, claims.claim(ledger, other, [KEY]), text="Material: ash.")
    assert item(ledger, text_key("Material: ash."), UNDERSTANDING).state == "pending"
    assert (document(ledger, first).status, document(ledger, without).status) == ("waiting", "completed")
    again = runs.begin(
        ledger, first.document, options=IngestOptions(), fingerprint="f", requested=(ANALYSIS, UNDERSTANDING)
    )
    assert isinstance(again, runs.Run)
    assert [c.key for c in claims.claim(ledger, again, [KEY]).items] == [text_key("Material: ash.")]


def test_analysis_wanted_by_others_sets_no_text(ledger: Ledger) -> None:
    first = begun(ledger, requested=(ANALYSIS, UNDERSTANDING), pictures=[KEY])
    commit_all(ledger, claims.claim(ledger, first, [KEY]))
    commit_all(ledger, claims.claim(ledger, first, [KEY]))
    assert runs.end(ledger, first, DocumentStatus.COMPLETED) == "completed"
    said = image(ledger, KEY).text_key
    second = ANALYSIS.model_copy(update={"tag": "analyst@2/a"})
    other = begun(ledger, owner="bert", requested=(second, UNDERSTANDING), pictures=[KEY])
    commit_all(ledger, claims.claim(ledger, other, [KEY]), text="Material: ash.")
    assert (image(ledger, KEY).text_key, document(ledger, first).status) == (said, "completed")
    assert [c.key for c in claims.claim(ledger, other, [KEY]).items] == [text_key("Material: ash.")]


def test_unusable_vectors_fail_their_items_alone(ledger: Ledger) -> None:
    put(ledger, spaces, role=VISUAL.role, tag=VISUAL.tag, dimension=4)
    ones = np.ones(4, np.float32)
    cases: dict[str, Any] = {
        "NaN": ones * np.nan, "NaN or infinity": np.array([1, np.inf, 0, 0], np.float32), "zero vector": ones * 0,
        "shape (5,), not (4,)": np.ones(5, np.float32), "shape (1, 4)": ones[None], "nothing": None,
    }  # fmt: skip
    pictures = keys(len(cases) + 1)
    run = begun(ledger, pictures=pictures)
    made = [
        ItemResult(key, VISUAL.role, VISUAL.tag, each)
        for key, each in zip(pictures, [*cases.values(), ones], strict=True)
    ]
    claims.commit(ledger, claims.claim(ledger, run, pictures), made, [], last_try=True)
    for key, problem in zip(pictures, cases, strict=False):
        row = item(ledger, key)
        assert (row.state, row.runs, row.failure["kind"]) == ("pending", 1, InvalidModelOutput.kind)
        assert problem in row.failure["message"]
        assert image(ledger, key).made == 0
    assert item(ledger, pictures[-1]).state == "done"


def test_passing_failures_count_runs_and_outages_nothing(ledger: Ledger) -> None:
    passing = [ProviderTimeout("t"), InvalidModelOutput("i"), OutOfMemory("m")]
    outages = [RateLimited("r"), ProviderDown("d"), BudgetExceeded("b")]
    pictures = keys(len(passing) + len(outages))
    failures = dict(zip(pictures, passing + outages, strict=True))
    run = begun(ledger, pictures=pictures)
    for turn, last_try in enumerate((False, True), 1):
        lease = claims.claim(ledger, run, pictures)
        assert [c.key for c in lease.items] == pictures
        failed = [FailedItem(c.key, c.role, c.tag, failures[c.key]) for c in lease.items]
        claims.commit(ledger, lease, [], failed, last_try=last_try)
        for key, failure in failures.items():
            row, is_passing = item(ledger, key), failure in passing
            assert (row.state, row.attempts, row.runs) == ("pending", is_passing * turn, is_passing and last_try)
            next_try = pytest.approx(ledger.now() + 900, abs=5) if is_passing and last_try else None
            assert (row.next_retry_at, row.failure["kind"]) == (next_try, failure.kind)
    assert [c.key for c in claims.claim(ledger, run, pictures).items] == pictures[len(passing) :]


def test_items_told_to_wait_are_due_as_told(ledger: Ledger) -> None:
    run = begun(ledger, pictures=keys(3))
    lease = claims.claim(ledger, run, keys(3))
    assert claims.postponed_items(ledger, run) is None
    told = [RateLimited("r", retry_after=90), RateLimited("r", retry_after=50), ProviderTimeout("t")]
    failed = [FailedItem(c.key, c.role, c.tag, failure) for c, failure in zip(lease.items, told, strict=True)]
    claims.commit(ledger, lease, [], failed, last_try=True)
    assert claims.postponed_items(ledger, run) == (2, pytest.approx(50, abs=5))
    assert [item(ledger, each.key).attempts for each in failed] == [0, 0, 1]
    pass_time(ledger, 60)
    assert [c.key for c in claims.claim(ledger, run, keys(3)).items] == [failed[1].key]


def test_pauses_double_until_the_eighth_run_fails(ledger: Ledger) -> None:
    run = begun(ledger, pictures=[KEY])
    pauses = []
    for number in range(1, RUN_LIMIT + 1):
        fail(ledger, run, [KEY], ProviderTimeout("slow"))
        row = item(ledger, KEY)
        assert row.runs == number
        if row.state == "pending":
            pauses.append(row.next_retry_at - ledger.now())
            pass_time(ledger, pauses[-1] - 5)
            assert claims.claim(ledger, run, [KEY]).items == ()
            pass_time(ledger, 6)
    assert pauses == pytest.approx([900 * 2**n for n in range(7)], abs=5)
    assert (row.state, row.attempts, row.next_retry_at) == ("failed", 8, None)
    assert claims.claim(ledger, run, [KEY]).items == ()


def test_ledger_outage_beyond_the_lease_is_survived(
    ledger: Ledger, url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = begun(ledger)
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.02)
    hasty = Ledger(url)
    with keep_alive(hasty, run, every=0.05):
        with ledger.write() as connection:
            connection.execute(update(run_rows).values(lease_until=db_now() - 1))
            until(lambda: "no heartbeat" in caplog.text)
        until(lambda: one(ledger, run_rows).lease_until > ledger.now() + 55)
    assert dead_runs.mark_dead(ledger) == []
    hasty.close()
