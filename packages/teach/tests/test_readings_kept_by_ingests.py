"""In any order of accepting, undoing, ingesting, cancelling and new versions of the stages nothing taught is lost, and
nothing else changes.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import UNTAUGHT, DocumentStatus, Example, IngestOptions, TaughtReading, TextRule
from swatchbook.domain.settings import Settings
from swatchbook.ingest import cache_keys
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register import register, register_upload
from swatchbook.ingest.run import Work
from swatchbook.resources import Resources
from swatchbook.store.ledger import runs
from swatchbook.store.ledger.document_commands import cancel
from swatchbook.store.ledger.stored_documents import Document, get_document
from swatchbook_teach.kept_readings import accept_reading, list_readings, undo_reading
from swatchbook_teach.records import KeptReading

READINGS = tuple(
    TaughtReading(
        names=(TextRule(traits={"size": size, "bold": True}),),
        examples=(Example(page=1, box=(size, 2, 30, 40), text="Oak"),),
    )
    for size in (8.0, 9.0, 12.0)
)
FIRST = IngestOptions(focus=False, batch_size=7, pages=(2,))

STEPS = st.lists(
    st.tuples(st.sampled_from(["accept", "give"]), st.sampled_from(READINGS))
    | st.tuples(st.sampled_from(["ingest", "upload"]), st.sampled_from([(), (1,), (3, 4)]))
    | st.tuples(st.sampled_from(["undo", "cancel", "raise"]), st.none()),
    max_size=12,
)


@contextmanager
def fresh(migrated: Path) -> Iterator[Resources]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir()
        shutil.copy(migrated, home / "ledger.sqlite")
        resources = Resources(Settings(home=home))
        try:
            yield resources
        finally:
            resources.close()


class Model:
    """What must hold for a document: the reading in use, those that are not undone, and all that there ever were."""

    def __init__(self, resources: Resources, path: Path) -> None:
        self.resources, self.path = resources, path
        self.version = 0
        self.pages = set(FIRST.pages)
        self.in_use = UNTAUGHT
        self.standing = list[TaughtReading]()
        self.ever = list[TaughtReading]()
        self.id = self._ingest(FIRST).id
        self.bystanders = [register(resources, path, owner="bert", options=FIRST.with_taught(READINGS[0])).document]

    def _ingest(self, options: IngestOptions) -> Document:
        """Register the file and let a run of its document begin and end."""
        registered = register(self.resources, self.path, owner="anna", options=options)
        work = begin_work(self.resources, registered)
        if isinstance(work, Work):
            runs.end(self.resources.ledger, work.run, DocumentStatus.COMPLETED)
        return get_document(self.resources.ledger, registered.document.id)

    def accept(self, reading: TaughtReading) -> None:
        accept_reading(self.resources.ledger, self.id, reading, by="anna")
        self._record_given()
        if self.in_use != reading:
            self.standing.append(reading)
            self.ever.append(reading)
        self.in_use = reading

    def undo(self, _: None) -> None:
        if self.in_use == UNTAUGHT:
            with pytest.raises(InvalidReference):
                undo_reading(self.resources.ledger, self.id, by="anna")
            return
        undone = undo_reading(self.resources.ledger, self.id, by="anna")
        self._record_given()
        assert undone.reading == self.standing.pop()
        self.in_use = self.standing[-1] if self.standing else UNTAUGHT

    def give(self, reading: TaughtReading) -> None:
        """Ingest with a reading among the options."""
        if not self._has_request():
            self.in_use = reading
        self._ingest(FIRST.with_taught(reading))

    def ingest(self, pages: tuple[int, ...]) -> None:
        if not self._has_request():
            self.pages |= set(pages)
        self._ingest(FIRST.with_pages(pages))

    def _has_request(self) -> bool:
        """Whether no run has begun with the options requested last: these then stay, whatever another run is given."""
        document = get_document(self.resources.ledger, self.id)
        return document.fingerprint is None and document.status is not DocumentStatus.CANCELLED

    def upload(self, pages: tuple[int, ...]) -> None:
        self.pages |= set(pages)
        register_upload(self.resources, self.path, owner="anna", options=FIRST.with_pages(pages), name=self.path.name)

    def cancel(self, _: None) -> None:
        cancel(self.resources.ledger, self.id)

    def raise_versions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.version += 1
        for name, stage in cache_keys.PURE_STAGES.items():
            raised = stage.model_copy(update={"version": f"{stage.version}+{self.version}"})
            monkeypatch.setitem(cache_keys.PURE_STAGES, name, raised)  # type: ignore[arg-type]

    def _record_given(self) -> None:
        """A reading that came with an ingest is recorded before it is replaced or undone."""
        if self.in_use != UNTAUGHT and (not self.standing or self.standing[-1] != self.in_use):
            self.standing.append(self.in_use)
            self.ever.append(self.in_use)

    def check(self) -> None:
        ledger = self.resources.ledger
        document, kept = get_document(ledger, self.id), list_readings(ledger, document=self.id)
        assert document.options == FIRST.with_pages(self.pages).with_taught(self.in_use)
        assert [each.reading for each in kept] == self.ever
        assert [each.reading for each in kept if each.undone_at is None] == self.standing
        assert [each.reading for each in kept if each.in_use] == self._listed_in_use()
        assert [get_document(ledger, each.id) for each in self.bystanders] == self.bystanders

    def _listed_in_use(self) -> list[TaughtReading]:
        return self.standing[-1:] if self.standing[-1:] == [self.in_use] else []


@given(STEPS)
def test_nothing_taught_is_lost(migrated: Path, small_catalogue: Path, steps: list[tuple[str, object]]) -> None:
    with fresh(migrated) as resources, pytest.MonkeyPatch.context() as patched:
        model = Model(resources, small_catalogue)
        seen = list[KeptReading]()
        for step, value in steps:
            if step == "raise":
                model.raise_versions(patched)
            else:
                getattr(model, step)(value)
            model.check()
            now = list_readings(resources.ledger, document=model.id)
            fixed = {"undone_at", "undone_by", "in_use"}
            assert [each.model_dump(exclude=fixed) for each in now[: len(seen)]] == [
                each.model_dump(exclude=fixed) for each in seen
            ]
            seen = now
