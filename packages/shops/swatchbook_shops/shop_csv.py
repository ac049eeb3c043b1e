"""CSV files of shops: a record is one or more rows of named cells, stored as JSON. Only columns that some row uses are
written, because an importer takes an empty cell for "remove the value". No cell is a formula. All prices of a file are
in one currency, as there is no column for it.
"""

import csv
import html
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import BinaryIO

from swatchbook.domain.csv_cells import csv_line, protect_cell, unprotected
from swatchbook.domain.errors import InvalidReference
from swatchbook_base.one_line import one_line
from swatchbook_base.printed_prices import codes_it_may_be
from swatchbook_shops.offers import Offer, Price, clean
from swatchbook_shops.shop_fields import NotExportable
from swatchbook_shops.shop_file import Contents, ShopRecord, only_changes

Cells = Mapping[str, str]

_MAX_CELL = 1 << 24  # characters
_ADVICE = "Give a file that an export in this format wrote."


class OneCurrency:
    """The currency of a file: that of the mapping, else that of the first price.

    A price with a sign of several countries and no more leaves open which of theirs it is.
    """

    def __init__(self, currency: str | None) -> None:
        self._codes = frozenset({currency}) if currency else None

    def price_of(self, offer: Offer) -> Price | None:
        """Return the price of an offer, None if it has no single price. Raises NotExportable for another currency."""
        price = offer.single_price
        if price is None:
            return None
        codes = frozenset({price.currency}) if price.currency else codes_it_may_be(price.printed)
        if codes is None:
            return price
        left = codes if self._codes is None else self._codes & codes
        if not left:
            own = f"in {price.currency}" if price.currency else one_line(price.printed)
            raise NotExportable(f"its price is {own}, and this file is in {' or '.join(sorted(self._codes or ()))}")
        self._codes = left
        return price


def as_html(text: str) -> str:
    """Return a text as HTML; nothing in it is markup."""
    return html.escape(text, quote=False).replace("\n", "<br>")


def sku_key(sku: str) -> str:
    """Return what identifies a SKU for importers that ignore its case; that of a file may be guarded as a formula."""
    return unprotected(sku).casefold()


def pack(rows: Sequence[Cells]) -> str:
    """Return rows as the content of a record: without empty cells, and without formulas."""
    kept = [{name: str(protect_cell(clean(value))) for name, value in row.items() if value} for row in rows]
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def unpack(content: str) -> list[dict[str, str]]:
    """Return the rows of a record."""
    rows: list[dict[str, str]] = json.loads(content)
    return rows


def write_rows(
    contents: Contents,
    out: BinaryIO,
    *,
    columns: Sequence[str],
    always: Sequence[str],
    filled: Mapping[str, str] = {},
    delimiter: str = ",",
) -> None:
    """Write the rows of all records, with those of the `columns` that are used, in this order, and `always` these.

    Other columns, of which a mapping or an earlier file has cells, are behind them. `filled`: column -> what a row
    without a value has there, if the column is used.
    """
    used = dict.fromkeys(always)
    for _, content in contents:
        for row in unpack(content):
            used |= dict.fromkeys(row)
    known = set(columns)
    head = [name for name in columns if name in used] + [name for name in used if name not in known]
    out.write(csv_line(head, delimiter).encode())
    for _, content in contents:
        for row in unpack(content):
            out.write(csv_line((row.get(name, filled.get(name)) for name in head), delimiter).encode())


def read_rows(
    file: BinaryIO,
    needed: Iterable[str],
    *,
    is_gone: Callable[[Cells], bool] = lambda row: False,
    of_changes: str | None = None,
    delimiter: str = ",",
) -> Iterator[dict[str, str]]:
    """Yield the rows of a file, without empty cells.

    Raises InvalidReference if it lacks a needed column, and for a file of changes: it has the column `of_changes`, or a
    row of what is gone.
    """
    csv.field_size_limit(_MAX_CELL)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        reader = csv.DictReader(text, delimiter=delimiter, strict=True)
        missing = [name for name in needed if name not in (reader.fieldnames or ())]
        if missing:
            raise InvalidReference(f"The earlier file has no column {missing[0]!r}.", advice=_ADVICE)
        if of_changes in (reader.fieldnames or ()):
            raise only_changes()
        for row in reader:
            if None in row or None in row.values():
                raise InvalidReference(f"Line {reader.line_num} has another number of cells.", advice=_ADVICE)
            cells = {name: value for name, value in row.items() if value}
            if is_gone(cells):
                raise only_changes()
            yield cells
    except (csv.Error, UnicodeError) as error:
        raise InvalidReference("The earlier file is not CSV in UTF-8.", advice=_ADVICE) from error
    finally:
        text.detach()


def read_groups(
    file: BinaryIO, key: str, *, needed: Iterable[str], is_gone: Callable[[Cells], bool]
) -> Iterator[ShopRecord]:
    """Yield the records of a file in which rows that follow each other with the same key are one record."""
    rows = read_rows(file, (key, *needed), is_gone=is_gone)
    for value, group in groupby(rows, key=lambda row: row.get(key, "")):
        yield ShopRecord(value, pack(list(group)))
