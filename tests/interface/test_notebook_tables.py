"""A collection opened from Python as tables, vectors and files: they have what the commands print and write."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from swatchbook import Swatchbook
from swatchbook.errors import Configuration, InvalidReference
from tests.command import run, run_json


@pytest.fixture
def book(filled: Path) -> Iterator[Swatchbook]:
    """Anna's collection."""
    with Swatchbook.open(owner="anna") as book:
        yield book


def test_products_are_the_rows_of_an_export(book: Swatchbook, tmp_path: Path) -> None:
    run("export", "--all", "--owner", "anna", "--to", str(tmp_path / "products.parquet"))
    products = book.products()
    assert products.equals(parquet.read_table(tmp_path / "products.parquet"))
    assert products.filter(pa.compute.field("grain") == "product")["name"].to_pylist() == [
        "Nordvik Oak", "Palladio Terrazzo",
    ]  # fmt: skip
    assert book.products("small.pdf").equals(products)


def test_tables_become_frames(book: Swatchbook) -> None:
    frame = book.products().to_pandas()
    assert frame.loc[frame["name"] == "Nordvik Oak", "price"].tolist() == [82.5]
    assert book.products().schema.field("price").type == pa.float64()
    assert hasattr(book.images(), "__arrow_c_stream__"), "what polars and DuckDB read"


def test_images_have_a_row_in_each_document(book: Swatchbook) -> None:
    images = book.images().to_pandas()
    shown = images[~images["state"].isin(["hidden", "decorative", "unreadable"])]
    assert sorted(shown["id"]) == book.ids()
    assert len(images) > len(shown)
    linked = shown[shown["products"].map(len) > 0]
    named = book.products().to_pandas().set_index("id")["name"]
    assert set(linked["products"].explode().map(named)) == {"Nordvik Oak", "Palladio Terrazzo"}
    assert (shown["width"] > 0).all()
    assert all(1 <= page <= 6 for pages in images["pages"] for page in pages)
    assert set(images["document"]) == {"small.pdf"}


def test_facts_say_where_they_are(book: Swatchbook) -> None:
    facts = book.facts().to_pylist()
    printed = {
        (product["name"], fact, value)
        for product in run_json("products", "small.pdf", "--owner", "anna")["products"]
        for fact, value in product["metadata"].items()
    }
    assert {(row["product"], row["fact"], row["value"]) for row in facts} == printed
    (price,) = [row for row in facts if (row["product"], row["fact"]) == ("Nordvik Oak", "price")]
    assert (price["value"], price["page"], price["document"]) == ("€ 82.50 per m2", 4, "small.pdf")
    run("products", "small.pdf", "--owner", "anna", "set-fact", "Nordvik Oak", "origin", "Norway")
    (set_by_hand,) = [row for row in book.facts().to_pylist() if row["fact"] == "origin"]
    assert (set_by_hand["value"], set_by_hand["page"], set_by_hand["rule"]) == ("Norway", 3, "by hand")


def test_empty_collection_has_empty_tables(home: Path) -> None:
    with Swatchbook.open() as book:
        assert [table.num_rows for table in (book.products(), book.images(), book.facts())] == [0, 0, 0]
        assert {"id", "name", "price"} <= set(book.products().column_names)
        with pytest.raises(InvalidReference, match="There are: none yet"):
            book.vectors()


def test_vectors_are_a_matrix_whose_neighbours_searches_find(book: Swatchbook) -> None:
    ids, matrix = book.vectors("visual")
    assert ids == book.ids()
    assert (matrix.dtype, matrix.shape[0]) == (np.float32, len(ids))
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)
    first = matrix @ matrix[0]
    first[0] = -1
    near = book.search(like=[ids[0]], k=3, weights={"visual": 1.0})
    assert ids[int(np.argmax(first))] in [each.id for each in near]


def test_vectors_of_texts_belong_to_chunks(book: Swatchbook) -> None:
    ids, matrix = book.vectors("text")
    assert {each.id for each in book.search("oak", by="chunk", k=50)} <= set(ids)
    assert matrix.shape == (len(ids), 384)
    tags = {role.role: role.tag for role in book.stats().coverage.roles}
    assert book.vectors("visual", tag=tags["visual"]).ids == book.ids()


@pytest.mark.parametrize("asked", [{"role": "colour"}, {"tag": "other@1/1"}])
def test_unknown_vectors_are_refused_with_those_there_are(book: Swatchbook, asked: dict[str, str]) -> None:
    with pytest.raises(InvalidReference, match=r"There are: .*visual \(efficientnet"):
        book.vectors(**asked)


def test_export_writes_what_the_command_writes(book: Swatchbook, tmp_path: Path) -> None:
    exported = book.export(tmp_path / "products.csv", pictures=tmp_path / "pictures")
    run("export", "--all", "--owner", "anna", "--to", str(tmp_path / "other.csv"))
    assert (tmp_path / "products.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()
    assert (exported.format, exported.documents, exported.products, exported.missing) == ("csv", 1, 2, ())
    named = {name for row in book.products().to_pylist() for name in row["pictures"]}
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == named
    assert book.export(tmp_path / "products", "small.pdf", format="jsonl").format == "jsonl"


def test_unknown_kind_of_result_is_refused(book: Swatchbook) -> None:
    with pytest.raises(InvalidReference, match=r"by='products' is not a kind of result\. Use image, product, chunk"):
        book.search("oak", by="products")  # type: ignore[arg-type]


def test_unknown_format_is_refused(book: Swatchbook, tmp_path: Path) -> None:
    with pytest.raises(Configuration, match="docx"):
        book.export(tmp_path / "products", format="docx")
    assert not (tmp_path / "products").exists()
