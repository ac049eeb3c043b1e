"""Find tables that list several products of a page, apart from their cards: a row belongs to the product that it names,
not to the one above it.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from swatchbook_base.geometry import bounding_box, centre_inside
from swatchbook_base.records import Box, FoundProduct, Line, Occurrence, fold
from swatchbook_catalogue.table_rows import Cell, Head, Row, cell_of, heads_names, tables_below

MOST_TABLES = 20  # tables of a page that are looked at; more are labels of a form
KEYS_OF_ARTICLES = frozenset({"code", "ean"})
FEWEST_ROWS = 2  # one row is the values of one product
FEWEST_PRODUCTS = 2  # products that a shared table lists


class SharedTable(NamedTuple):
    """A table of several products: the box around it, and its rows with the head of each cell."""

    box: Box
    rows: Sequence[Row]

    def cells_of(self, product: FoundProduct) -> Iterator[Cell]:
        """Yield the cells of the rows with a product's code, or if none has it with its name; not the name itself."""
        for own in filter(None, (product.code, product.name)):
            rows = [row for row in self.rows if any(fold(line.text) == fold(own) for _, line in row)]
            if rows:
                yield from (cell_of(head, line) for row in rows for head, line in row if not heads_names(head.label))
                return


class Article(NamedTuple):
    """A row of a table of articles; the box is that of its name."""

    code: str | None
    box: Box


def articles_in(lines: Sequence[Line]) -> tuple[tuple[Box, tuple[Article, ...]], ...]:
    """Return each table of articles of a page: the box around it, and its rows that have a name."""
    return tuple((table.box, tuple(_articles(table))) for _, table in _find_article_tables(lines))


def _articles(table: SharedTable) -> Iterator[Article]:
    for row in table.rows:
        name = next((line for head, line in row if heads_names(head.label)), None)
        code = next((cell_of(head, line).value for head, line in row if head.key == "code"), None)
        if name:
            yield Article(code, name.bbox)


def find_shared_tables(lines: Sequence[Line], places: Sequence[Occurrence]) -> Iterator[SharedTable]:
    """Yield the tables of articles that stand in the regions of several products or name several.

    `places` are those of all products on the page. A table that names one of them is that of a price list, whose
    rows are the products.
    """
    if len({place.bbox for place in places}) < FEWEST_PRODUCTS:
        return
    for heads, table in _find_article_tables(lines):
        is_price_list = any(centre_inside(place.bbox, table.box) for place in places)
        if not is_price_list and (_spans_products(heads, places) or _names_several(table.rows, places)):
            yield table


def _find_article_tables(lines: Sequence[Line]) -> Iterator[tuple[Sequence[Head], SharedTable]]:
    """Yield heads and rows of the tables with a column of names or codes.

    Columns with equal heads are those of several tables side by side.
    """
    for heads, rows in islice(tables_below(lines), MOST_TABLES):
        if (
            len(rows) >= FEWEST_ROWS
            and any(heads_names(head.label) or head.key in KEYS_OF_ARTICLES for head in heads)
            and len({fold(head.label) for head in heads}) == len(heads)
        ):
            cells = (line.bbox for row in rows for _, line in row)
            yield heads, SharedTable(bounding_box((*(head.box for head in heads), *cells)), rows)


def _spans_products(heads: Sequence[Head], places: Sequence[Occurrence]) -> bool:
    """Whether two heads are in regions of different products."""
    held = [{place.bbox for place in places if centre_inside(head.box, place.region)} for head in heads]
    held = [each for each in held if each]
    return any(not held[0] & each for each in held[1:])


def _names_several(rows: Sequence[Row], places: Sequence[Occurrence]) -> bool:
    cells = {fold(line.text) for row in rows for _, line in row}
    return len({place.bbox for place in places if fold(place.text) in cells}) >= FEWEST_PRODUCTS
