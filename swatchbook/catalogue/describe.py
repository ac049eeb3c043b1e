"""Stage 2B by layout rules: a product's metadata from the labels, values and tables of its pages and regions, and the
prices, sizes, weights and slip ratings that have no label; at most 12 values of a label, 160 characters each. What has
its centre in one of a product's regions belongs to that product; `sections.py` and `cards.py` draw the regions. Also
stage 7's products, assembled from discovery and descriptions.

Every value is text of the page. Where a key has several values they are joined by "; ", each verbatim.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from swatchbook.catalogue.attributes import Attribute, derive_key, find_attributes, key_of, price_in
from swatchbook.catalogue.page_layout import normalise_line
from swatchbook.geometry import centre_inside, gap
from swatchbook.records import (
    Box,
    Description,
    Discovery,
    Evidence,
    FoundProduct,
    Line,
    Page,
    Product,
    Table,
    fold,
    product_id,
)

MOST_VALUES = 12
"""Values kept of one key; a longer list is a table, which is kept as such."""
NEAR = 30.0
"""An unknown label is accepted when a known one is within this distance, in points."""
LONGEST_VALUE = 160
"""Characters; longer texts behind a colon are prose."""

_SIZE = re.compile(
    r"\b\d+(?:[.,]\d+)?\s?(?:mm|cm|m|in|\")?\s?[x×*]\s?\d+(?:[.,]\d+)?(?:\s?(?:mm|cm|m)?\s?[x×*]\s?\d+(?:[.,]\d+)?)?\s?(?:mm|cm|m|in|\")",
    re.IGNORECASE,
)
_SLIP = re.compile(r"\bR\s?(?:9|1[0-3])\b")
_WEIGHT = re.compile(r"\b\d+(?:[.,]\d+)?\s?(?:kg|g/m²|g/m2)(?!\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Value:
    """A value as printed, with where it was read."""

    key: str
    value: str
    label: str
    page: int
    rule: str


def describe(product: FoundProduct, pages: Iterable[Page], tables: Sequence[Table]) -> Description:
    """Return metadata and tables of one product. `pages` and `tables` may include other pages, which are skipped."""
    own_tables = [t for t in tables if t.page in product.pages and belongs(t.bbox, product, t.page)]
    values = [v for table in own_tables for v in _table_values(table)]
    loose: list[Value] = []
    for page in pages:
        if page.number in product.pages:
            lines = [line for line in page.lines if line.text and belongs(line.bbox, product, page.number)]
            width = page.box[2] - page.box[0]
            values += [
                Value(a.key, normalise_line(a.value), a.label, page.number, "label")
                for a in _plausible(find_attributes(lines, width))
            ]
            loose += _unlabelled(lines, page.number)
    labelled = list(values)
    values += [v for v in loose if not any(v.key == other.key or v.value in other.value for other in labelled)]
    usable = [v for v in values if v.key and 0 < len(v.value) <= LONGEST_VALUE and "http" not in v.value]
    return Description(metadata=_joined(usable), tables=tuple(own_tables), evidence=tuple(_evidence(usable)))


def assemble_products(
    document_id: str, discovery: Discovery, descriptions: Sequence[Description]
) -> tuple[Product, ...]:
    """Return the products in the order of the discovery. `descriptions` holds one for each, in the same order.

    Products with the same category and name get ids with increasing ordinals.
    """
    ordinals: Counter[tuple[str, str]] = Counter()
    ids: list[str] = []
    for found in discovery.products:
        key = fold(found.category or ""), fold(found.name)
        ids.append(product_id(document_id, found.category, found.name, ordinals[key]))
        ordinals[key] += 1
    return tuple(
        Product(
            id=ids[i],
            name=found.name,
            category=found.category,
            code=found.code or description.metadata.get("code"),
            variants=found.variants,
            first_page=found.first_page,
            last_page=found.last_page,
            pages=found.pages,
            metadata=description.metadata,
            confidence=found.confidence,
            evidence=(*found.evidence, *description.evidence),
            family=found.family,
            occurrences=found.occurrences,
        )
        for i, (found, description) in enumerate(zip(discovery.products, descriptions, strict=True))
    )


def belongs(box: Box | None, product: FoundProduct | Product, page: int) -> bool:
    """Whether a box on a page belongs to the product: it is inside one of the product's regions there, if any."""
    regions = [place.region for place in product.occurrences if place.page == page]
    return box is None or not regions or any(centre_inside(box, region) for region in regions)


def _plausible(pairs: Sequence[Attribute]) -> list[Attribute]:
    """Return known labels, and unknown ones near them: a colon alone occurs in any prose."""
    known = [a.box for a in pairs if a.known]
    return [a for a in pairs if a.known or any(gap(a.box, box) <= NEAR for box in known)]


def _table_values(table: Table) -> Iterator[Value]:
    """Return the values of a table: rows of label and value, or columns under known headings."""
    rows = [tuple(normalise_line(cell) for cell in row) for row in table.rows]
    if not rows:
        return
    headings = [key_of(cell) for cell in rows[0]]
    if len(rows) > 1 and sum(h is not None for h in headings) >= 2:
        for row in rows[1:]:
            for key, label, cell in zip(headings, rows[0], row, strict=False):
                if key and cell:
                    yield Value(key, cell, label, table.page, "table")
        return
    for row in rows:
        cells = [cell for cell in row if cell]
        if len(cells) == 2 and (key := key_of(cells[0]) or derive_key(cells[0])) and not cells[0][0].isdigit():
            yield Value(key, cells[1], cells[0], table.page, "table")


def _unlabelled(lines: Sequence[Line], page: int) -> Iterator[Value]:
    """Return prices, sizes, weights and slip ratings in short lines without a label."""
    for line in lines:
        text = normalise_line(line.text)
        if len(text.split()) > 8:
            continue
        if price := price_in(text):
            yield Value("price", price, "", page, "pattern")
        for key, pattern in (("dimensions", _SIZE), ("slip_rating", _SLIP), ("weight", _WEIGHT)):
            if match := pattern.search(text):
                yield Value(key, match.group(), "", page, "pattern")


def _joined(values: Sequence[Value]) -> dict[str, str]:
    by_key: dict[str, dict[str, None]] = {}
    for v in values:
        by_key.setdefault(v.key, {})[v.value] = None
    return {key: "; ".join(list(distinct)[:MOST_VALUES]) for key, distinct in by_key.items()}


def _evidence(values: Sequence[Value]) -> Iterator[Evidence]:
    """Return evidence for the first value of each key."""
    seen: set[str] = set()
    for v in values:
        if v.key not in seen:
            seen.add(v.key)
            yield Evidence(
                rule=v.rule, page=v.page, text=f"{v.label}: {v.value}" if v.label else v.value, detail={"key": v.key}
            )
