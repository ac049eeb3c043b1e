"""`swatchbook export`: products as rows, of one document or of all of an owner's, with their pictures."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from typer.testing import CliRunner

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus, ItemCounts
from swatchbook.doors.cli.main import app
from swatchbook.resources import Resources
from swatchbook.store.ledger.queries.document import read_products
from swatchbook.store.ledger.stored_documents import find_document
from tests import command
from tests.deployments.conftest import queued
from tests.store.ledger import scene

pytestmark = pytest.mark.usefixtures("filled")

ANNA = ("--owner", "anna")


def export(*words: str | Path, expect: int = 0) -> Any:
    result = CliRunner().invoke(app, ["export", *map(str, words)])
    assert result.exit_code == expect, result.output + str(result.exception)
    return result


def test_command_writes_only_csv_to_standard_output(resources: Resources) -> None:
    status, out, err = command.Command("export", "small.pdf", *ANNA).wait()
    assert status == 0
    assert "2 products with 6 variants of 1 document" in err
    written = list(csv.DictReader(io.StringIO(out, newline="")))
    rows = [row for row in written if row["grain"] == "product"]
    document = find_document(resources.ledger, "small.pdf", "anna")
    stored = read_products(resources.ledger, document.id)
    assert [row["id"] for row in rows] == [product.id for product in stored]
    assert [row["name"] for row in rows] == ["Nordvik Oak", "Palladio Terrazzo"]
    assert [row["price"] for row in rows] == ["82.5", "96.0"]
    assert rows[0]["metadata.price"] == "€ 82.50 per m²"
    assert {row["document_id"] for row in written} == {document.id}
    variants = [row for row in written if row["grain"] == "variant"]
    assert {row["parent"] for row in variants} == {row["id"] for row in rows}
    assert {row["code"] for row in variants} == {"NO-101", "NO-104", "NO-107", "PT-101", "PT-104", "PT-107"}
    assert {row["name"] for row in variants if row["parent"] == rows[0]["id"]} == {*rows[0]["variants"].split("|")}
    assert all(row["pictures"] for row in variants)


def test_format_comes_from_suffix_or_option(tmp_path: Path) -> None:
    for name, words in (("a.parquet", ()), ("b", ("--format", "parquet")), ("c.csv", ("--format", "parquet"))):
        export("small.pdf", *ANNA, "--to", tmp_path / name, *words)
        assert parquet.read_table(tmp_path / name).num_rows == 8
    export("small.pdf", *ANNA, "--to", tmp_path / "d")
    assert (tmp_path / "d").read_text().startswith("id,document_id,")
    export("small.pdf", *ANNA, "--to", tmp_path / "e.XLSX")
    assert (tmp_path / "e.XLSX").read_bytes()[:2] == b"PK"
    refused = CliRunner().invoke(app, ["export", "small.pdf", *ANNA, "--to", str(tmp_path / "a.xls")])
    assert isinstance(refused.exception, InvalidReference)
    assert ".xls is not a format. There are csv, jsonl, xlsx, parquet. Did you mean xlsx?" in str(refused.exception)
    assert "--format" in str(refused.exception)
    assert not (tmp_path / "a.xls").exists()
    export("small.pdf", *ANNA, "--to", tmp_path / "a.txt", "--format", "csv")
    assert (tmp_path / "a.txt").read_text().startswith("id,")


def test_pictures_are_copied_under_names_in_the_rows(tmp_path: Path, resources: Resources) -> None:
    done = export("--all", *ANNA, "--to", tmp_path / "a.jsonl", "--pictures", tmp_path / "new" / "p", "--json")
    assert json.loads(done.stdout) == {
        "to": str(tmp_path / "a.jsonl"), "format": "jsonl", "documents": 1, "products": 2, "variants": 6,
        "incomplete": [], "missing": [], "skipped": 0, "skipped_products": [], "unpriced": 0,
        "unpriced_products": [], "changes": None, "failed_pictures": [], "failed_items": [],
        "unknown_names": {}, "pictures_without_address": 0, "prices_without_currency": 0,
    }  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    named = {name for row in rows for name in row["pictures"]}
    copied = {path.name: path.read_bytes() for path in (tmp_path / "new" / "p").iterdir()}
    assert copied.keys() == named != set()
    stored = {path.read_bytes() for path in Path(resources.files.url).rglob("*.*")}
    assert set(copied.values()) <= stored


def test_a_missing_picture_costs_only_itself(tmp_path: Path, resources: Resources) -> None:
    first = find_document(resources.ledger, "small.pdf", "anna")
    stored, *_ = Path(resources.files.url).rglob("*.jpg")
    stored.unlink()
    done = export(first.id, *ANNA, "--to", tmp_path / "a.csv", "--pictures", tmp_path / "p", "--json", expect=3)
    (missing,) = json.loads(done.stdout)["missing"]
    assert missing in (tmp_path / "a.csv").read_text()
    assert not (tmp_path / "p" / missing).exists()
    assert list((tmp_path / "p").iterdir()) != []


def add(resources: Resources, name: str, owner: str, status: DocumentStatus) -> str:
    document = queued(resources, name, owner).id
    scene.set_document(resources.ledger, document, status=status)
    return document


def test_all_exports_one_owner_and_names_incomplete_documents(resources: Resources) -> None:
    add(resources, "others", "bert", DocumentStatus.COMPLETED)
    deleting = add(resources, "going", "anna", DocumentStatus.DELETING)
    done = export("--all", *ANNA)
    assert "2 products with 6 variants of 1 document" in done.stderr
    add(resources, "new", "anna", DocumentStatus.WAITING)
    done = export("--all", *ANNA, expect=3)
    assert "2 products with 6 variants of 2 documents" in done.stderr
    assert "new.pdf is not completed" in done.stderr
    for words in (("others.pdf",), ("--all",)):
        nothing = export(*words, "--owner", "bert", "--format", "jsonl")
        assert nothing.stdout == ""
        assert "There is no product to export." in nothing.stderr
    assert "no product" not in done.stderr
    refused = CliRunner().invoke(app, ["export", deleting, *ANNA])
    assert isinstance(refused.exception, InvalidReference)
    others = CliRunner().invoke(app, ["export", "small.pdf", "--owner", "bert"])
    assert isinstance(others.exception, InvalidReference)


def test_items_that_failed_are_said(resources: Resources) -> None:
    report = find_document(resources.ledger, "small.pdf", "anna").report
    assert report is not None
    batch = add(resources, "items", "anna", DocumentStatus.COMPLETED)
    items = ItemCounts(total_items=25, processed_items=3, failed_items=22)
    scene.set_document(
        resources.ledger, batch, report=report.model_copy(update={"items": items}).model_dump(mode="json")
    )
    done = export("items.pdf", *ANNA, expect=3)
    said = "22 of 25 items of items.pdf failed: their products may be missing."
    assert f"{said} `swatchbook show {batch[:8]}` lists them." in " ".join(done.stderr.split())


def test_wrong_use_is_said_and_nothing_is_written() -> None:
    assert export(*ANNA, expect=2).stdout == export("", *ANNA, expect=2).stdout == ""
    assert export("small.pdf", "--owner", "a b", expect=2).stdout == ""
    for words in ("--all", "--format xlsx", "--format parquet", "--format html", "--json", "--all-owners"):
        assert export("small.pdf", *ANNA, *words.split(), expect=2).stdout == "", words
