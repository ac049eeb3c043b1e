"""A collection opened from Python: it finds, counts, writes and refuses what the commands do, on the sample of anna."""

import base64
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from swatchbook.domain.errors import (
    Configuration,
    InvalidReference,
    MissingExtra,
    UnknownOwner,
    UnreadableImage,
)
from swatchbook.domain.records import FailureRecord, Hit, SearchResults
from swatchbook_notebook import Swatchbook
from swatchbook_notebook.results import THUMBNAIL_SIDE, Reports, Results
from tests.command import run, run_json
from tests.doors.pages import Page
from tests.ingest.sources.pictures import draw
from tests.pdf.making import gradient, jpeg

ALLOWED = {"div", "figure", "figcaption", "img", "b", "br", "p", "table", "thead", "tbody", "tr", "th", "td"}


@pytest.fixture
def book(filled: Path) -> Iterator[Swatchbook]:
    """Anna's collection."""
    with Swatchbook.open(owner="anna") as book:
        yield book


def pictures(page: Page) -> list[Image.Image]:
    encoded = [given["src"].removeprefix("data:image/jpeg;base64,") for given in page.all("img")]
    return [Image.open(io.BytesIO(base64.b64decode(each, validate=True))) for each in encoded]


def hit(**fields: Any) -> Hit:
    return Hit(id="1", score=1.0, document_id="2", owner="anna", **fields)


def test_searches_are_those_of_the_command(book: Swatchbook) -> None:
    found = book.search("oak", by="product", k=3)
    assert [each.model_dump(mode="json") for each in found] == run_json(
        "search", "oak", "--by", "product", "-k", "3", "--owner", "anna"
    )
    assert found[0].title == "Nordvik Oak"
    assert {each.title for each in book.search("floor", by="product", product=["oak", "terrazzo"])} == {
        "Nordvik Oak", "Palladio Terrazzo",
    }  # fmt: skip
    document = book.search("oak")[0]
    assert book.search("oak", document=document.document, price_max=None).frame().equals(book.search("oak").frame())
    far = book.search("diesel piston ring", by="product")
    assert {hit.close for hit in far} == {False}
    assert repr(far).startswith("Nothing matches closely. Nearest:\n")
    assert "Nothing matches closely. Nearest:" in far._repr_html_()
    nothing = book.search("oak", material="porcelin")
    assert not nothing
    assert "Nothing has material=porcelin." in repr(nothing)
    assert "Nothing has material=porcelin." in nothing._repr_html_()


def test_picture_is_a_path_bytes_or_an_image(book: Swatchbook, tmp_path: Path) -> None:
    file = draw(tmp_path / "photo.png", 3)
    with Image.open(file) as image:
        found = [book.search(image=each, k=3) for each in (file, str(file), file.read_bytes(), image)]
    assert len(found[0]) == 3
    assert all(list(each) == list(found[0]) for each in found)
    with pytest.raises(UnreadableImage):
        book.search(image=b"no picture")


def test_images_are_counted_and_similar_ones_are_others(book: Swatchbook) -> None:
    stats = book.stats()
    assert book.count() == len(set(book.ids())) == stats.account.found == stats.account.complete == 14
    printed = run_json("stats", "coverage", "--owner", "anna")
    assert stats.coverage.model_dump(mode="json") == {name: printed[name] for name in type(stats.coverage).model_fields}
    assert list(stats.frame()["done"]) == [role.done for role in stats.coverage.roles]
    assert "100 % of the images have vectors" in stats._repr_html_()
    first = book.ids()[0]
    similar = book.similar(first, k=5)
    assert len(similar) == 5
    assert first not in [each.id for each in similar]
    assert {each.id for each in similar} < set(book.ids())


def test_unchanged_or_wrong_starts_no_process(
    book: Swatchbook, small_catalogue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    reports = book.ingest(small_catalogue)
    assert [(report.status, report.images_complete) for report in reports] == [("completed", 14)]
    assert list(reports.frame()["images_complete"]) == [14]
    assert ": completed, 14 of 14 images complete" in repr(reports)
    with pytest.raises(InvalidReference, match="no such file or folder"):
        book.ingest("missing")
    with pytest.raises(InvalidReference, match="roles="):
        book.ingest(small_catalogue, roles=["colour"])


def test_results_show_as_small_pictures_and_rows(book: Swatchbook) -> None:
    found = book.search("oak", k=6)
    shown = Page(found._repr_html_())
    assert len(pictures(shown)) == 6
    assert max(max(picture.size) for picture in pictures(shown)) == THUMBNAIL_SIDE
    assert found[0].title in shown.text
    frame = found.frame()
    assert list(frame["id"]) == [each.id for each in found]
    assert list(frame.columns[:4]) == ["id", "kind", "score", "title"]
    assert list(Results(SearchResults(hits=()), lambda file: b"").frame().columns) == list(frame.columns)


def test_failed_pictures_are_named_once_and_others_counted(book: Swatchbook, small_catalogue: Path) -> None:
    failed = [
        FailureRecord(kind="unreadable_image", error="Broken.", path=f"{n}.jpg", role=role)
        for n in range(12)
        for role in ("visual", "color")
    ]
    (report,) = book.ingest(small_catalogue)
    other = FailureRecord(kind="invalid_reference", error="Outside.", path="out.jpg")
    told = report.model_copy(update={"failed_images": tuple(failed[:6]), "other_failures": (other,)})
    shown = Reports([told])._repr_html_()
    assert [shown.count(f"<p>{each}") for each in ("0.jpg: Broken.", "2.jpg", "out.jpg: Outside.")] == [1, 1, 1]
    assert "… and 2 more." in Reports([report.model_copy(update={"failed_images": tuple(failed)})])._repr_html_()


def test_everything_is_escaped(book: Swatchbook, small_catalogue: Path) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror="alert(2)">'
    hits = [hit(kind=kind, title=evil, document=evil, text=evil, file="a") for kind in ("image", "chunk")]
    (report,) = book.ingest(small_catalogue)
    failure = FailureRecord(kind="unreadable_image", error=evil, path=evil)
    pages = [
        Results(SearchResults(hits=tuple(hits)), lambda file: jpeg(gradient(9, 9)))._repr_html_(),
        Reports([report.model_copy(update={"name": evil, "failed_images": (failure,)})])._repr_html_(),
        book.stats().model_copy(update={"owner": evil})._repr_html_(),
    ]
    for page in pages:
        shown = Page(page)
        assert {tag for tag, _ in shown.tags} <= ALLOWED
        assert {name for _, given in shown.tags for name in given} <= {"style", "src", "alt"}
        pictures(shown)  # each `src` has its picture
        assert "alert(1)" in shown.text


def test_closed_collection_says_so(book: Swatchbook, tmp_path: Path) -> None:
    book.close()
    book.close()
    assert "closed" in repr(book)
    for use in (
        book.count, book.ids, book.stats, book.products, book.images, book.facts, book.vectors,
        lambda: book.search("oak"), lambda: book.similar("x"), lambda: book.ingest("x.pdf"),
        lambda: book.add([], "shop"), lambda: book.export(tmp_path / "a.csv"), lambda: book.propose("small.pdf"),
    ):  # fmt: skip
        with pytest.raises(InvalidReference, match=r"closed\. Open it again"):
            use()
    assert not (tmp_path / "shop").exists()


def test_other_owners_see_nothing_of_it(book: Swatchbook, small_catalogue: Path) -> None:
    with Swatchbook.open(owner="bert") as bert:
        with pytest.raises(UnknownOwner, match="no owner 'bert'"):
            bert.count()
        with pytest.raises(UnknownOwner):
            bert.similar(book.ids()[0])
    with Swatchbook.open() as default, pytest.raises(UnknownOwner):
        default.search("oak")
    for unknown in (book.ids()[0][:-1], "", "../x"):
        with pytest.raises(InvalidReference, match="anna has no picture with the id"):
            book.similar(unknown)


def test_wrong_setting_is_named(home: Path) -> None:
    for settings, said in [
        ({"hom": "x"}, "Unknown setting: hom"),
        ({"max_image_mb": 0}, "SWATCHBOOK_MAX_IMAGE_MB=0 (given)"),
        ({"index": "other"}, "SWATCHBOOK_INDEX=other (given)"),
    ]:
        with pytest.raises(Configuration) as raised:
            Swatchbook.open(**settings)
        assert said in str(raised.value)
        assert not home.exists()


def test_empty_collection_has_empty_tables(home: Path) -> None:
    for owner in ["", "a/b", "../x", "a" * 65]:
        with pytest.raises(InvalidReference, match="is not a valid name of an owner"):
            Swatchbook.open(owner=owner)
    with Swatchbook.open() as book:
        assert [table.num_rows for table in (book.products(), book.images(), book.facts())] == [0, 0, 0]
        assert {"id", "name", "price"} <= set(book.products().column_names)
        with pytest.raises(InvalidReference, match="There are: none yet"):
            book.vectors()


def test_wrong_query_or_format_is_named(book: Swatchbook, tmp_path: Path) -> None:
    for k in (0, 101):
        with pytest.raises(InvalidReference, match="Ask for 1 to 100 results"):
            book.search("oak", k=k)
    with pytest.raises(InvalidReference, match="no filter 'weight'"):
        book.search("oak", weight="3")  # type: ignore[call-arg]
    with pytest.raises(InvalidReference, match="material has an empty value"):
        book.search("oak", material="")
    with pytest.raises(InvalidReference, match=r"no document 'other\.pdf'"):
        book.search("oak", document="other.pdf")
    with pytest.raises(InvalidReference, match=r"by='products' is not a kind of result\. Use image, product, chunk"):
        book.search("oak", by="products")  # type: ignore[arg-type]
    with pytest.raises(Configuration, match="docx"):
        book.export(tmp_path / "products", format="docx")
    assert not (tmp_path / "products").exists()


def test_what_stops_the_ingest_is_raised(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The setting reaches the process that ingests, and what that says reaches the caller."""
    draw(tmp_path / "pictures" / "oak.png")
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as Jupyter does
    with (
        Swatchbook.open(home=tmp_path / "other") as book,
        pytest.raises(Configuration, match="No Prefect server responds at PREFECT_API_URL"),
    ):
        book.ingest(tmp_path / "pictures")
    assert "\n✗ pictures: No Prefect server responds" in capsys.readouterr().err, "drawn as on a terminal"
    assert not home.exists()


def test_products_are_the_rows_of_an_export(book: Swatchbook, tmp_path: Path) -> None:
    run("export", "--all", "--owner", "anna", "--to", str(tmp_path / "products.parquet"))
    products = book.products()
    assert products.equals(parquet.read_table(tmp_path / "products.parquet"))
    exported = book.export(tmp_path / "own", "small.pdf", format="parquet", pictures=tmp_path / "pictures")
    assert (exported.documents, exported.products, exported.missing) == (1, 2, ())
    assert products.equals(parquet.read_table(tmp_path / "own"))
    named = {name for row in products.to_pylist() for name in row["pictures"]}
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == named
    assert products.filter(pa.compute.field("grain") == "product")["name"].to_pylist() == [
        "Nordvik Oak", "Palladio Terrazzo",
    ]  # fmt: skip
    assert book.products("small.pdf").equals(products)
    frame = book.products().to_pandas()
    assert frame.loc[frame["name"] == "Nordvik Oak", "price"].tolist() == [82.5]
    assert book.products().schema.field("price").type == pa.float64()
    assert hasattr(book.images(), "__arrow_c_stream__"), "what polars and DuckDB read"


def test_images_and_facts_say_where_they_are(book: Swatchbook) -> None:
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
    facts = book.facts().to_pylist()
    printed = {
        (product["name"], fact, value)
        for product in run_json("products", "small.pdf", "--owner", "anna")["products"]
        for fact, value in product["metadata"].items()
    }
    assert {(row["product"], row["fact"], row["value"]) for row in facts} == printed
    (price,) = [row for row in facts if (row["product"], row["fact"]) == ("Nordvik Oak", "price")]
    assert (price["value"], price["page"], price["document"]) == ("€ 82.50 per m²", 4, "small.pdf")
    run("products", "small.pdf", "--owner", "anna", "set-fact", "Nordvik Oak", "origin", "Norway")
    (set_by_hand,) = [row for row in book.facts().to_pylist() if row["fact"] == "origin"]
    assert (set_by_hand["value"], set_by_hand["page"], set_by_hand["rule"]) == ("Norway", 3, "by hand")


def test_vectors_are_matrices_whose_neighbours_searches_find(book: Swatchbook) -> None:
    ids, matrix = book.vectors("visual")
    assert ids == book.ids()
    assert (matrix.dtype, matrix.shape[0]) == (np.float32, len(ids))
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)
    first = matrix @ matrix[0]
    first[0] = -1
    near = book.search(like=[ids[0]], k=3, weights={"visual": 1.0})
    assert ids[int(np.argmax(first))] in [each.id for each in near]
    ids, matrix = book.vectors("text")
    assert {each.id for each in book.search("oak", by="chunk", k=50)} <= set(ids)
    assert matrix.shape == (len(ids), 384)
    tags = {role.role: role.tag for role in book.stats().coverage.roles}
    assert book.vectors("visual", tag=tags["visual"]).ids == book.ids()


def test_what_is_not_there_is_refused(book: Swatchbook, monkeypatch: pytest.MonkeyPatch) -> None:
    for asked in [{"role": "colour"}, {"tag": "other@1/1"}]:
        with pytest.raises(InvalidReference, match=r"There are: .*visual \(efficientnet"):
            book.vectors(**asked)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"needs the extra notebook\..*\[notebook\]"):
        book.stats().frame()
