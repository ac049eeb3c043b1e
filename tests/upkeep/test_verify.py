"""Ledger and index held against each other, and mended, while others go on publishing."""

from pathlib import Path

import pytest

from swatchbook.domain.errors import Configuration, FileMissing, IndexDamaged
from swatchbook.domain.records import DocumentStatus, IngestOptions
from swatchbook.index.contract import Space
from swatchbook.ingest.delete import delete
from swatchbook.ingest.publish import publish_round
from swatchbook.ingest.register import register, register_source
from swatchbook.resources import Resources
from swatchbook.store.ledger import publishing, schedule, stage_results
from swatchbook.store.ledger.space_registry import registered
from swatchbook.store.ledger.stored_documents import get_document
from swatchbook.upkeep import verify as verify_module
from swatchbook.upkeep.verify import IndexWatch, rebuild, repair_index, verify
from tests.deployments.conftest import queued
from tests.doubles.index import once, troubled
from tests.ingest.test_delete import make
from tests.store.ledger.damage import overwrite_pages
from tests.store.ledger.scene import begin, begin_again, end, extraction, image, make_all, placed


def spaces(resources: Resources) -> list[Space]:
    return [each.space for each in registered(resources.ledger)]


def assert_whole(resources: Resources) -> None:
    """Every space holds what the ledger says, and nothing else."""
    for space in spaces(resources):
        assert set(resources.index.ids(space)) == set(publishing.searchable_ids(resources.ledger, space)) != set(), (
            space.name
        )
    assert publishing.count_unpublished(resources.ledger) == 0


def test_repair_publishes_missing_and_drops_foreign_objects(resources: Resources) -> None:
    make(resources, "oak", "ash")
    (space, *_) = (space for space in spaces(resources) if space.role == "visual")
    (oak,) = resources.index.fetch(space, [image("oak")]).values()
    oak.id = image("nobody's")
    resources.index.upsert(space, [oak])
    resources.index.delete(space, [image("ash")])

    found = verify(resources)
    assert not found.sound
    assert {(s.space, s.missing, s.foreign) for s in found.spaces if s.missing or s.foreign} == {(space.name, 1, 1)}
    assert verify(resources, repair=True).repaired
    assert {(s.missing, s.foreign) for s in verify(resources).spaces} == {(0, 0)}
    assert_whole(resources)


def test_repair_rebuilds_a_damaged_space(resources: Resources) -> None:
    make(resources, "oak", "ash")
    (space, *_) = (space for space in spaces(resources) if space.role == "visual")
    for path in (resources.settings.index_folder / f"{space.name}.lance" / "data").iterdir():
        path.write_bytes(path.read_bytes()[:100])

    found = verify(resources)
    assert not found.sound
    assert {(s.space, s.missing) for s in found.spaces if s.damaged} == {(space.name, 2)}
    with pytest.raises(IndexDamaged, match="rebuild-index"):
        make(resources, "elm", content="supplement")
    assert verify(resources, repair=True).repaired
    assert verify(resources).unpublished == 0
    assert_whole(resources)


def test_deep_verify_finds_an_overwritten_vector(resources: Resources) -> None:
    make(resources, "oak", "ash")
    (space, *_) = (space for space in spaces(resources) if space.role == "visual")
    (oak,) = resources.index.fetch(space, [image("oak")]).values()
    (data,) = (resources.settings.index_folder / f"{space.name}.lance" / "data").glob("*.lance")
    assert data.read_bytes().count(oak.vector.tobytes()) == 1
    data.write_bytes(data.read_bytes().replace(oak.vector.tobytes(), oak.vector[::-1].tobytes()))
    resources.index.close()

    assert not verify(resources, deep=True, repair=True).sound
    assert_whole(resources)
    (again,) = resources.index.fetch(space, [image("oak")]).values()
    assert (again.vector == oak.vector).all()


@pytest.mark.parametrize("deep", [False, True])
def test_a_damaged_ledger_is_never_sound(resources: Resources, *, deep: bool) -> None:
    make(resources, "oak")
    resources.ledger.close()
    overwrite_pages(resources.settings.home / "ledger.sqlite")
    for repair in (False, True):
        with pytest.raises(Configuration, match="swatchbook upkeep restore"):
            verify(resources, deep=deep, repair=repair)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_objects_published_meanwhile_are_neither_foreign_nor_missing(resources: Resources, moment: str) -> None:
    make(resources, "oak")
    ingest = once(lambda: make(resources, "ash", content="supplement"))
    with troubled(resources, read=lambda now: ingest() if now == moment else None):
        assert {(space.missing, space.foreign) for space in verify(resources, repair=True).spaces} == {(0, 0)}
    assert_whole(resources)


def test_repair_drops_nothing_that_is_shown_again_meanwhile(resources: Resources) -> None:
    document = make(resources, "oak")
    run = begin(resources.ledger, fingerprint="another")
    stage_results.save_extraction(resources.ledger, run, extraction())  # oak is gone, and not yet removed

    def show_again(_: object) -> None:
        stage_results.save_extraction(resources.ledger, run, extraction(placed(run, "oak")))
        publish_round(resources)

    with troubled(resources, delete=once(show_again)):
        verify(resources, repair=True)
    assert run.document == document
    assert_whole(resources)


def test_killed_rebuild_leaves_its_document_due(resources: Resources) -> None:
    document = make(resources, "oak", "ash")
    (_, second, *_) = spaces(resources)

    def die(space: Space) -> None:
        if space == second:
            raise KeyboardInterrupt

    with troubled(resources, drop=die), pytest.raises(KeyboardInterrupt):
        rebuild(resources)
    assert publishing.count_unpublished(resources.ledger) == 3
    assert [found.id for found in schedule.due_documents(resources.ledger)] == [document]
    rebuild(resources)
    assert_whole(resources)


def test_objects_published_before_a_drop_are_published_again(resources: Resources) -> None:
    make(resources, "oak", "ash")
    with troubled(resources, drop=once(lambda _: publish_round(resources))):
        rebuild(resources)
    assert_whole(resources)


def stored(resources: Resources, data: bytes, *, document: bytes = b"%PDF-1.7 a catalogue") -> tuple[str, str, str]:
    """A completed document that shows one picture, both stored; its id, its file and the picture's."""
    source = resources.files.put_bytes(document, ".pdf")
    run = begin_again(resources.ledger, queued(resources, content=source[:64], file=source, size=len(document)))
    file = resources.files.put_bytes(data, ".png")
    found = extraction(placed(run, "oak"))
    pictures = tuple(picture.model_copy(update={"file": file}) for picture in found.pictures)
    stage_results.save_extraction(resources.ledger, run, found.model_copy(update={"pictures": pictures}))
    stored = {picture.content_key: picture.file for picture in pictures}
    stage_results.save_sizes(resources.ledger, run, stored, resources.files.sizes_on_disk([file]))
    make_all(resources.ledger, run)
    publish_round(resources)
    end(resources.ledger, run)
    assert verify(resources, deep=True).sound
    return run.document, source, file


def damage(resources: Resources, key: str, data: bytes) -> None:
    with resources.files.local(key) as path:
        path.write_bytes(data)


def test_truncated_picture_is_stored_again(resources: Resources) -> None:
    document, _, picture = stored(resources, b"a picture of oak")
    damage(resources, picture, b"a picture")
    found = verify(resources)
    assert not found.sound
    assert [(each.file, each.documents, each.upload_again) for each in found.damaged_files] == [
        (picture, ("catalogue.pdf",), False)
    ]
    assert verify(resources, repair=True).queued == 1
    assert get_document(resources.ledger, document).status == DocumentStatus.WAITING
    assert not resources.files.has(picture)  # so that the cached result of its stage is not used


def test_truncated_document_is_mended_by_uploading(resources: Resources, tmp_path: Path) -> None:
    _, source, _ = stored(resources, b"a picture of oak", document=b"%PDF-1.7 a catalogue with an end")
    damage(resources, source, b"%PDF-1.7 a cata")
    found = verify(resources, repair=True)
    assert [(each.file, each.upload_again) for each in found.damaged_files] == [(source, True)]
    assert found.queued == 0
    with pytest.raises(FileMissing, match="has 15 of 32 bytes"):
        register_source(resources, source, owner="anna", options=IngestOptions())
    (tmp_path / "catalogue.pdf").write_bytes(b"%PDF-1.7 a catalogue with an end")
    register(resources, tmp_path / "catalogue.pdf", owner="anna", options=IngestOptions())
    assert verify(resources, deep=True).sound


def test_file_deleted_while_it_reads_is_not_lost(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    document, *files = stored(resources, b"a picture")
    size = resources.files.size

    def delete_first(_: object) -> None:
        delete(resources, document)
        for file in files:
            resources.files.delete(file)

    first = once(delete_first)
    monkeypatch.setattr(type(resources.files), "size", lambda _, key: first(key) or size(key))
    assert verify(resources).sound


def test_changed_bytes_are_found_by_deep_verify(resources: Resources) -> None:
    _, _, picture = stored(resources, b"a picture of oak")
    damage(resources, picture, b"a picture of ash")
    assert verify(resources).sound
    assert [each.file for each in verify(resources, deep=True).damaged_files] == [picture]


@pytest.mark.parametrize("small", [True, False])
def test_hourly_repair_mends_missing_and_foreign_objects_only(
    resources: Resources, monkeypatch: pytest.MonkeyPatch, small: bool
) -> None:
    make(resources, "oak", "ash")
    assert repair_index(resources) == 0
    if not small:
        monkeypatch.setattr(verify_module, "SMALL_SPACE", 0)
    (space, *_) = (space for space in spaces(resources) if space.role == "visual")
    (oak,) = resources.index.fetch(space, [image("oak")]).values()
    oak.id = image("nobody's")
    resources.index.upsert(space, [oak])
    assert repair_index(resources) == 1
    resources.index.delete(space, [image("ash")])
    assert repair_index(resources) == 1
    assert_whole(resources)
    publishing.mark_dirty(resources.ledger, [image("oak")])
    resources.index.delete(space, [image("oak")])
    assert repair_index(resources) == 0
    assert publishing.count_unpublished(resources.ledger) == 1


def test_loop_compares_at_first_and_every_hour(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    make(resources, "oak", "ash")
    (space,) = (space for space in spaces(resources) if space.role == "visual")
    watch = IndexWatch()
    for compared in (True, False, True):
        if compared:
            monkeypatch.setattr(verify_module, "COMPARE_SECONDS", 0.0)
        resources.index.delete(space, [image("ash")])
        assert watch.repair(resources) == int(compared)
        assert (image("ash") in resources.index.ids(space)) == compared
        monkeypatch.undo()
