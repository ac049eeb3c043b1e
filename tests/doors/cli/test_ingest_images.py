"""`swatchbook ingest-images` through the real command: a folder becomes searchable, and a second run does nothing."""

import json
import shutil
from pathlib import Path

import pytest

from tests.command import attempt, bare_environment, finish, run, run_json
from tests.ingest.sources.pictures import draw, write
from tests.upkeep.changing import small_catalogue

pytestmark = [pytest.mark.stack, pytest.mark.usefixtures("prefect_api")]
"""One server for all commands: each would start its own, which takes longer than their work."""

COUNTS = ("total_items", "processed_items", "skipped_items", "failed_items", "pending_items", "incomplete_ids")


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> tuple[Path, Path]:
    """Home and folder, which has four pictures and two files that are none; beside it are a shop's items."""
    base = tmp_path_factory.mktemp("folders")
    folder = base / "samples"
    for number, name in enumerate(("red oak.png", "slate.jpg", "sub/linen.webp", "sub/brass.jpeg")):
        draw(folder / name, number)
    write(folder / "empty.jpg", b"")
    write(folder / "letter.png", b"Dear reader, this is no picture.")
    (folder / "notes.txt").write_text("not a picture, and not named like one")
    batch = base / "shop" / "items.jsonl"
    draw(base / "shop" / "rug.png", 20)
    sofa = {"id": "sofa-1", "title": "Linen sofa", "brand": "Nord", "price": 900, "file_path": "missing.png"}
    rug = {"id": "rug-1", "title": "Woven rug", "brand": "Nord", "price": 120.5, "file_path": "rug.png"}
    rug |= {"currency": "EUR", "size": "60 x 120 cm", "condition": "used", "url": "https://www.shop.example/rug-1"}
    write(batch, "\n".join(map(json.dumps, (sofa, rug))).encode())
    ingest = ("ingest-images", str(folder), str(batch), "--owner", "anna")
    there = {"SWATCHBOOK_HOME": str(base / "home"), "PREFECT_API_URL": prefect_server}
    done = finish(ingest, bare_environment() | there, base)
    assert done.returncode == 3, done.stderr
    return base / "home", folder


@pytest.fixture
def folder(ingested: tuple[Path, Path], home: Path) -> Path:
    shutil.copytree(ingested[0], home)
    return ingested[1]


@pytest.mark.gate
def test_scraped_batch_is_searchable_by_its_items(folder: Path) -> None:
    rug = str(folder.parent / "shop" / "rug.png")
    found = run_json("search", "--image", rug, "--owner", "anna", "--by", "product", "--where", "price_min=100")
    assert [hit["title"] for hit in found] == ["Woven rug"]
    exported = run("export", "items.jsonl", "--format", "jsonl", "--owner", "anna").splitlines()
    assert [json.loads(line)["name"] for line in exported] == ["Linen sofa", "Woven rug"]
    shown = run_json("show", "items.jsonl", "--owner", "anna")
    assert {product["name"]: product["metadata"]["price"] for product in shown["products"]} == {
        "Linen sofa": "900", "Woven rug": "120.50",
    }  # fmt: skip


@pytest.mark.gate
def test_every_picture_is_accounted_for(folder: Path) -> None:
    covered = run_json("stats", "coverage", "--owner", "anna")
    assert (covered["total_images"], covered["with_embeddings"]) == (8, 5)
    shown = run_json("show", "samples", "--owner", "anna")
    assert shown["document"]["kind"] == "folder"
    assert {image["status"] for image in shown["images"]} == {"complete", "rejected"}
    printed = run("show", "samples", "--owner", "anna")
    for words in ("samples", "6 = 4 processed + 2 failed", "empty.jpg", "letter.png", str(folder)):
        assert words in printed
    assert "samples" in run("status", "--owner", "anna")
    assert run_json("upkeep", "verify")["sound"]


@pytest.mark.gate
def test_second_run_processes_nothing_and_starts_no_flow(folder: Path) -> None:
    status, out, err = attempt("ingest-images", str(folder), "--owner", "anna", "--json")
    assert status == 3, err
    total = json.loads(out)["total"]
    assert {name: total[name] for name in COUNTS} == {
        "total_items": 6, "processed_items": 0, "skipped_items": 4, "failed_items": 2, "pending_items": 0,
        "incomplete_ids": ["empty.jpg", "letter.png"],
    }  # fmt: skip
    assert "unchanged" in err
    assert "scan" not in err


def test_ingest_sends_each_file_where_it_belongs(folder: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mixed"
    shutil.copytree(folder / "sub", mixed / "pictures" / "sub")
    shutil.copytree(folder.parent / "shop", mixed / "shop")
    (mixed / "deep").mkdir()
    small_catalogue(mixed / "deep", 1)
    status, out, err = attempt("ingest", str(mixed), str(folder / "slate.jpg"), "--owner", "anna", "--json")
    assert status == 3, err  # the batch has an item without its picture
    reports = {report["name"]: report for report in json.loads(out)}
    assert reports.keys() == {"catalogue 1.pdf", "shop", "mixed", "slate.jpg"}
    totals = {name: report["items"]["total_items"] for name, report in reports.items() if report["items"]}
    assert totals == {"shop": 2, "mixed": 2, "slate.jpg": 1}
    assert reports["catalogue 1.pdf"]["images_complete"] == 2
    assert "1 PDF, 1 scraped batch, 1 folder of pictures; other files are ignored" in err
