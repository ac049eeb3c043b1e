"""The ledger against a model: any order of runs, claims, commits, failures, deaths, reviews, cancels and deletes."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from swatchbook.domain.errors import Failure, ProviderDown, ProviderTimeout, RunRevoked, UnreadableImage
from swatchbook.domain.records import (
    Analysis,
    ColorShare,
    Role,
    RoleTag,
    document_id,
    pair_key,
    sha256,
    text_key,
)
from swatchbook.store.ledger import claims, dead_runs, picture_reviews, run_queries, runs, stage_results
from swatchbook.store.ledger.claims import ClaimedItem, FailedItem, ItemResult, Lease
from swatchbook.store.ledger.database import open_ledger
from swatchbook.store.ledger.document_commands import cancel, delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.tables import analyses, vectors
from swatchbook.store.ledger.tables import items as item_rows
from tests.fixtures import SOAK
from tests.store.ledger import scene
from tests.store.ledger.conftest import NewLedger
from tests.store.ledger.scene import ANALYSIS, MULTIMODAL, UNDERSTANDING, VISUAL, item, lapse, pass_time

SAID = {"oak": "Colors: brown.", "ash": "Colors: brown.", "elm": "Colors: red."}
FULL = (VISUAL, ANALYSIS, UNDERSTANDING, MULTIMODAL)

ItemId = tuple[str, str]  # key, role
DocumentName = tuple[str, str]  # owner, content

CATALOGUES: dict[DocumentName, tuple[tuple[str, ...], tuple[RoleTag, ...]]] = {
    ("anna", "one"): (("oak", "ash"), FULL),
    ("anna", "two"): (("ash", "elm"), (VISUAL,)),
    ("bert", "one"): (("elm", "oak", "ash"), FULL),
}

FAILURES: dict[str, Failure] = {
    "never": UnreadableImage("broken"),
    "later": ProviderTimeout("slow"),
    "spared": ProviderDown("away"),
}


@dataclass
class Item:
    """What the model knows of an item."""

    state: str = "pending"
    attempts: int = 0
    runs: int = 0
    crashes: int = 0
    lease: str | None = None
    due: float = 0.0  # by the model's clock

    def fail(self, runs_before: int, now: float) -> None:
        """A run ended in a failure of it."""
        self.runs = runs_before + 1
        self.state = "failed" if self.runs == 8 else "pending"
        self.due = now + min(900 * 2**runs_before, 86_400)


@dataclass
class Document:
    """What the model knows of a document."""

    run: Run | None = None
    shown: bool = False
    deleting: bool = False


class LedgerMachine(RuleBasedStateMachine):
    """Three documents of two owners that share pictures and texts."""

    leases = Bundle("leases")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.ledger = open_ledger(url)
        self.clock = 0.0
        self.serial = itertools.count(1)
        self.items = dict[ItemId, Item]()
        self.made = dict[ItemId, int]()
        self.analysed = set[str]()
        self.said = {(owner, picture): text for owner, _ in CATALOGUES for picture, text in SAID.items()}  # reviewed
        self.documents = {name: Document() for name in CATALOGUES}

    def teardown(self) -> None:
        self.ledger.close()

    # --- what the model says ---

    def items_of(self, name: DocumentName, picture: str) -> Iterator[ItemId]:
        """The items of a picture that the document wants and that there are."""
        for want in CATALOGUES[name][1]:
            if want not in (UNDERSTANDING, MULTIMODAL):
                yield scene.key(picture), want.role
            elif picture in self.analysed and want == UNDERSTANDING:
                yield text_key(self.said[name[0], picture]), want.role
            elif picture in self.analysed and (scene.key(picture), Role.VISUAL) in self.made:
                yield pair_key(scene.key(picture), text_key(self.said[name[0], picture])), want.role

    def wanted_by(self, name: DocumentName) -> Iterator[ItemId]:
        if self.documents[name].shown:
            for picture in CATALOGUES[name][0]:
                yield from self.items_of(name, picture)

    def free(self, run: Run) -> list[Item]:
        held = [i for i in self.items.values() if i.lease and i.lease.startswith(run.token)]
        for i in held:
            i.state, i.lease = "pending", None
        return held

    def live(self) -> list[DocumentName]:
        return [name for name, known in self.documents.items() if known.run]

    # --- moves ---

    @rule(name=st.sampled_from(sorted(CATALOGUES)), force=st.booleans())
    def start(self, name: DocumentName, force: bool) -> None:
        known, (pictures, requested) = self.documents[name], CATALOGUES[name]
        if known.run or known.deleting:
            return
        known.run = scene.begin(self.ledger, owner=name[0], content=name[1], requested=requested, force=force)
        if force:
            for key in self.wanted_by(name):
                if self.items[key].state in ("failed", "rejected"):
                    self.items[key] = Item()
        placements = [scene.placed(known.run, picture) for picture in pictures]
        stage_results.save_extraction(self.ledger, known.run, scene.extraction(*placements))
        known.shown = True
        for key in self.wanted_by(name):
            self.items.setdefault(key, Item())

    @precondition(lambda self: self.live())
    @rule(target=leases, data=st.data(), pictures=st.sets(st.sampled_from(sorted(SAID)), min_size=1))
    def claim(self, data: st.DataObject, pictures: set[str]) -> object:
        name = data.draw(st.sampled_from(self.live()))
        run = self.documents[name].run
        assert run
        pictures &= {*CATALOGUES[name][0]}  # of another's text it would not know
        lease = claims.claim(self.ledger, run, [scene.key(p) for p in sorted(pictures)])
        asked = {key for p in pictures for key in self.items_of(name, p)}
        expected = {k for k in asked if k in self.items and self.items[k].state == "pending"}
        expected = {k for k in expected if self.items[k].due <= self.clock}
        assert {(c.key, c.role.value) for c in lease.items} == expected
        for key in expected:
            i = self.items[key]
            i.state, i.lease, i.attempts = "leased", lease.name, i.attempts + 1
        return lease if lease.items else multiple()

    @rule(lease=leases, data=st.data(), last_try=st.booleans())
    def commit(self, lease: Lease, data: st.DataObject, last_try: bool) -> None:
        outcome = st.sampled_from(["made", "made", "made", *FAILURES, "left"])
        drawn = {c: data.draw(outcome, label=c.role) for c in lease.items}
        serial = next(self.serial)
        made = [self.make(c, serial) for c in lease.items if drawn[c] == "made"]
        failed = [FailedItem(c.key, c.role, c.tag, FAILURES[how]) for c, how in drawn.items() if how in FAILURES]
        if not any(known.run == lease.run for known in self.documents.values()):
            with pytest.raises(RunRevoked):
                claims.commit(self.ledger, lease, made, failed, last_try=last_try)
            return
        claims.commit(self.ledger, lease, made, failed, last_try=last_try)
        for c, how in drawn.items():
            key = (c.key, c.role.value)
            if self.items[key].lease == lease.name and how != "left":
                self.settle(key, how, serial, last_try)

    def make(self, claimed: ClaimedItem, serial: int) -> ItemResult:
        of = (claimed.key, claimed.role, claimed.tag)
        if claimed.role is Role.ANALYSIS:
            said = next(SAID[p] for p in SAID if scene.key(p) == claimed.key)
            return ItemResult(*of, analysis=Analysis(confidence=1, quality=serial / 1e6), text=said)
        return ItemResult(*of, vector=np.full(2, serial, np.float32))

    def settle(self, key: ItemId, how: str, serial: int, last_try: bool) -> None:
        i = self.items[key]
        i.lease = None
        if how == "made":
            assert key not in self.made, "made twice"
            self.made[key] = serial
            i.state, i.crashes = "done", 0
            if key[1] == Role.ANALYSIS:
                self.analysed |= {p for p in SAID if scene.key(p) == key[0]}
            if key[1] in (Role.ANALYSIS, Role.VISUAL):
                self.put_wanted()
        elif how == "never":
            i.state = "rejected"
        elif how == "later" and last_try:
            i.fail(i.runs, self.clock)
        else:
            i.state, i.due = "pending", 0.0
            i.attempts -= how == "spared"

    def put_wanted(self) -> None:
        for name in self.documents:
            for wanted in self.wanted_by(name):
                self.items.setdefault(wanted, Item())

    def reviewable(self) -> list[tuple[str, str]]:
        """Owner and picture of the images that have an analysis."""
        shown = [name for name, known in self.documents.items() if known.shown]
        return sorted(
            {(name[0], picture) for name in shown for picture in CATALOGUES[name][0] if picture in self.analysed}
        )

    @precondition(lambda self: self.reviewable() and self.live())
    @rule(data=st.data(), color=st.sampled_from(["teal", "red", None]))
    def review(self, data: st.DataObject, color: str | None) -> None:
        """A review model says something else of an owner's image, or its review is taken back."""
        owner, picture = data.draw(st.sampled_from(self.reviewable()))
        reviewed = picture_reviews.find_review_image(self.ledger, scene.image(picture, owner))
        picture_reviews.withdraw_review(self.ledger, reviewed, below=0)
        if color:
            run = self.documents[self.live()[0]].run
            assert run
            said = Analysis(colors=(ColorShare(name=color, share=1),), confidence=1)
            picture_reviews.record_answer(self.ledger, reviewed, said, by=f"eve@{color}", below=0, run=run)
        self.said[owner, picture] = f"Colors: {color}." if color else SAID[picture]
        self.put_wanted()

    @rule(lease=leases)
    def release(self, lease: Lease) -> None:
        claims.release(self.ledger, lease)
        for i in self.items.values():
            if i.lease == lease.name:
                i.state, i.lease = "pending", None

    @precondition(lambda self: self.live())
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        known = self.documents[data.draw(st.sampled_from(self.live()))]
        assert known.run
        alone = {
            key
            for key, i in self.items.items()
            if i.lease and i.crashes and item(self.ledger, key[0], self.want(key)).lease_size == 1
        }
        lapse(self.ledger, known.run)
        assert dead_runs.mark_dead(self.ledger) == [known.run.token]
        for i in self.free(known.run):
            i.crashes += 1
            if any(i is self.items[key] for key in alone):
                i.fail(i.runs, self.clock)
        known.run = None

    def want(self, key: ItemId) -> RoleTag:
        return next(want for want in FULL if want.role == key[1])

    @precondition(lambda self: self.live())
    @rule(data=st.data(), how=st.sampled_from(["end", "end", "cancel"]))
    def stop(self, data: st.DataObject, how: str) -> None:
        known = self.documents[data.draw(st.sampled_from(self.live()))]
        assert known.run
        if how == "end":
            scene.end(self.ledger, known.run)
        else:
            cancel(self.ledger, known.run.document)
        self.free(known.run)
        known.run = None

    @rule(name=st.sampled_from(sorted(CATALOGUES)))
    def delete(self, name: DocumentName) -> None:
        known = self.documents[name]
        if not known.shown:
            return
        identity = document_id(name[0], sha256(name[1].encode()))
        mark_deleting(self.ledger, identity)
        delete_rows(self.ledger, identity)
        if known.run:
            self.free(known.run)
        known.run, known.shown, known.deleting = None, False, True

    @rule()
    def publish(self) -> None:
        scene.publish_all(self.ledger)
        for name, known in self.documents.items():
            if known.deleting:
                assert finish_delete(self.ledger, document_id(name[0], sha256(name[1].encode())))
                known.deleting = False

    @rule(seconds=st.sampled_from([900, 3600, 86_400]))
    def wait(self, seconds: int) -> None:
        pass_time(self.ledger, seconds)
        self.clock += seconds
        for name in self.live():
            run = self.documents[name].run
            assert run
            runs.record_heartbeat(self.ledger, run)
            runs.record_alive(self.ledger, run)  # else it would be taken for one that hangs

    # --- what must hold after every move ---

    @invariant()
    def items_are_as_modelled(self) -> None:
        rows = self.ledger.execute(select(item_rows)).all()
        found = {(r.key, r.role): (r.state, r.attempts, r.runs, r.crashes, r.lease) for r in rows}
        assert found == {k: (i.state, i.attempts, i.runs, i.crashes, i.lease) for k, i in self.items.items()}

    @invariant()
    def nothing_is_made_twice_or_lost(self) -> None:
        with self.ledger.read() as connection:
            numbers = {
                (v.key, v.role): int(np.frombuffer(v.data, "<f4")[0]) for v in connection.execute(select(vectors))
            }
            numbers |= {
                (a.key, Role.ANALYSIS.value): round(a.record["quality"] * 1e6)
                for a in connection.execute(select(analyses).where(analyses.c.tag == ANALYSIS.tag))
            }
        assert numbers == self.made
        assert set(self.made) == {key for key, i in self.items.items() if i.state == "done"}

    @invariant()
    def only_the_living_hold(self) -> None:
        tokens = {run.token for run in run_queries.live_runs(self.ledger)}
        assert tokens == {known.run.token for known in self.documents.values() if known.run}
        assert {i.lease[:26] for i in self.items.values() if i.lease} <= tokens


EXAMPLES = 150 if SOAK else settings().max_examples // 5


def test_any_order_of_moves_keeps_the_invariants(new_ledger: NewLedger) -> None:
    run_state_machine_as_test(
        lambda: LedgerMachine(new_ledger()),  # type: ignore[arg-type]  # any maker of machines does
        settings=settings(max_examples=EXAMPLES, stateful_step_count=25, print_blob=True),
    )
