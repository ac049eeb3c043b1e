"""An export to a shop compared with an earlier one: what is new, changed, gone; ids that stay; nothing in memory."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from swatchbook.errors import InvalidReference
from swatchbook.export.formats import Changes, Rows
from swatchbook.export.product_rows import ProductRow
from swatchbook.export.shop_mapping import ShopOptions
from swatchbook.plugins import Kind, find
from tests.export.shop_readers import READERS
from tests.export.shop_rows import FLOOR_ROWS, FULL, ROWS, product, shop_file

LAMP = product("Lamp", price="€ 40", pictures=("l.jpg",))
TABLE = product("Table", price="€ 300", pictures=("t.jpg",))
CHEAPER = product("Lamp", price="€ 39", pictures=("l.jpg",))
SHELF = product("Shelf", price="€ 90", pictures=("s.jpg",))


def since(tmp_path: Path, form: str, *rows: ProductRow) -> ShopOptions:
    """Return the options of an export that is compared with one of these rows."""
    data, _ = shop_file(tmp_path, form, rows, FULL)
    (tmp_path / "earlier").write_bytes(data)
    return FULL.model_copy(update={"since": tmp_path / "earlier"})


@pytest.mark.parametrize("form", READERS)
def test_only_what_changed_is_written_and_what_is_gone_is_named(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, LAMP, TABLE, *FLOOR_ROWS)
    data, written = shop_file(tmp_path, form, (*FLOOR_ROWS, SHELF, CHEAPER), options)
    records = 1 if form in ("shopify", "jsonld") else 2 if form in ("google", "akeneo") else 3
    assert written.skipped_count == 0
    assert written.changes == Changes(new=1, changed=1, gone=1, unchanged=records)
    sold, gone = READERS[form](data)
    assert {(name, price) for name, price in sold.items()} == {("Shelf", "90.00"), ("Lamp", "39.00")}
    assert list(gone) == ["Table"]


@pytest.mark.parametrize("form", READERS)
def test_the_same_products_are_no_change(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, *ROWS, LAMP)
    _, written = shop_file(tmp_path, form, (LAMP, *ROWS), options)
    assert written.changes is not None
    assert (written.changes.new, written.changes.changed, written.changes.gone) == (0, 0, 0)


@pytest.mark.parametrize("form", READERS)
def test_what_was_gone_before_is_not_gone_again(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, LAMP, TABLE)
    changed, _ = shop_file(tmp_path, form, (LAMP,), options)
    (tmp_path / "earlier").write_bytes(changed)
    _, written = shop_file(tmp_path, form, (LAMP,), options)
    assert written.changes == Changes(new=1, changed=0, gone=0, unchanged=0)


@pytest.mark.parametrize("form", READERS)
def test_a_file_of_another_format_is_refused(tmp_path: Path, form: str) -> None:
    (tmp_path / "other").write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff")
    with pytest.raises(InvalidReference):
        shop_file(tmp_path, form, ROWS, FULL.model_copy(update={"since": tmp_path / "other"}))
    with pytest.raises(InvalidReference):
        shop_file(tmp_path, form, ROWS, FULL.model_copy(update={"since": tmp_path / "none"}))


@pytest.mark.parametrize("form", READERS)
def test_a_renamed_product_keeps_its_key(tmp_path: Path, form: str) -> None:
    options = since(tmp_path, form, LAMP)
    renamed = LAMP.model_copy(update={"name": "Floor lamp"})
    _, written = shop_file(tmp_path, form, (renamed,), options)
    assert written.changes == Changes(new=0, changed=1, gone=0, unchanged=0)


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
