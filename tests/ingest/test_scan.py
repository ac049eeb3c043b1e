"""A folder becomes a document: what is read, saved, known again, moved and gone, without any flow or model."""

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import delete, select, update

from swatchbook.domain.errors import InvalidReference, UnsupportedFormat
from swatchbook.domain.records import IngestOptions, ItemState, LinkKind, Role, Scan
from swatchbook.index.contract import Where
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.cache_keys import PURE_STAGES
from swatchbook.ingest.register import Registered
from swatchbook.ingest.register_path import register_folder, register_known_folder
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import is_unchanged, scan
from swatchbook.resources import Resources
from swatchbook.store.ledger import publishing
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.queries.document import show_document
from swatchbook.store.ledger.queries.filters import facets_of
from swatchbook.store.ledger.queries.report import failures, other_failures
from swatchbook.store.ledger.source_items import complete_items, count_items
from swatchbook.store.ledger.stored_documents import Document, get_document, list_documents
from swatchbook.store.ledger.tables import chunks, contents, images, items
from swatchbook.upkeep.verify import verify
from tests.ingest.sources.pictures import age, draw, write
from tests.store.ledger import scene
from tests.store.ledger.plans import planned


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three pictures, one of them in a subfolder."""
    for number, name in enumerate(("oak.png", "slate.jpg", "sub/linen.webp")):
        draw(tmp_path / "pictures" / name, number)
    return tmp_path / "pictures"


def begin(resources: Resources, folder: Path, owner: str = "anna", **options: object) -> Work:
    chosen = IngestOptions.model_validate(options)
    registered = register_folder(resources, folder, owner=owner, options=chosen)
    work = begin_work(resources, registered)
    assert isinstance(work, Work)
    return work


def scanned(resources: Resources, work: Work) -> Scan:
    return scan(resources, work, complete_items(resources.ledger, work.document), progress=lambda done, total: None)


def taken(resources: Resources, folder: Path, owner: str = "anna", **options: object) -> Work:
    """A run that has read the folder once."""
    work = begin(resources, folder, owner, **options)
    scanned(resources, work)
    return work


def end(resources: Resources, work: Work) -> None:
    scene.end(resources.ledger, work.run)


def document_of(resources: Resources, work: Work) -> Document:
    return get_document(resources.ledger, work.document)


def paths_by_image(resources: Resources, work: Work) -> dict[str, set[str]]:
    images = show_document(resources.ledger, work.document)["images"]
    return {image["content_key"]: {place["path"] for place in image["placements"]} for image in images}


def names(resources: Resources, work: Work) -> list[str]:
    return [product["name"] for product in show_document(resources.ledger, work.document)["products"]]


def finish_items(resources: Resources) -> None:
    """Let every open item have been made and published, as by a run that is over."""
    with resources.ledger.write() as connection:
        connection.execute(update(items).where(items.c.state == ItemState.PENDING).values(state=ItemState.DONE))
        connection.execute(delete(chunks).where(chunks.c.gone))
        for table in (images, chunks):
            connection.execute(update(table).values(made=table.c.dirty, published=table.c.dirty))


def test_each_picture_is_a_product_with_its_path(resources: Resources, folder: Path) -> None:
    work = begin(resources, folder)
    assert scanned(resources, work).read == 3
    shown = show_document(resources.ledger, work.document)
    assert shown["document"]["content"] == str(folder)
    assert [product["name"] for product in shown["products"]] == ["oak", "slate", "linen"]
    assert shown["products"][2]["metadata"] == {"category": "sub", "url": (folder / "sub" / "linen.webp").as_uri()}
    places = [place for image in shown["images"] for place in image["placements"]]
    assert [(place["kind"], place["path"], place["state"]) for place in places] == [
        ("file", "oak.png", "shown"), ("file", "slate.jpg", "shown"), ("file", "sub/linen.webp", "shown"),
    ]  # fmt: skip
    assert {(image["width"], image["height"]) for image in shown["images"]} == {(64, 48)}
    linked = {(link["source"], link["target"]) for link in shown["links"] if link["kind"] == LinkKind.IMAGE_PRODUCT}
    assert linked == {(p["id"], product["id"]) for p, product in zip(places, shown["products"], strict=True)}


def test_unchanged_files_are_not_read_again(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    assert is_unchanged(resources, document_of(resources, work))
    assert scanned(resources, work) == Scan(skipped=0, read=0)
    finish_items(resources)
    assert scanned(resources, work) == Scan(skipped=3, read=0)
    counts = count_items(resources.ledger, work.document, skipped=3)
    assert (counts.total_items, counts.processed_items, counts.skipped_items, counts.failed_items) == (3, 0, 3, 0)


def test_every_change_among_odd_files_is_found(resources: Resources, folder: Path) -> None:
    (folder / "link.png").symlink_to("oak.png")
    (folder / "out.png").symlink_to("/etc/hostname")
    os.mkfifo(folder / "pipe.png")
    (folder / os.fsdecode(b"odd \xff.png")).write_bytes((folder / "oak.png").read_bytes())
    for file in (folder / "link.png", Path(os.fsdecode(bytes(folder) + b"/odd \xff.png"))):
        age(file)
    work = taken(resources, folder)

    def unchanged() -> bool:
        return is_unchanged(resources, document_of(resources, work))

    assert unchanged()
    draw(folder / "new.png", 9)
    assert not unchanged()
    (folder / "new.png").unlink()
    assert unchanged()
    moves = {"pipe.png": "piped.png", "link.png": "k.png", "sub": "gone", "sub/linen.webp": ".linen"}
    for name, other in moves.items():
        (folder / name).rename(folder / other)
        assert not unchanged(), name
        (folder / other).rename(folder / name)
        assert unchanged(), name
    age(folder / "sub" / "linen.webp", 200.0)
    assert not unchanged()


def test_recognising_more_files_asks_no_more_questions(resources: Resources, folder: Path) -> None:
    def asked() -> int:
        work = taken(resources, folder)
        end(resources, work)
        with planned(resources.ledger) as plans:
            assert is_unchanged(resources, document_of(resources, work))
        return len(plans)

    few = asked()
    for number in range(60):
        draw(folder / f"{number}.png", number)
    assert asked() == few


def test_no_portion_looks_through_what_was_read_before(resources: Resources, folder: Path) -> None:
    """Else the time of a folder grows with the square of its files: 100,000 took longer than a quarter of an hour."""
    work = begin(resources, folder)
    with planned(resources.ledger) as plans:
        scan(resources, work, b"", progress=lambda done, total: None)
        draw(folder / "oak.png", 7)
        scan(resources, work, b"", progress=lambda done, total: None)
    assert len(plans) > 50
    looking = [plan for plan in plans if "SCAN" in plan.replace("SCAN shown", "") or "ix_placements_document" in plan]
    assert not looking, looking


def test_pictures_are_on_the_disk_first(resources: Resources, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, flush, flushed = begin(resources, folder), resources.files.flush_all, list[int]()

    def watched() -> None:
        assert count_items(resources.ledger, work.document).total_items == 0
        flushed.append(len(list(resources.files.keys())))
        flush()

    monkeypatch.setattr(resources.files, "flush_all", watched)
    scanned(resources, work)
    assert flushed == [3]


def test_change_within_one_second_and_size_is_found(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    file = folder / "oak.png"
    before, data = file.stat(), bytearray(file.read_bytes())
    data[-5] ^= 1  # in the checksum of IEND: the header stays good
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert (file.stat().st_size, int(file.stat().st_mtime)) == (before.st_size, int(before.st_mtime))
    assert not is_unchanged(resources, document_of(resources, work))
    old = set(paths_by_image(resources, work))
    assert scanned(resources, work).read == 1
    assert len(old - set(paths_by_image(resources, work))) == 1


def test_file_just_written_is_read_once_more(resources: Resources, folder: Path) -> None:
    """On a file system that counts in seconds it may change again without another time."""
    age(folder / "oak.png", -60.0)  # it stays new, however slow the machine
    work = taken(resources, folder)
    finish_items(resources)
    again = scanned(resources, work)
    assert (again.read, again.skipped) == (1, 3)


def test_replaced_file_is_found_by_its_inode_alone(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    file = folder / "oak.png"
    before = file.stat()
    shutil.copy2(file, folder / "new.tmp")
    (folder / "new.tmp").replace(file)
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    finish_items(resources)
    again = scanned(resources, work)
    assert (again.read, again.skipped) == (1, 3), "read, and found to be the same picture"


def test_moved_file_stays_the_same_image(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    finish_items(resources)
    before = paths_by_image(resources, work)
    (folder / "oak.png").rename(folder / "sub" / "eiche.png")
    assert (result := scanned(resources, work)).moved == 1
    assert (result.left, result.skipped) == (0, 2)
    after = paths_by_image(resources, work)
    assert after.keys() == before.keys()
    assert {"sub/eiche.png"} in after.values()
    assert names(resources, work) == ["slate", "linen", "eiche"]
    of_pictures = select(items.c.state).where(items.c.role != Role.TEXT)
    assert set(resources.ledger.execute(of_pictures).scalars()) == {ItemState.DONE}, "nothing is made again"


def test_missing_file_is_reported_and_stays_searchable(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    data = (folder / "oak.png").read_bytes()
    (folder / "oak.png").unlink()
    assert not is_unchanged(resources, document_of(resources, work))
    assert scanned(resources, work).left == 1
    counts = count_items(resources.ledger, work.document)
    assert (counts.total_items, counts.left_items) == (2, 1)
    assert len(paths_by_image(resources, work)) == 3
    assert is_unchanged(resources, document_of(resources, work))
    write(folder / "oak.png", data)
    assert scanned(resources, work).left == 0
    assert count_items(resources.ledger, work.document).left_items == 0


def test_mirror_removes_what_is_gone_from_the_folder(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    (folder / "oak.png").unlink()
    scanned(resources, work)
    assert not is_unchanged(resources, document_of(resources, work), mirror=True)
    end(resources, work)
    mirrored = begin(resources, folder, mirror=True)
    assert mirrored.run.generation == work.run.generation
    assert scanned(resources, mirrored) == Scan(left=1, removed=1)
    assert names(resources, mirrored) == ["slate", "linen"]
    assert is_unchanged(resources, document_of(resources, mirrored), mirror=True)


def test_empty_or_cut_batch_makes_mirror_remove_nothing(resources: Resources, folder: Path) -> None:
    rows = b"id,title,images,price\na,Oak,slate.jpg,5\nb,Elm,slate.jpg,6\n"
    work = taken(resources, write(folder / "items.csv", rows), mirror=True)
    for data, doubts in ((rows[:-13], ()), (rows[:22], ("No item was found in it. Nothing was removed.",))):
        write(folder / "items.csv", data)
        assert scanned(resources, work) == Scan(doubts=doubts)
        assert names(resources, work) == ["Oak", "Elm"]


def test_absent_files_of_a_table_are_named(resources: Resources, folder: Path) -> None:
    absent = [f"gone{number}.jpg" for number in range(7)]
    rows = ["file_name", "oak.png", "../secret.jpg", "sub/linen.webp"]
    write(folder / "metadata.csv", "\n".join([f"{row},title" for row in (*rows, *absent)]).encode())
    write(folder / "sub" / "sidecar.jsonl", b'{"id": "../../secret.jpg"}\n{"id": "linen.png"}\n')
    assert scanned(resources, begin(resources, folder)).doubts == (
        "metadata.csv names files that are not there: gone0.jpg, gone1.jpg, gone2.jpg, gone3.jpg, gone4.jpg "
        "and 2 more.",
        "sub/sidecar.jsonl names files that are not there: linen.png.",
    )


def test_batch_pictures_that_no_item_shows_are_named(resources: Resources, folder: Path) -> None:
    write(folder / "items.jsonl", b'{"id": 1, "title": "Oak", "images": "oak.png"}')
    assert scanned(resources, begin(resources, folder)).doubts == (
        "Pictures in its folder that are of no item: slate.jpg, sub/linen.webp.",
    )


def test_pictures_of_folders_are_read_or_counted(resources: Resources, tmp_path: Path) -> None:
    names = ("a.JPG", "b.jfif", "c.gif", "d.avif", "e.tif")
    for number, name in enumerate(names):
        draw(tmp_path / "pictures" / "plain.jpg", number)
        with Image.open(tmp_path / "pictures" / "plain.jpg") as image:
            image.save(tmp_path / "pictures" / name, "JPEG" if name.endswith("jfif") else None)
    for name in ("f.psd", "g.PSD", "h.svg", "notes.txt"):
        (tmp_path / "pictures" / name).write_bytes(b"x")
    cut = tmp_path / "pictures" / "plain.jpg"
    cut.write_bytes(cut.read_bytes()[:-2])
    found = scanned(resources, work := begin(resources, tmp_path / "pictures"))
    assert found.doubts == (
        "Pictures of kinds that are not read: 2 .psd, 1 .svg. Save them as JPEG or PNG.",
        "Taken, though the end of the file is missing: plain.jpg.",
    )
    assert len(paths_by_image(resources, work)) == len(names) + 1


def test_new_rule_renames_unchanged_files(resources: Resources, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def register() -> Registered:
        options = IngestOptions(roles=frozenset({Role.COLOR}))
        return register_folder(resources, folder, owner="anna", options=options)

    work = taken(resources, folder, roles=[Role.COLOR])
    finish_items(resources)
    end(resources, work)
    assert register().unchanged
    monkeypatch.setattr("swatchbook.ingest.sources.folder.title_of", lambda path: path.upper())
    raised = PURE_STAGES["items"].model_copy(update={"version": "raised"})
    monkeypatch.setitem(PURE_STAGES, "items", raised)  # type: ignore[arg-type]
    assert not register().unchanged
    again = begin(resources, folder, roles=[Role.COLOR])
    assert scanned(resources, again).read == 0
    assert names(resources, again) == ["OAK.PNG", "SLATE.JPG", "SUB/LINEN.WEBP"]


def test_single_picture_is_a_folder_of_one(resources: Resources, folder: Path) -> None:
    work = begin(resources, folder / "oak.png")
    assert scanned(resources, work).read == 1
    shown = show_document(resources.ledger, work.document)
    assert (shown["document"]["name"], names(resources, work)) == ("oak.png", ["oak"])
    assert shown["products"][0]["metadata"]["url"] == (folder / "oak.png").as_uri()
    assert set(map(frozenset, paths_by_image(resources, work).values())) == {frozenset({"oak.png"})}
    assert is_unchanged(resources, document_of(resources, work))
    draw(folder / "oak.png", 9)
    assert not is_unchanged(resources, document_of(resources, work))


def test_empty_folder_is_refused_unless_it_is_known(resources: Resources, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty" / "notes").mkdir(parents=True)
    options = IngestOptions()
    with pytest.raises(UnsupportedFormat, match="no PDF, picture or file of items in this folder"):
        register_folder(resources, tmp_path / "empty", owner="anna", options=options)
    begin(resources, folder / "sub")
    (folder / "sub" / "linen.webp").unlink()
    assert register_folder(resources, folder / "sub", owner="anna", options=options).document.kind == "folder"


def test_batch_below_a_folder_keeps_its_own_pictures(resources: Resources, folder: Path) -> None:
    whole = taken(resources, folder)
    write(folder / "sub" / "items.jsonl", b'{"id": "lamp", "images": "linen.webp"}')
    begin(resources, folder / "sub", owner="bob")
    assert is_unchanged(resources, document_of(resources, whole)), "another owner's batch"
    begin(resources, folder / "sub")
    assert not is_unchanged(resources, document_of(resources, whole))
    assert scanned(resources, whole) == Scan(skipped=0, read=0, left=1)
    assert count_items(resources.ledger, whole.document).total_items == 2


BAD: dict[str, bytes] = {
    "empty.jpg": b"",
    "text.png": b"Dear reader, this is no picture.",
    "cut.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "page.webp": b"%PDF-1.7\n%%EOF",
}


def test_bad_files_are_named_and_none_is_fatal(resources: Resources, folder: Path) -> None:
    for name, data in {**BAD, "second.jpg": b""}.items():
        write(folder / name, data)
    bomb = folder / "bomb.png"
    Image.new("1", (20_000, 8)).save(bomb)
    (folder / "out.jpg").symlink_to("/etc/hostname")
    work = taken(resources, folder)
    failed = {record.path: record for record in failures(resources.ledger, work.document) if record.role}
    assert set(failed) == {*BAD, "second.jpg", "bomb.png"}, "equal bytes, too: each is named by itself"
    assert "empty" in failed["empty.jpg"].error
    assert "SWATCHBOOK_MAX_IMAGE_SIDE" in failed["bomb.png"].error
    assert [record.path for record in other_failures(resources.ledger, work.document)] == ["out.jpg"]
    counts = count_items(resources.ledger, work.document)
    assert (counts.total_items, counts.pending_items) == (10, 3)
    assert set(counts.incomplete_ids) == {*failed, "out.jpg"}
    assert (counts.failed_items, counts.bare_items) == (7, 0), "a file that cannot be read is no product"


def failures_of(resources: Resources, work: Work) -> list[str | None]:
    return [record.path for record in failures(resources.ledger, work.document) if record.kind != "pending"]


def test_file_deleted_meanwhile_is_named(resources: Resources, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swatchbook.models.images.decoder_pool import Decoders

    headers = Decoders.headers

    def delete_first(self: Decoders, paths: list[Path]) -> object:
        (folder / "oak.png").unlink(missing_ok=True)
        return headers(self, paths)

    monkeypatch.setattr(Decoders, "headers", delete_first)
    work = taken(resources, folder)
    assert set(failures_of(resources, work)) == {"oak.png"}


def test_force_reads_everything_again(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    end(resources, work)
    forced = begin(resources, folder, force=True)
    assert scanned(resources, forced).read == 3
    assert scanned(resources, forced).read == 0, "once for each --force"


def test_lost_pictures_are_read_again_after_a_repair(resources: Resources, folder: Path) -> None:
    work = taken(resources, folder)
    end(resources, work)
    stored = next(path for path in (resources.settings.home / "files").rglob("*.png"))
    stored.unlink()
    assert verify(resources, repair=True).queued == 1
    assert not is_unchanged(resources, document_of(resources, work))
    taken(resources, folder)
    assert stored.exists()


def batch(folder: Path, *items: dict[str, object]) -> Path:
    """A batch file beside the pictures of a folder."""
    return write(folder / "items.jsonl", "\n".join(map(json.dumps, items)).encode())


SOFA = {"id": "sofa", "title": "Linen sofa", "price": 900, "brand": "Nord", "file_path": "oak.png"}
LAMP = {"id": "lamp", "title": "Brass lamp", "images": ["slate.jpg", "sub/linen.webp"]}


def test_batch_item_is_a_product_with_its_pictures(resources: Resources, folder: Path) -> None:
    work = begin(resources, batch(folder, SOFA, LAMP, {"id": "bench", "title": "Bench", "file_path": "oak.png"}))
    assert scanned(resources, work).read == 3
    shown = show_document(resources.ledger, work.document)
    assert shown["document"]["kind"] == "batch"
    assert [(product["name"], product["code"]) for product in shown["products"]] == [
        ("Linen sofa", "sofa"), ("Brass lamp", "lamp"), ("Bench", "bench"),
    ]  # fmt: skip
    assert shown["products"][0]["metadata"] == {"price": "900", "brand": "Nord"}
    by_product = {product["id"]: product["name"] for product in shown["products"]}
    assert sorted(by_product[each["target"]] for each in shown["links"] if each["kind"] == LinkKind.IMAGE_PRODUCT) == [
        "Bench", "Brass lamp", "Brass lamp", "Linen sofa",
    ]  # fmt: skip
    assert len(shown["images"]) == 3


def test_pictures_of_an_item_share_its_one_text(resources: Resources, folder: Path) -> None:
    def said() -> dict[str, tuple[int, str]]:
        """Return text -> how many pictures have it, and the state of its vector."""
        shown = show_document(resources.ledger, work.document)
        pictures = [link["target"] for link in shown["links"] if link["kind"] == LinkKind.IMAGE_CHUNK]
        query = select(chunks.c.id, contents.c.text, items.c.state).join(items, items.c.key == chunks.c.text_key)
        rows = resources.ledger.execute(query.join(contents, contents.c.key == chunks.c.text_key).where(~chunks.c.gone))
        return {row.text: (pictures.count(row.id), row.state) for row in rows}

    work = taken(resources, batch(folder, SOFA | {"description": "Three seats"}, LAMP), mirror=True)
    assert said() == {"Linen sofa. Nord · Three seats": (1, "pending"), "Brass lamp": (2, "pending")}
    finish_items(resources)
    batch(folder, SOFA | {"description": "Four seats"}, LAMP)
    scanned(resources, work)
    assert said() == {"Linen sofa. Nord · Four seats": (1, "pending"), "Brass lamp": (2, "done")}
    batch(folder, LAMP)
    scanned(resources, work)
    assert said() == {"Brass lamp": (2, "done")}


def test_changed_metadata_is_saved_without_reading_or_embedding(resources: Resources, folder: Path) -> None:
    work = taken(resources, batch(folder, SOFA, LAMP))
    finish_items(resources)
    batch(folder, SOFA | {"price": 700}, LAMP)
    again = scanned(resources, work)
    assert (again.read, again.skipped) == (0, 1)
    products = show_document(resources.ledger, work.document)["products"]
    assert products[0]["metadata"]["price"] == "700"
    assert set(resources.ledger.execute(select(items.c.state)).scalars()) == {ItemState.DONE}
    assert publishing.count_unpublished(resources.ledger) == 2, "the picture of the sofa, and its text"
    finish_items(resources)
    scanned(resources, work)
    assert publishing.count_unpublished(resources.ledger) == 0, "the same again changes nothing"


def test_only_a_sound_batch_reports_items_that_left(resources: Resources, folder: Path) -> None:
    work = taken(resources, batch(folder, SOFA, LAMP))
    write(folder / "items.jsonl", b"{not json")
    assert scanned(resources, work).left == 0, "nobody knows what it would have listed"
    batch(folder, LAMP)
    assert scanned(resources, work).left == 1
    counts = count_items(resources.ledger, work.document)
    assert (counts.total_items, counts.left_items) == (1, 1)


def test_item_that_left_stays_despite_a_shared_picture(resources: Resources, folder: Path) -> None:
    work = taken(resources, batch(folder, SOFA, SOFA | {"id": "twin", "title": "Twin"}))
    batch(folder, SOFA)
    assert scanned(resources, work) == Scan(left=1)
    assert names(resources, work) == ["Linen sofa", "Twin"]


def test_missing_picture_among_others_is_named_until_found(resources: Resources, folder: Path) -> None:
    pictures = ["slate.jpg", "late.png"]
    lamps = [LAMP | {"images": pictures}, LAMP | {"id": "twin", "images": pictures}]
    work = taken(resources, batch(folder, SOFA, *lamps))
    assert {
        (each.place, each.error) for each in failures(resources.ledger, work.document) if each.kind != "pending"
    } == {("lamp: late.png", "The file cannot be found: no such file or directory.")}
    assert names(resources, work) == ["Linen sofa", "Brass lamp", "Brass lamp"]
    assert account(resources.ledger, document=work.document).rejected == 1
    finish_items(resources)
    assert count_items(resources.ledger, work.document).incomplete_ids == ("lamp", "twin")
    age(folder)
    assert scanned(resources, work).skipped == 1
    draw(folder / "late.png", 9)
    assert scanned(resources, work).read == 1
    assert failures_of(resources, work) == []
    finish_items(resources)
    assert count_items(resources.ledger, work.document).failed_items == 0


def test_mended_failures_leave_the_account(resources: Resources, folder: Path) -> None:
    """Lines that are no JSON are named by their place; mended ones by their id."""
    lines = [json.dumps(SOFA), "[1]", "not json"]
    work = taken(resources, write(folder / "items.jsonl", "\n".join(lines).encode()))
    counts = count_items(resources.ledger, work.document)
    assert (counts.total_items, counts.failed_items) == (3, 2)
    batch(folder, SOFA, LAMP, {"id": "bench", "title": "Bench", "file_path": "oak.png"})
    scanned(resources, work)
    counts = count_items(resources.ledger, work.document)
    assert (counts.total_items, counts.failed_items, counts.left_items) == (3, 0, 0)
    assert other_failures(resources.ledger, work.document) == []


def test_item_without_pictures_is_a_product_for_filters(resources: Resources, folder: Path) -> None:
    rug = {"id": "rug", "title": "Rug", "brand": "Tapis", "category": "rugs"}
    mat = {"id": "mat", "title": "Mat", "images": "gone.jpg"}
    work = taken(resources, batch(folder, SOFA, rug, mat))
    assert names(resources, work) == ["Linen sofa", "Rug", "Mat"]
    finish_items(resources)
    counts = count_items(resources.ledger, work.document)
    assert (counts.processed_items + counts.skipped_items, counts.bare_items, counts.failed_items) == (1, 2, 0)
    assert "Tapis" in facets_of(resources.read_cache(), "product", Where()).model_dump_json()
    assert "names no picture" in other_failures(resources.ledger, work.document)[0].error
    batch(folder, SOFA, mat)
    scanned(resources, work)
    assert count_items(resources.ledger, work.document).left_items == 1, "what is gone is kept until --mirror"


def test_file_without_items_is_refused_as_a_document(resources: Resources, folder: Path) -> None:
    for data in (b"", b"just text\n"):
        file = write(folder / "items.csv", data)
        with pytest.raises(UnsupportedFormat, match=r"items\.csv is (empty|no list of items)"):
            register_folder(resources, file, owner="anna", options=IngestOptions(), kind="batch")
    assert list_documents(resources.ledger) == []
    work = begin(resources, write(folder / "items.csv", b"id,title,images\n"))
    assert scanned(resources, work).doubts == ("No item was found in it.",)
    write(folder / "items.csv", b"")
    scanned(resources, work)
    assert count_items(resources.ledger, work.document).incomplete_ids == ("items.csv",), "a known one fails"


def test_source_keeps_its_kind(resources: Resources, folder: Path) -> None:
    begin(resources, folder)
    batch(folder, SOFA)
    options = IngestOptions()
    assert register_folder(resources, folder, owner="anna", options=options).document.kind == "folder"
    with pytest.raises(InvalidReference, match="as a folder before"):
        register_folder(resources, folder, owner="anna", options=options, kind="batch")


def test_flow_takes_only_allowed_or_known_folders(resources: Resources, folder: Path, tmp_path: Path) -> None:
    options = IngestOptions()
    with pytest.raises(InvalidReference, match="SWATCHBOOK_INPUT_ROOTS"):
        register_known_folder(resources, str(folder), owner="anna", options=options)
    register_folder(resources, folder, owner="anna", options=options)
    assert register_known_folder(resources, str(folder), owner="anna", options=options).document.kind == "folder"
    with pytest.raises(InvalidReference, match="SWATCHBOOK_INPUT_ROOTS"):
        register_known_folder(resources, str(folder), owner="bob", options=options)
