"""Whatever happens to documents, in whatever order: the account closes, nothing is orphaned, and all ends well."""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, text

from swatchbook.domain.errors import (
    DocumentDeleted,
    Failure,
    InvalidReference,
    ProviderTimeout,
    RunRevoked,
    UnreadableImage,
)
from swatchbook.domain.records import (
    Analysis,
    Chunks,
    ColorShare,
    DocumentStatus,
    Extraction,
    IngestOptions,
    LinkKind,
    PlacementState,
    sha256,
)
from swatchbook.index.contract import Payload, Space
from swatchbook.store.files.file_store import open_files
from swatchbook.store.ledger import (
    claims,
    document_commands,
    edited_products,
    picture_reviews,
    publishing,
    retention,
    runs,
    schedule,
    stage_results,
)
from swatchbook.store.ledger.claims import ClaimedItem, FailedItem, Lease
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.document_commands import delete_rows, finish_delete, mark_deleting
from swatchbook.store.ledger.publishing import DirtyRow
from swatchbook.store.ledger.queries import account
from swatchbook.store.ledger.queries.report import failures
from swatchbook.store.ledger.run_queries import live_runs
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.stored_documents import Document, list_documents
from swatchbook.store.ledger.tables import analyses, items, vectors
from tests.fixtures import SOAK
from tests.ledger_audit import count_writes, writes
from tests.ledgers import NewLedger
from tests.store.ledger.scene import (
    EVERYTHING,
    MULTIMODAL,
    TEXT,
    VISUAL,
    chunked,
    end,
    extraction,
    image,
    key,
    lapse,
    link,
    make,
    make_all,
    next_publish,
    pass_time,
    placed,
    product,
    queued,
    settle,
    states,
)

DOCUMENTS = (("anna", "one"), ("anna", "two"), ("bert", "one"))
WANTS = (*EVERYTHING, MULTIMODAL)
REVIEWER = "eve@1"
DAY = 86_401.0


def pictures(run: Run, content: str, fingerprint: str) -> Extraction:
    """What a document shows depends on its bytes and its options, and on nothing else."""
    hidden = placed(run, "c", page=3, state=PlacementState.HIDDEN)
    if fingerprint == "f":
        return extraction(placed(run, "a"), placed(run, "b"), placed(run, "broken"), hidden, unreadable=["broken"])
    return extraction(placed(run, "b", caption=content), placed(run, "c", page=2), placed(run, "b", page=4))


def texts(run: Run, content: str, fingerprint: str) -> Chunks:
    return chunked(run, "Common.", f"Of {content}.", *(["Only of f."] if fingerprint == "f" else []))


class Publisher:
    """Between lease and settle: what it holds, and what it read of that when it leased it."""

    def __init__(self, ledger: Ledger, name: str, limit: int = 200) -> None:
        self.name = name
        self.rows = publishing.lease_dirty(ledger, name, limit=limit)
        self.told = publishing.publications(ledger, [row for row in self.rows if not row.gone])


class Lives(RuleBasedStateMachine):
    """Documents of two owners, a ledger, and an index that is a dictionary."""

    def __init__(self, url: str, folder: Path) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=folder))
        self.ledger: Ledger = open_ledger(url)
        self.files = open_files(str(self.folder))
        self.index = dict[str, Payload]()
        self.held = dict[tuple[str, str], tuple[Run, str]]()  # document -> its run, and the fingerprint
        self.saved = set[str]()  # tokens of runs that saved their stages
        self.leases = list[Lease]()
        self.publishers = list[Publisher]()
        count_writes(self.ledger)
        self.number = 0

    def teardown(self) -> None:
        try:
            self.everything_ends_well()
        finally:
            self.ledger.close()
            shutil.rmtree(self.folder)

    # --- what a run does ----------------------------------------------------------------------------------------------

    @rule(which=st.sampled_from(DOCUMENTS), fingerprint=st.sampled_from("fg"), force=st.booleans())
    def begin(self, which: tuple[str, str], fingerprint: str, force: bool) -> None:
        owner, content = which
        options = IngestOptions(force=force)
        known = queued(self.ledger, owner=owner, content=content, options=options)
        if known.status is DocumentStatus.DELETING:  # a delete that is not at its end
            with pytest.raises(DocumentDeleted):
                runs.begin(self.ledger, known.id, options=options, fingerprint=fingerprint, requested=WANTS)
            return
        run = runs.begin(self.ledger, known.id, options=options, fingerprint=fingerprint, requested=WANTS)
        if isinstance(run, Run):
            self.held[which] = (run, fingerprint)

    @rule(which=st.sampled_from(DOCUMENTS))
    def save(self, which: tuple[str, str]) -> None:
        self.trying(which, lambda run, fingerprint: self.save_stages(run, which[1], fingerprint))

    def save_stages(self, run: Run, content: str, fingerprint: str) -> None:
        found, text = pictures(run, content, fingerprint), texts(run, content, fingerprint)
        stage_results.save_chunks(self.ledger, run, text)
        stage_results.save_extraction(self.ledger, run, found)
        made = [product(run, "Oak", metadata={"price": "3" if fingerprint == "f" else "4"}), product(run, "Ash")]
        linked = [link(found.placements[0].id, made[0]), link(text.chunks[1].id, made[1], LinkKind.CHUNK_PRODUCT)]
        edited_products.save_assembly(self.ledger, run, made[: 1 if fingerprint == "f" else 2], linked)
        self.saved.add(run.token)

    @rule(
        which=st.sampled_from(DOCUMENTS),
        failing=st.sampled_from(["", "a", "b", "Common."]),
        how=st.sampled_from([ProviderTimeout, UnreadableImage]),
    )
    def make(self, which: tuple[str, str], failing: str, how: type[Failure]) -> None:
        def fails(claimed: ClaimedItem) -> Failure | None:
            return how("So it goes.") if claimed.key in (key(failing), sha256(failing.encode())) else None

        self.trying(which, lambda run, _: make_all(self.ledger, run, failing=fails))

    @precondition(lambda self: self.saved)
    @rule(which=st.sampled_from(DOCUMENTS))
    def finish(self, which: tuple[str, str]) -> None:
        if which in self.held and self.held[which][0].token in self.saved:
            self.trying(which, lambda run, _: end(self.ledger, run))
            self.held.pop(which, None)

    @precondition(lambda self: self.held)
    @rule(which=st.sampled_from(DOCUMENTS))
    def die(self, which: tuple[str, str]) -> None:
        if which in self.held:
            lapse(self.ledger, self.held.pop(which)[0])

    @rule(which=st.sampled_from(DOCUMENTS), names=st.sets(st.sampled_from(["a", "b", "c"]), min_size=1))
    def claim(self, which: tuple[str, str], names: set[str]) -> None:
        keys = [key(name) for name in sorted(names)]
        self.trying(which, lambda run, _: self.leases.append(claims.claim(self.ledger, run, keys)))

    @precondition(lambda self: self.leases)
    @rule(how=st.sampled_from(["made", "made", "failed", "released"]))
    def end_oldest_lease(self, how: str) -> None:
        """What was claimed long ago comes to an end, whether or not its run still lives."""
        lease = self.leases.pop(0)
        if how == "released":
            claims.release(self.ledger, lease)
            return
        slow = ProviderTimeout("So it goes.")
        failed = [FailedItem(each.key, each.role, each.tag, slow) for each in lease.items if how == "failed"]
        made = [make(each) for each in lease.items if how == "made"]
        with suppress(RunRevoked):
            claims.commit(self.ledger, lease, made, failed, last_try=True)

    def trying(self, which: tuple[str, str], work: Callable[[Run, str], object]) -> None:
        """Work with the run at a document, which begins where there is none."""
        if which not in self.held:
            self.begin(which, "f", False)
        if which in self.held:
            try:
                work(*self.held[which])
            except RunRevoked:
                del self.held[which]

    # --- publishing ---------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.saved)
    @rule(limit=st.sampled_from([1, 3, 200]))
    def publish_half(self, limit: int) -> None:
        """A publisher leases and writes, and says so later, or never."""
        publisher = self.publisher(limit)
        if publisher.rows:
            self.write(publisher)
            self.publishers.append(publisher)

    @precondition(lambda self: self.publishers)
    @rule(refuse=st.booleans())
    def settle_oldest(self, refuse: bool) -> None:
        late = self.publishers.pop(0)
        self.settle(late, refused=late.rows[0].id if refuse and not late.rows[0].gone else None)

    @precondition(lambda self: self.publishers)
    @rule()
    def write_late_and_settle(self) -> None:
        """A stalled publisher: what it read long ago becomes the index's last word."""
        late = self.publishers.pop(0)
        self.write(late)
        self.settle(late)

    def publisher(self, limit: int = 200) -> Publisher:
        self.number += 1
        return Publisher(self.ledger, f"publisher {self.number}", limit)

    def write(self, publisher: Publisher) -> None:
        for publication in publisher.told:
            if publication.vectors:
                self.index[publication.row.id] = publication.payload
        for row in publisher.rows:
            if row.gone:
                self.index.pop(row.id, None)

    def settle(self, publisher: Publisher, refused: str | None = None) -> None:
        settle(
            self.ledger, publisher.name, publisher.rows, refused={refused: UnreadableImage("NaN.")} if refused else {}
        )

    # --- what a person does, and time ---------------------------------------------------------------------------------

    @rule(which=st.sampled_from(DOCUMENTS), force=st.booleans())
    def retry(self, which: tuple[str, str], force: bool) -> None:
        for document in self.known(which):
            document_commands.retry(self.ledger, document.id, force=force)

    @precondition(lambda self: self.saved)
    @rule(which=st.sampled_from(DOCUMENTS))
    def cancel(self, which: tuple[str, str]) -> None:
        for document in self.known(which):
            document_commands.cancel(self.ledger, document.id)

    @rule(which=st.sampled_from(DOCUMENTS), steps=st.integers(1, 3))
    def delete(self, which: tuple[str, str], steps: int) -> None:
        for document in self.known(which):
            for step in (mark_deleting, delete_rows, finish_delete)[:steps]:
                step(self.ledger, document.id)

    @rule(which=st.sampled_from(DOCUMENTS), name=st.sampled_from(["a", "b"]), color=st.sampled_from(["teal", None]))
    def review(self, which: tuple[str, str], name: str, color: str | None) -> None:
        """A review model says something else of an owner's image, or its review is taken back."""
        with suppress(InvalidReference, RunRevoked):  # it has no analysis, or its document is stopped
            shown = picture_reviews.find_review_image(self.ledger, image(name, which[0]))
            picture_reviews.withdraw_review(self.ledger, shown, below=0)
            if color:
                paying = runs.begin_review(self.ledger, shown.document_id)
                said = Analysis(colors=(ColorShare(name=color, share=1),), confidence=1)
                picture_reviews.record_answer(self.ledger, shown, said, by=REVIEWER, below=0, run=paying)
                runs.end_part(self.ledger, paying)

    @rule(seconds=st.sampled_from([61.0, 1_000.0, 4_000.0, -3_600.0]), collects=st.booleans())
    def time_passes(self, seconds: float, collects: bool) -> None:
        pass_time(self.ledger, seconds)
        if collects and retention.collect(self.ledger, self.files).contents:  # that may be made again
            with self.ledger.write() as connection:
                connection.execute(text("DELETE FROM written"))

    def known(self, which: tuple[str, str]) -> list[Document]:
        owner, content = which
        return [d for d in list_documents(self.ledger, owner=owner) if d.name == f"{content}.pdf"]

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def the_account_closes(self) -> None:
        for document in list_documents(self.ledger):
            a = account.account(self.ledger, document=document.id)
            assert a.found == a.complete + a.partial + a.failed + a.rejected + a.pending
            unfinished = {f.image_id for f in failures(self.ledger, document.id)}
            found = states(self.ledger, document.id)
            assert unfinished == {image for image, state in found.items() if state != "complete"}

    @invariant()
    def items_are_made_once_and_held_by_the_living(self) -> None:
        assert {count for (_, _, tag), count in writes(self.ledger).items() if tag != REVIEWER} <= {1}
        known = self.ledger.execute(select(items)).all()
        stored = {*self.ledger.execute(select(vectors.c.key, vectors.c.role, vectors.c.tag)).tuples()}
        analysed = self.ledger.execute(select(analyses.c.key, analyses.c.tag).where(analyses.c.tag != REVIEWER))
        stored |= {(row.key, "analysis", row.tag) for row in analysed}
        assert {(row.key, row.role, row.tag) for row in known if row.state == "done"} == stored
        assert {row.lease[:26] for row in known if row.lease} <= {run.token for run in live_runs(self.ledger)}

    @invariant()
    def nothing_is_orphaned(self) -> None:
        now = self.ledger.now()
        coming = {document.id for document in schedule.due_documents(self.ledger)}
        for document in list_documents(self.ledger):
            if document.id in coming:
                continue
            waits = next_publish(self.ledger, document.id)
            assert document.run or waits is None or waits > now
            match document.status:
                case DocumentStatus.COMPLETED:
                    if account.account(self.ledger, document=document.id).pending:
                        assert waits is not None
                case DocumentStatus.FAILED | DocumentStatus.CANCELLED | DocumentStatus.BLOCKED:
                    assert document.message
                case DocumentStatus.RUNNING | DocumentStatus.DELETING:
                    assert document.run is not None
                case DocumentStatus.WAITING:
                    assert document.due_at is not None
                    assert document.due_at > now
                case status:
                    raise AssertionError(status)

    # --- how it ends --------------------------------------------------------------------------------------------------

    def everything_ends_well(self) -> None:
        """Once nothing fails any more, whatever is due leads everything to its end within a few rounds."""
        for late in self.publishers:
            self.settle(late)
        for which in list(self.held):
            self.die(which)
        for _ in range(12):
            pass_time(self.ledger, DAY)
            for document in schedule.due_documents(self.ledger):
                self.bring_back(document)
        known = list_documents(self.ledger)
        assert {d.status for d in known} <= {DocumentStatus.COMPLETED, DocumentStatus.FAILED, DocumentStatus.CANCELLED}
        for document in known:
            if document.status is DocumentStatus.COMPLETED:
                assert account.account(self.ledger, document=document.id).pending == 0
        assert publishing.count_unpublished(self.ledger) == 0
        self.the_index_holds_what_the_ledger_says()
        for document in known:
            mark_deleting(self.ledger, document.id)
            self.delete_to_the_end(document)
        assert (self.index, list_documents(self.ledger)) == ({}, [])

    def bring_back(self, document: Document) -> None:
        if document.status is DocumentStatus.DELETING:
            self.delete_to_the_end(document)
            return
        if not schedule.wants_run(self.ledger, document.id):
            self.publish_all()
            return
        fingerprint = document.fingerprint or "f"
        run = runs.begin(self.ledger, document.id, options=IngestOptions(), fingerprint=fingerprint, requested=WANTS)
        assert isinstance(run, Run)
        self.save_stages(run, document.name.removesuffix(".pdf"), fingerprint)
        make_all(self.ledger, run)
        self.publish_all()
        end(self.ledger, run)

    def delete_to_the_end(self, document: Document) -> None:
        delete_rows(self.ledger, document.id)
        self.publish_all()
        assert finish_delete(self.ledger, document.id)

    def publish_all(self) -> None:
        while (publisher := self.publisher()).rows:
            self.write(publisher)
            self.settle(publisher)

    def the_index_holds_what_the_ledger_says(self) -> None:
        searchable = {
            row: kind
            for want, kind in ((VISUAL, "image"), (TEXT, "chunk"))
            for row in publishing.searchable_ids(self.ledger, Space(role=want.role, tag=want.tag, dimension=32))
        }
        rows = [DirtyRow(kind=kind, id=row, dirty=0, gone=False) for row, kind in searchable.items()]  # type: ignore[arg-type]
        said = {p.row.id: p.payload for p in publishing.publications(self.ledger, rows)}
        assert {i: self.index.get(i) for i in said} == said
        with_vectors = said.keys()
        others = self.index.keys() - with_vectors  # with an understanding vector alone
        more = [DirtyRow(kind="image", id=row, dirty=0, gone=False) for row in others]
        assert {p.row.id for p in publishing.publications(self.ledger, more) if p.vectors} == others


def test_whatever_happens_all_ends_well(new_ledger: NewLedger, folder: Path) -> None:
    run_state_machine_as_test(
        lambda: Lives(new_ledger(), folder),  # type: ignore[arg-type]  # any maker of machines does
        settings=settings(
            max_examples=150 if SOAK else settings().max_examples // 6, stateful_step_count=30, print_blob=True
        ),
    )
