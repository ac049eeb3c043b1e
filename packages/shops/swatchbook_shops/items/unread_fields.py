"""Collect the fields of a batch that were not understood, and tell what must not be missed in the tables of shops."""

from collections.abc import Mapping, Sequence
from typing import Any

from swatchbook.domain.records import BatchMapping
from swatchbook.ingest.sources.field_words import flat
from swatchbook.ingest.sources.item_files import CODE, ID, ColumnCheck, ReadRecord, is_empty
from swatchbook_base.one_line import one_line, shorten
from swatchbook_shops.items.batch_fields import is_metadata
from swatchbook_shops.items.batch_names import MPN, NAMES
from swatchbook_shops.items.batch_record import read_record
from swatchbook_shops.items.batch_rows import IDLE_SALE, VARIATION_OF, is_of_woocommerce, passed_over, used_for_rows
from swatchbook_shops.items.batch_values import as_day, is_rounded, listed

LOOKED_AT = 50  # records of a file whose fields are named
_EXAMPLE = 80  # characters of an example
_NAMED = 5  # columns or articles in a warning
_MOST_NAME = 60  # characters
_CODES = frozenset({*NAMES[ID], *NAMES[CODE], *MPN, "ownsku", "shopid"})


class UnreadFields:
    """The fields that are read of no record, with the beginning of a value. `look` is called with each record."""

    def __init__(self) -> None:
        self._unknown, self._read = dict[str, str](), set[str]()

    def look(self, record: Mapping[str, Any], read: ReadRecord) -> None:
        """Add the fields of a record that are unknown, and those that were read."""
        for columns in read.columns.values():
            self._read.update(column.split(".")[0] if column not in record else column for column in columns)
        of_rows = used_for_rows(record)
        for name in (each for each in read.unknown if flat(each) not in of_rows):
            self._unknown.setdefault(name, shorten(one_line(str(record[name])[:500]), _EXAMPLE))

    @property
    def examples(self) -> dict[str, str]:
        """Return field -> the beginning of its value in one of the records."""
        return {name: example for name, example in self._unknown.items() if name not in self._read}


class ShopColumns(ColumnCheck):
    """What an ingest tells of the columns of tables of shops.

    Not reported are columns that a mapping names, and those that a shop's export is known to have for other purposes.
    """

    def __init__(self) -> None:
        self._unread, self._passed_over = UnreadFields(), set[str]()
        self._sale: str | None = None
        self._end: str | None = None
        self._is_endless = self._is_strange = False
        self._unread_day: str | None = None
        self._lost = 0
        self._idle_sales, self._absent, self._rounded = list[str](), dict[str, None](), dict[str, None]()

    def look(self, place: int, record: Any, mapping: BatchMapping) -> None:
        """Look at the item at a place (from 1) of its file: at all columns of the first ones, at sale prices of all."""
        if not isinstance(record, dict):
            return
        self._lost += any("\ufffd" in value for value in record.values() if isinstance(value, str))
        if place == 1:
            names = {flat(str(name)): str(name) for name in record} if is_of_woocommerce(record) else {}
            self._sale, self._end = names.get("saleprice"), names.get("datesalepriceends")
            self._passed_over.update(*mapping.names.values(), *mapping.fact_names.values())
        if place <= LOOKED_AT:
            self._unread.look(record, read_record(record, mapping))
            known = passed_over(record)
            self._passed_over |= {name for name in record if flat(name) in known}
            self._is_strange |= "variation" in record.values() and "parent" not in map(flat, record)
        articles = [record, *(each for each in listed(record.get("variants")) if isinstance(each, dict))]
        codes = (
            (flat(str(name)), value) for each in articles for name, value in each.items() if isinstance(value, str)
        )
        self._rounded.update(dict.fromkeys(value for name, value in codes if name in _CODES and is_rounded(value)))
        self._idle_sales += [str(each[IDLE_SALE]) for each in articles if IDLE_SALE in each]
        if (sold := str(record.get("sold as"))).startswith(VARIATION_OF):
            self._absent[sold.removeprefix(VARIATION_OF)] = None
        if self._end is None:
            self._is_endless |= self._sale is not None and not is_empty(record.get(self._sale))
        elif self._unread_day is None:
            days = (str(each) for each in listed(record.get(self._end)) if not is_empty(each))
            self._unread_day = next((day for day in days if as_day(day) is None), None)

    def warnings(self) -> tuple[str, ...]:
        warnings = list[str]()
        if self._is_endless:
            warnings.append(
                "It has sale prices, and no column that is known as the last day of a sale: they have no end. If it "
                "has such a column, call it “Date sale price ends”."
            )
        if self._unread_day is not None:
            warnings.append(
                f"The last day of a sale “{shorten(one_line(self._unread_day), _MOST_NAME)}” cannot be read, so that "
                "the sale has no end. Write it as 2026-12-24."
            )
        if self._is_strange:
            warnings.append(
                "It looks like WooCommerce's export without the column Parent, or in a language that is not known: its "
                "variations became separate products. Export all columns while your language in the shop is English."
            )
        if self._lost:
            warnings.append(f"Rows with letters that were lost before, in place of which there is “?”: {self._lost:,}.")
        if self._rounded:
            warnings.append(
                f"Codes that a spreadsheet has rounded were left out: {_first([*self._rounded])}. Give their columns "
                "the format “Text” there, and write the file once more."
            )
        if self._idle_sales:
            warnings.append(
                f"The regular price counts where the sale price is 0 or not below it: {_first(self._idle_sales)}."
            )
        if self._absent:
            warnings.append(
                f"It has variations of products that are not in it: {_first([*self._absent])}. Exports to shops leave "
                "them out. Export them from the shop together with their products."
            )
        unknown = [name for name in self._unread.examples if name not in self._passed_over]
        if unknown := sorted(unknown, key=is_metadata):
            warnings.append(
                f"Columns that were not understood: {_first(unknown)}. `swatchbook ingest --plan FILE` shows them."
            )
        return tuple(warnings)


def _first(names: Sequence[str]) -> str:
    """Return the first names as a text, and how many more there are."""
    named = ", ".join(shorten(one_line(name), _MOST_NAME) for name in names[:_NAMED])
    return named + (f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else "")
