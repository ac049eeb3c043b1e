"""`gc --now` beside work on the same collection: what a row will name, or a backup copies, is never removed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swatchbook.domain.records import IngestOptions
from swatchbook.domain.settings import Settings
from swatchbook.ingest.delete import delete
from swatchbook.ingest.hold_files import holding_files
from swatchbook.ingest.register import register
from swatchbook.resources import Resources, open_resources
from swatchbook.store.files.upload_buffer import temporary_file
from swatchbook.store.ledger.portable_rows import portable_files
from swatchbook.store.ledger.stored_documents import Document, list_documents
from swatchbook.store.ledger.tables import vectors
from swatchbook.upkeep.gc import sweep
from swatchbook.upkeep.verify import verify
from swatchbook_backup import backup_rows, write
from swatchbook_backup.restore import restore
from swatchbook_backup.write import back_up
from tests.ingest.test_delete import make
from tests.origin import PDF
from tests.store.ledger import scene
from tests.store.ledger.scene import end_process_of_holds

FILES = ((b"catalogue", ".pdf"), (b"oak", ".png"), (b"ash", ".png"))


def collect(resources: Resources) -> None:
    """As another process does it: `swatchbook upkeep gc --now`."""
    with open_resources(Settings(home=resources.settings.home)) as others:
        sweep(others, older_than=0)


def first(work: Callable[[], object], then: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which does some other work before."""

    def call(*args: Any, **kwargs: Any) -> Any:
        work()
        return then(*args, **kwargs)

    return call


@pytest.mark.parametrize("deleted_before", [False, True])
def test_file_of_a_document_just_registered_stays(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deleted_before: bool
) -> None:
    from swatchbook.ingest import register as module

    def registered() -> Document:
        return register(resources, tmp_path / "a.pdf", owner="anna", options=IngestOptions()).document

    (tmp_path / "a.pdf").write_bytes(PDF)
    if deleted_before:
        assert delete(resources, registered().id)
    monkeypatch.setattr(module, "queue", first(lambda: collect(resources), module.queue))
    assert resources.files.has(registered().file or "")


def test_what_a_process_holds_stays_until_its_end(resources: Resources) -> None:
    with holding_files(resources.ledger):
        key = resources.files.put_bytes(b"pages", ".jsonl")
        collect(resources)
        assert resources.files.has(key)
        end_process_of_holds(resources.ledger)
        collect(resources)
        assert not resources.files.has(key)
    with holding_files(resources.ledger):
        resources.files.put_bytes(b"pages", ".jsonl")
    collect(resources)
    assert not resources.files.has(key)


def test_file_that_another_process_is_writing_stays(resources: Resources) -> None:
    with temporary_file(resources.settings.temporary_folder) as path:
        path.write_bytes(b"half of an upload")
        collect(resources)
        assert path.exists()


def stored(resources: Resources) -> dict[str, bytes]:
    """Store what a catalogue with two pictures names; key -> bytes."""
    scene.set_document(resources.ledger, make(resources, "oak", "ash"), size=len(b"catalogue"))
    named = {resources.files.put_bytes(name, suffix): name for name, suffix in FILES}
    with resources.ledger.read() as connection:
        assert set(portable_files(connection)) == named.keys()
    return named


def test_backup_has_what_is_deleted_while_it_copies(
    resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = stored(resources)
    (document,) = list_documents(resources.ledger)

    def drop() -> None:
        assert delete(resources, document.id)
        collect(resources)

    monkeypatch.setattr(write._Copies, "copy", first(drop, write._Copies.copy))
    assert back_up(resources, tmp_path / "backup").missing == ()
    with open_resources(Settings(home=tmp_path / "elsewhere")) as there:
        assert restore(there, tmp_path / "backup").missing == ()
        assert {key: there.files.read(key) for key in named} == named
    assert resources.files.keys()
    collect(resources)
    assert list(resources.files.keys()) == []


@pytest.mark.parametrize("step", ["insert_shared", "insert_documents", "insert_parts", "finish_document"])
@pytest.mark.nightly
def test_restore_is_whole_though_garbage_is_collected_meanwhile(
    step: str, resources: Resources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(resources)
    back_up(resources, tmp_path / "backup")
    with open_resources(Settings(home=tmp_path / "elsewhere")) as there:
        monkeypatch.setattr(backup_rows, step, first(lambda: collect(there), getattr(backup_rows, step)))
        restored = restore(there, tmp_path / "backup")
        assert (restored.documents, restored.unfinished, restored.missing) == (1, 0, ())
        monkeypatch.undo()
        assert scene.count(there.ledger, vectors) == scene.count(resources.ledger, vectors) > 0
        assert verify(there, deep=True).sound
