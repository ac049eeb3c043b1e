"""What is published beside a vector: what people filter on and what keyword search reads, built from the ledger."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from swatchbook.analysis.judge import Verdict
from swatchbook.index.base import Payload
from swatchbook.index.sizes import with_sizes
from swatchbook.ledger.database import portions
from swatchbook.ledger.tables import analyses, chunks, contents, documents, images, links, placements, products, reviews
from swatchbook.records import LinkKind, PlacementState

_AMOUNT = re.compile(r"(\d+(?:[\s'’.,]\d{3})*)(?:[.,](\d{1,2}))?(?!\d)")
_SEVERAL = re.compile(r"\s*[,;/|·\n]\s*")


def image_payloads(connection: Connection, ids: Collection[str]) -> dict[str, Payload]:
    """image id -> payload, for those that a placement shows: all of the owner's documents together."""
    shown = defaultdict[str, list[Row[Any]]](list)
    for row in _all(connection, _SHOWN, images.c.id, ids):
        shown[row.image].append(row)
    linked = linked_products(connection, {row.placement: row.image for rows in shown.values() for row in rows})
    stored = {row.key: row for row in _all(connection, _STORED, contents.c.key, _keys(shown.values()))}
    seen = _analyses(connection, shown)
    return {
        image: _image_payload(rows, linked.get(image, []), stored, seen.get(image, {})) for image, rows in shown.items()
    }


def chunk_payloads(connection: Connection, ids: Collection[str]) -> dict[str, Payload]:
    """chunk id -> payload."""
    linked = linked_products(connection, {chunk: chunk for chunk in ids}, kind=LinkKind.CHUNK_PRODUCT)
    found = {}
    for row in _all(connection, _CHUNKS, chunks.c.id, ids):
        record = row.record
        found[row.id] = Payload(
            owner=row.owner,
            kind="chunk",
            documents=(row.document,),
            pages=tuple(record["pages"]),
            text=with_sizes("\n".join([*record["headings"], record["text"]])),
            **_of_products(linked.get(row.id, [])),
        )
    return found


def linked_products(
    connection: Connection, targets: Mapping[str, str], *, kind: LinkKind = LinkKind.IMAGE_PRODUCT
) -> dict[str, list[dict[str, Any]]]:
    """What the links' sources stand for (placement -> image, chunk -> itself) -> its products, in document order."""
    of_links = select(links.c.source, links.c.target).where(links.c.kind == kind)
    linked = [(targets[row.source], row.target) for row in _all(connection, of_links, links.c.source, targets)]
    of_products = select(products.c.id, products.c.document, products.c.ordinal, products.c.record)
    records = {row.id: row for row in _all(connection, of_products, products.c.id, {target for _, target in linked})}
    found = defaultdict[str, dict[str, Row[Any]]](dict)
    for thing, product in linked:
        if product in records:
            found[thing][product] = records[product]
    return {
        thing: [row.record for row in sorted(rows.values(), key=lambda row: (row.document, row.ordinal))]
        for thing, rows in found.items()
    }


def price_of(text: str) -> float | None:
    """The first amount of a printed price, whatever its thousands and decimal signs: "€ 1.299,00" is 1299.0."""
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
_CORRECTED = select(reviews.c.key, reviews.c.second).where(reviews.c.stands, reviews.c.verdict == Verdict.CORRECTED)
_STORED = select(contents.c.key, contents.c.file, contents.c.text)
_CHUNKS = select(chunks.c.id, chunks.c.document, chunks.c.record, documents.c.owner).join(documents)


def _all(connection: Connection, query: Select[Any], column: Any, values: Collection[str]) -> Iterable[Row[Any]]:
    for portion in portions(sorted(values)):
        yield from connection.execute(query.where(column.in_(portion)))


def _keys(shown: Iterable[Sequence[Row[Any]]]) -> set[str]:
    first = [rows[0] for rows in shown]
    return {row.content_key for row in first} | {row.text_key for row in first if row.text_key}


def _analyses(connection: Connection, shown: Mapping[str, Sequence[Row[Any]]]) -> dict[str, dict[str, Any]]:
    """image -> its analysis: the one that says the text in use; none of a picture that is reviewed and says nothing.

    Of several that say the same a review's comes before.
    """
    found = defaultdict[str, list[Row[Any]]](list)
    query = select(analyses.c.key, analyses.c.tag, analyses.c.text_key, analyses.c.record)
    keys = {rows[0].content_key for rows in shown.values()}
    for row in _all(connection, query, analyses.c.key, keys):
        found[row.key].append(row)
    corrected = {(row.key, row.second) for row in _all(connection, _CORRECTED, reviews.c.key, keys)}
    return {
        image: row.record
        for image, rows in shown.items()
        for row in sorted(found[rows[0].content_key], key=lambda row: (row.key, row.tag) in corrected)
        if row.text_key == rows[0].text_key
    }


def _image_payload(
    rows: Sequence[Row[Any]],
    linked: Sequence[dict[str, Any]],
    stored: Mapping[str, Row[Any]],
    analysis: Mapping[str, Any],
) -> Payload:
    content, text = stored.get(rows[0].content_key), stored.get(rows[0].text_key)
    said = [part for row in rows for part in (row.caption, row.nearby_text)]
    of_products = _of_products(linked)
    return Payload(
        owner=rows[0].owner,
        kind="image",
        documents=_distinct(row.document for row in rows),
        colors=_distinct(color["name"] for color in analysis.get("colors", ())),
        pages=tuple(sorted({row.page for row in rows})),
        file=content.file or "" if content else "",
        text=with_sizes("\n".join(_distinct([*said, text.text if text else None]))),
        **of_products | {"material": _distinct([*of_products["material"], analysis.get("material")])},
    )


def _of_products(records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What a picture or text takes over from the products that it is linked to; of several prices the lowest."""
    metadata = [record["metadata"] for record in records]
    prices = [price for m in metadata if (price := price_of(m.get("price", ""))) is not None]
    return {
        "products": tuple(record["id"] for record in records),
        "names": _distinct(record["name"] for record in records),
        "category": _distinct(record["category"] for record in records),
        "material": _distinct(part for m in metadata for part in _SEVERAL.split(m.get("material", ""))),
        "price": min(prices, default=None),
    }


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if value and value.strip()))
