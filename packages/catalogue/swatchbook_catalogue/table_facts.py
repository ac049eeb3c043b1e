"""Read the values of a product's rows from a table that was read as such: which rows are its own, under which heads."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

from swatchbook_base.records import Box, Fact, FoundProduct, Table, fold, normalise_line
from swatchbook_catalogue.attributes import derive_key, fact_key, head_key, with_unit_of_head
from swatchbook_catalogue.line_facts import make_fact
from swatchbook_catalogue.measures import size_in
from swatchbook_catalogue.placed_lines import NamesOnPage
from swatchbook_catalogue.table_rows import FEWEST_HEADS

Row = tuple[str, ...]


class TableText:
    """A table with its cells as they are compared, which is done once for all products of its page."""

    def __init__(self, table: Table, names: NamesOnPage) -> None:
        self.table, self._names = table, names

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows with normalised cells."""
        return [tuple(normalise_line(cell) for cell in row) for row in self.table.rows]

    @cached_property
    def heads(self) -> Sequence[str]:
        """The cells of the row of heads, including columns that are not read."""
        first = next((row for row in self.rows if not _title_of(row)), ())
        known = sum(head_key(cell) is not None for cell in first)
        return [cell for cell in first if cell] if known >= FEWEST_HEADS else []

    @cached_property
    def _rows_of_cells(self) -> dict[str, list[int]]:
        """The numbers of the rows that have a folded cell."""
        rows_of = defaultdict[str, list[int]](list)
        for n, row in enumerate(self.rows):
            for cell in {fold(cell) for cell in row}:
                rows_of[cell].append(n)
        return rows_of

    @cached_property
    def _titles(self) -> Sequence[str]:
        """The folded title of each row."""
        return [fold(_title_of(row)) for row in self.rows]

    @cached_property
    def _names_in_cells(self) -> Sequence[str]:
        """The folded cells that are names of products on the page."""
        return [cell for cell in self._rows_of_cells if self._names.names_any(cell)]

    def facts_of(self, product: FoundProduct) -> Iterator[Fact]:
        """Yield the values of a product's rows: label and value, or columns under known headings."""
        rows = self._own_rows(product)
        first = next((n for n, row in enumerate(rows) if not _title_of(row)), 0)
        headings = [head_key(cell) for cell in rows[first]] if rows else []
        if sum(h is not None for h in headings) >= FEWEST_HEADS:
            for row in rows[first + 1 :]:
                for head, label, cell in zip(headings, rows[first], row, strict=False):
                    key = head or ("dimensions" if size_in(cell) == cell else None)
                    if key and cell:
                        yield self._fact(key, with_unit_of_head(cell, key, label), label)
            return
        for row in rows:
            cells = [cell for cell in row if cell]
            if len(cells) == 2 and (key := fact_key(cells[0]) or derive_key(cells[0])) and not cells[0][0].isdigit():
                yield self._fact(key, cells[1], cells[0])

    def _fact(self, key: str, value: str, label: str) -> Fact:
        return make_fact(key, value, label, self.table.page, self.table.bbox, "table")

    def _own_rows(self, product: FoundProduct) -> Sequence[Row]:
        """Return the rows that belong to a product.

        These are all rows if the table names no other product; else the rows from the product's title to the title of
        another product; without a title, the first row and the rows with the product's name.
        """
        places = {place.bbox for place in product.occurrences if place.page == self.table.page}
        if not any(self._names.names_other(cell, places) for cell in self._names_in_cells):
            return self.rows
        own = {fold(name) for name in (product.name, product.raw_name, product.code or "") if name}
        if start := next((n for n, title in enumerate(self._titles, 1) if title in own), None):
            return self.rows[start : self._next_title(start, places)]
        of_own = {n for name in own for n in self._rows_of_cells.get(name, ()) if n}
        return [self.rows[0], *(self.rows[n] for n in sorted(of_own))]

    def _next_title(self, start: int, places: Collection[Box]) -> int:
        """Return the number of the first row from `start` that has the name of another product as its title."""
        titles = self._titles
        return next((n for n in range(start, len(titles)) if self._names.names_other(titles[n], places)), len(titles))


def _title_of(row: Row) -> str:
    """Return the text of a row that has one filled cell, else an empty string."""
    filled = [cell for cell in row if cell]
    return filled[0] if len(filled) == 1 else ""
