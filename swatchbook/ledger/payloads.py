"""What filters and keyword search read of an image or chunk (its payload): linked products with category, material
and lowest price; colours, pages, text. Printed prices become numbers here. How a filter matches is in
`index/rules.py`.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from swatchbook.analysis.judge import Verdict
from swatchbook.index.base import Payload
from swatchbook.index.size_words import with_sizes
from swatchbook.ledger.database import select_in
from swatchbook.ledger.image_text import AnalysisInUse, analyses_in_use
from swatchbook.ledger.tables import chunks, contents, documents, images, links, placements, products
from swatchbook.records import LinkKind, PlacementState

_AMOUNT = re.compile(r"(\d+(?:[\s'’.,]\d{3})*)(?:[.,](\d{1,2}))?(?!\d)")
_SEPARATOR = re.compile(r"\s*[,;/|·\n]\s*")


def image_payloads(connection: Connection, ids: Collection[str]) -> dict[str, Payload]:
    """Return image id -> payload of shown images, from all documents of the owner."""
    shown = defaultdict[str, list[Row[Any]]](list)
    for row in select_in(connection, _SHOWN, images.c.id, ids):
        shown[row.image].append(row)
    linked = linked_products(connection, {row.placement: row.image for rows in shown.values() for row in rows})
    stored = {row.key: row for row in select_in(connection, _STORED, contents.c.key, _shown_keys(shown.values()))}
    analyses = _analyses(connection, shown)
    return {
        image: _image_payload(rows, linked.get(image, []), stored, analyses.get(image, {}))
        for image, rows in shown.items()
    }


def chunk_payloads(connection: Connection, ids: Collection[str]) -> dict[str, Payload]:
    """Return chunk id -> payload."""
    linked = linked_products(connection, {chunk: chunk for chunk in ids}, kind=LinkKind.CHUNK_PRODUCT)
    payloads = {}
    for row in select_in(connection, _CHUNKS, chunks.c.id, ids):
        record = row.record
        payloads[row.id] = Payload(
            owner=row.owner,
            kind="chunk",
            documents=(row.document,),
            pages=tuple(record["pages"]),
            text=with_sizes("\n".join([*record["headings"], record["text"]])),
            **_product_fields(linked.get(row.id, [])),
        )
    return payloads


def linked_products(
    connection: Connection, targets: Mapping[str, str], *, kind: LinkKind = LinkKind.IMAGE_PRODUCT
) -> dict[str, list[dict[str, Any]]]:
    """Return image or chunk -> the records of its linked products, in document order.

    `targets`: source of links -> what to group by (placement -> image, chunk -> itself).
    """
    of_links = select(links.c.source, links.c.target).where(links.c.kind == kind)
    linked = [(targets[row.source], row.target) for row in select_in(connection, of_links, links.c.source, targets)]
    of_products = select(products.c.id, products.c.document, products.c.ordinal, products.c.record)
    records = {
        row.id: row for row in select_in(connection, of_products, products.c.id, {target for _, target in linked})
    }
    products_of = defaultdict[str, dict[str, Row[Any]]](dict)
    for thing, product in linked:
        if product in records:
            products_of[thing][product] = records[product]
    return {
        thing: [row.record for row in sorted(rows.values(), key=lambda row: (row.document, row.ordinal))]
        for thing, rows in products_of.items()
    }


def price_of(text: str) -> float | None:
    """Return the first amount of a printed price, with any thousands and decimal signs: "€ 1.299,00" is 1299.0."""
    amount = _AMOUNT.search(text)
    if amount is None:
        return None
    return float(f"{re.sub(r'[^0-9]', '', amount[1])}.{amount[2] or 0}")


_SHOWN = (
    select(
        placements.c.id.label("placement"),
        placements.c.image,
        placements.c.document,
        placements.c.page,
        placements.c.caption,
        placements.c.nearby_text,
        images.c.owner,
        images.c.content_key,
        images.c.text_key,
    )
    .join(images, images.c.id == placements.c.image)
    .where(placements.c.state == PlacementState.SHOWN)
    .order_by(placements.c.document, placements.c.ordinal)
)
_STORED = select(contents.c.key, contents.c.file, contents.c.text)
_CHUNKS = select(chunks.c.id, chunks.c.document, chunks.c.record, documents.c.owner).join(documents)


def _shown_keys(shown: Iterable[Sequence[Row[Any]]]) -> set[str]:
    first = [rows[0] for rows in shown]
    return {row.content_key for row in first} | {row.text_key for row in first if row.text_key}


def _analyses(connection: Connection, shown: Mapping[str, Sequence[Row[Any]]]) -> dict[str, Mapping[str, Any]]:
    """Return image -> the record of the analysis whose text it shows; of several a corrected one. Rejected: none."""
    by_key = defaultdict[str, list[AnalysisInUse]](list)
    for used in analyses_in_use(connection, {rows[0].content_key for rows in shown.values()}):
        if used.verdict is not Verdict.REJECTED:
            by_key[used.key].append(used)
    return {
        image: used.record
        for image, rows in shown.items()
        for used in sorted(by_key[rows[0].content_key], key=lambda used: used.verdict is Verdict.CORRECTED)
        if used.text_key == rows[0].text_key
    }


def _image_payload(
    rows: Sequence[Row[Any]],
    linked: Sequence[dict[str, Any]],
    stored: Mapping[str, Row[Any]],
    analysis: Mapping[str, Any],
) -> Payload:
    content, text = stored.get(rows[0].content_key), stored.get(rows[0].text_key)
    printed = [part for row in rows for part in (row.caption, row.nearby_text)]
    product_fields = _product_fields(linked)
    return Payload(
        owner=rows[0].owner,
        kind="image",
        documents=_distinct(row.document for row in rows),
        colors=_distinct(color["name"] for color in analysis.get("colors", ())),
        pages=tuple(sorted({row.page for row in rows})),
        file=content.file or "" if content else "",
        text=with_sizes("\n".join(_distinct([*printed, text.text if text else None]))),
        **product_fields | {"material": _distinct([*product_fields["material"], analysis.get("material")])},
    )


def _product_fields(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the payload fields that an image or chunk takes from its linked products; of several prices the lowest."""
    metadata = [record["metadata"] for record in records]
    prices = [price for m in metadata if (price := price_of(m.get("price", ""))) is not None]
    return {
        "products": tuple(record["id"] for record in records),
        "names": _distinct(record["name"] for record in records),
        "category": _distinct(record["category"] for record in records),
        "material": _distinct(part for m in metadata for part in _SEPARATOR.split(m.get("material", ""))),
        "price": min(prices, default=None),
    }


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if value and value.strip()))
