"""An export to a shop compared with an earlier one: what is new, changed, gone; ids that stay; nothing in memory."""

import csv
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shop_readers import READERS
from shop_rows import CHAIR, FLOOR_ROWS, FULL, ROWS, hostile, product, shop_file, variant, with_fields

from swatchbook.domain.csv_cells import protect_cell
from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.plugins import Kind, find
from swatchbook.domain.records import identity
from swatchbook.upkeep.export.formats import Changes, OutsideExport, Rows
from swatchbook.upkeep.export.product_rows import ProductRow
from swatchbook.upkeep.export.shop_mapping import ShopOptions

LAMP = product("Lamp", price="€ 40", pictures=("l.jpg",))
TABLE = product("Table", price="€ 300", pictures=("t.jpg",))
CHEAPER = product("Lamp", price="€ 39", pictures=("l.jpg",))
SHELF = product("Shelf", price="€ 90", pictures=("s.jpg",))

FORMS = ["shopify", *(pytest.param(form, marks=pytest.mark.nightly) for form in READERS if form != "shopify")]
"""One writer makes the files of all formats: the gate tries it once."""


def since(tmp_path: Path, form: str, *rows: ProductRow, options: ShopOptions = FULL) -> ShopOptions:
    """Return the options of an export that is compared with one of these rows."""
    data, _ = shop_file(tmp_path, form, rows, options)
    (tmp_path / "earlier").write_bytes(data)
    return options.model_copy(update={"since": tmp_path / "earlier"})


@pytest.mark.parametrize("form", READERS)
def test_only_changes_are_written_and_gone_products_named(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, LAMP, TABLE, *FLOOR_ROWS)
    data, written = shop_file(tmp_path, form, (*FLOOR_ROWS, SHELF, CHEAPER), options)
    records = 1 if form in ("shopify", "jsonld") else 2 if form in ("google", "akeneo") else 3
    assert written.skipped == 0
    assert written.changes == Changes(new=1, changed=1, gone=1, unchanged=records)
    sold, gone = READERS[form](data)
    assert {(name, price) for name, price in sold.items()} == {("Shelf", "90.00"), ("Lamp", "39.00")}
    assert list(gone) == ["Table"]


FORMULAS = [product(code, code=code, price="€ 4", pictures=("l.jpg",)) for code in ("=A1", "+A2", "-A3", "@A4", "-5")]


@pytest.mark.parametrize("form", FORMS)
def test_same_or_renamed_product_keeps_its_key(tmp_path: Path, form: str) -> None:
    renamed = LAMP.model_copy(update={"name": "Floor lamp"})
    for earlier, now, options, changed in (
        ((*ROWS, LAMP), (LAMP, *ROWS), FULL, 0),
        (FORMULAS, FORMULAS, with_fields(sku="{code}"), 0),
        ((LAMP,), (renamed,), FULL, 1),
    ):
        _, written = shop_file(tmp_path, form, now, since(tmp_path, form, *earlier, options=options))
        assert written.changes is not None
        assert (written.changes.new, written.changes.changed, written.changes.gone) == (0, changed, 0)


@pytest.mark.parametrize("form", FORMS)
def test_earlier_file_must_be_a_whole_readable_export(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, LAMP, TABLE)
    changed, _ = shop_file(tmp_path, form, (LAMP,), options)
    for earlier, said in ((changed, "only changes"), (b"\x89PNG\r\n\x1a\n\x00\xff", None), (None, None)):
        (tmp_path / "earlier").unlink() if earlier is None else (tmp_path / "earlier").write_bytes(earlier)
        with pytest.raises(InvalidReference, match=said):
            shop_file(tmp_path, form, (LAMP,), options)


@pytest.mark.parametrize("form", FORMS)
def test_products_outside_the_export_are_not_gone(tmp_path: Path, form: str) -> None:
    """Not even where the format can no longer hold them: without a picture, say, or in another currency."""
    options = since(tmp_path, form, LAMP, TABLE, CHAIR, *FLOOR_ROWS)
    lacking = CHAIR.model_copy(update={"pictures": (), "metadata": {"price": "USD 9"}, "price": 9.0})
    outside = OutsideExport(elsewhere=iter((lacking, *FLOOR_ROWS)))
    data, written = shop_file(tmp_path, form, (LAMP,), options, outside)
    assert written.changes is not None
    assert (written.changes.gone, written.changes.unchanged) == (1, 1)
    assert written.changes.elsewhere == {"shopify": 2, "jsonld": 2, "google": 2, "akeneo": 3}.get(form, 4)
    assert READERS[form](data)[1].keys() == {"Table"}


@pytest.mark.parametrize("form", FORMS)
def test_more_than_half_gone_has_to_be_accepted(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, LAMP, TABLE, SHELF)
    with pytest.raises(InvalidReference, match=r"2 of 3 records .*more than half") as refused:
        shop_file(tmp_path, form, (LAMP,), options)
    assert "read as before: one may lack a column" in str(refused.value.advice)
    others = OutsideExport(elsewhere=iter([LAMP]))
    with pytest.raises(InvalidReference, match="2 of 2 records"):
        shop_file(tmp_path, form, (), options, others)
    _, written = shop_file(tmp_path, form, (LAMP,), options.model_copy(update={"accept_gone": True}))
    assert written.changes == Changes(new=0, changed=0, gone=2, unchanged=1)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_is_gone_while_a_document_is_unfinished(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, LAMP, TABLE, SHELF)
    outside = OutsideExport(unfinished=("spring.pdf",))
    _, written = shop_file(tmp_path, form, (LAMP, TABLE, SHELF), options, outside)
    assert written.changes == Changes(new=0, changed=0, gone=0, unchanged=3)
    with pytest.raises(InvalidReference, match=r"1 of 3 records .*spring\.pdf is not completed"):
        shop_file(tmp_path, form, (LAMP, TABLE), options, outside)
    _, written = shop_file(tmp_path, form, (LAMP, TABLE), options.model_copy(update={"accept_gone": True}), outside)
    assert written.changes == Changes(new=0, changed=0, gone=1, unchanged=2)


@pytest.mark.nightly
@pytest.mark.parametrize("form", READERS)
def test_products_are_not_kept_in_memory(tmp_path: Path, form: str) -> None:
    def many(count: int) -> Iterator[ProductRow]:
        for number in range(count):
            yield product(f"Lamp {number}", price="€ 40", pictures=("l.jpg",), description="x" * 2_000)

    write = find(Kind.EXPORTER, form).load()
    peaks = []
    for count in (20, 1_500):
        with Rows(many(count), tmp_path, FULL) as rows, (tmp_path / "out").open("wb") as out:
            tracemalloc.start()
            write(rows, out)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert rows.written().products == count
    assert peaks[1] - peaks[0] < 1_000_000, "1,500 products have 3 MB of descriptions"


def weekly(number: int, name: str, price: str, **metadata: str) -> ProductRow:
    """Return a product of the file that a shop exported in a week."""
    of = {"document_id": f"d{number}", "document": f"products_export_{number}.csv", "id": identity(number, name)}
    key = name.lower()
    row = product(name, price=price, pictures=(f"{key}.jpg",), handle=key, sku=key, **metadata)
    return row.model_copy(update=of)


@pytest.mark.parametrize("form", FORMS)
def test_newer_document_counts_where_keys_are_the_same(tmp_path: Path, form: str) -> None:
    """What it no longer sells is not sold: the older document's product is not written in place of it."""
    key = "URL handle" if form == "shopify" else "SKU"
    rows = [weekly(1, "Desk", "€ 90"), weekly(1, "Lamp", "€ 50"), weekly(2, "Lamp", "€ 55"), weekly(2, "Bed", "€ 400")]
    data, written = shop_file(tmp_path, form, rows, FULL)
    assert list(READERS[form](data)[0].items()) == [("Desk", "90.00"), ("Lamp", "55.00"), ("Bed", "400.00")]
    assert [(each.name, each.reason) for each in written.skipped_products] == [
        ("Lamp of products_export_1.csv", f"products_export_2.csv has the {key} lamp, too, and is newer"),
    ]
    assert (written.products, written.skipped) == (3, 1)
    rows[2] = weekly(2, "Lamp", "€ 55", status="archived")
    data, written = shop_file(tmp_path, form, rows, FULL)
    assert "50.00" not in data.decode()
    assert "Lamp of products_export_1.csv" in [each.name for each in written.skipped_products]
    same = [each.model_copy(update={"document": "export.csv"}) for each in rows[1:3]]
    left_out = shop_file(tmp_path, form, same, FULL)[1].skipped_products
    assert ("Lamp of export.csv (d1)", f"export.csv (d2) has the {key} lamp, too, and is newer") in [
        (each.name, each.reason) for each in left_out
    ]


@pytest.mark.parametrize("form", READERS)
@given(texts=st.lists(hostile, min_size=10, max_size=10))
def test_hostile_texts_stay_texts(tmp_path: Path, form: str, texts: list[str]) -> None:
    floor = product("Floor", code=texts[1], category=texts[2], description=texts[3], brand=texts[4], price="€ 9",
                    pictures=("a.jpg",), color=texts[0], material=texts[8], **{f"a{texts[5]}": texts[9]})  # fmt: skip
    rows = (floor, variant(floor, texts[6], code=texts[7]), variant(floor, texts[7], code=texts[6]))
    data, written = shop_file(tmp_path, form, rows, with_fields(handle="h-{key}"))
    assert written.skipped == 0
    assert READERS[form](data)[0]
    assert b"\x00" not in data
    if form == "shopify":  # the value of an option is text
        rows_written = csv.DictReader(io.StringIO(data.decode(), newline=""))
        assert "<b>" not in "".join(row["Description"] for row in rows_written)
    elif form not in ("woocommerce", "akeneo"):  # their attributes are text
        assert b"<b>" not in data
    if form in ("shopify", "woocommerce", "akeneo"):
        delimiter = ";" if form == "akeneo" else ","
        for row in csv.reader(io.StringIO(data.decode(), newline=""), delimiter=delimiter, strict=True):
            assert all(protect_cell(cell) == cell for cell in row)
