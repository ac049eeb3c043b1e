"""An export to a shop since a time: what the ledger tells is new, changed or gone, in each format."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from shop_readers import READERS
from shop_rows import FLOOR_ROWS, FULL, product, shop_file, with_fields

from swatchbook.domain.errors import InvalidReference
from swatchbook.upkeep.export.formats import Changes, LedgerChanges, Written
from swatchbook.upkeep.export.product_rows import ProductRow
from swatchbook.upkeep.export.shop_mapping import ShopOptions, read_since

SINCE = FULL.model_copy(update={"since": datetime(2026, 11, 1, tzinfo=UTC)})


def of(document: str, name: str, price: str, code: str | None = None) -> ProductRow:
    row = product(name, price=price, pictures=("l.jpg",), code=code)
    return row.model_copy(update={"document_id": document})


LAMP, TABLE, SHELF = of("old", "Lamp", "€ 40"), of("changed", "Table", "€ 300"), of("new", "Shelf", "€ 90")
STOOL = of("trash", "Stool", "€ 20")


def since(tmp_path: Path, form: str, rows: Sequence[ProductRow], gone: Sequence[ProductRow] = (),
          options: ShopOptions = SINCE) -> tuple[bytes, Written]:  # fmt: skip
    known = LedgerChanges(frozenset({"new"}), frozenset({"changed"}), iter(gone))
    return shop_file(tmp_path, form, rows, options, known)


@pytest.mark.parametrize("form", READERS)
def test_products_of_changed_documents_are_written(tmp_path: Path, form: str) -> None:
    data, written = since(tmp_path, form, (LAMP, TABLE, SHELF), (STOOL,))
    assert written.changes == Changes(new=1, changed=1, gone=1, unchanged=1)
    sold, gone = READERS[form](data)
    assert {(name, price) for name, price in sold.items()} == {("Table", "300.00"), ("Shelf", "90.00")}
    assert list(gone) == ["Stool"]


@pytest.mark.parametrize("form", READERS)
def test_nothing_changed_is_an_empty_file(tmp_path: Path, form: str) -> None:
    data, written = since(tmp_path, form, (LAMP, *FLOOR_ROWS))
    assert written.changes is not None
    assert (written.changes.new, written.changes.changed, written.changes.gone) == (0, 0, 0)
    assert READERS[form](data) == ({}, {})


@pytest.mark.parametrize("form", sorted(READERS.keys() - {"jsonld"}))  # whose key is always the id
def test_what_a_living_product_replaces_is_not_gone(tmp_path: Path, form: str) -> None:
    """The newer edition in a document that did not change has the code that the shop knows."""
    options = with_fields(SINCE, sku="{code}", handle="{code}")
    here, deleted = of("old", "Lamp", "€ 40", "L-1"), of("trash", "Lamp, earlier", "€ 38", "L-1")
    _, written = since(tmp_path, form, (here,), (deleted,), options)
    assert written.changes is not None
    assert written.changes.gone == 0


def test_a_time_is_read_with_its_zone() -> None:
    assert read_since("2026-11-01") == datetime(2026, 11, 1, tzinfo=UTC)
    assert read_since("2026-11-01T08:00+01:00") == datetime(2026, 11, 1, 7, tzinfo=UTC)
    assert read_since("2026-11-01T08:00:30.5Z") == datetime(2026, 11, 1, 8, 0, 30, 500_000, tzinfo=UTC)
    assert read_since("shop-2026-11-01.csv") == Path("shop-2026-11-01.csv")
    assert read_since("./2026-11-01") == Path("2026-11-01")
    assert read_since(Path("2026-11-01")) == Path("2026-11-01")


@pytest.mark.parametrize("wrong", ["2026-13-01", "2026-02-30T10:00", datetime.now(UTC) + timedelta(days=2)])
def test_a_time_that_is_none_or_lies_ahead_is_refused(wrong: str | datetime) -> None:
    with pytest.raises(InvalidReference, match=r"is not a date|lies in the future"):
        read_since(wrong)
