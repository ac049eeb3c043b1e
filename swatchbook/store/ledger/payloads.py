"""Build the payloads of images, chunks and products: the fields that filters and keyword search read.

- An image or chunk has linked products (category, brand, size, condition, material, lowest price, currency, host),
  colours, pages and text.
- A product has what is printed for it, and the materials and main colours (30 % of a picture) of its pictures.
- Sizes become single words, URLs hosts, and printed prices what `printed_prices.py` reads.
- The language of a document is detected for each portion that is published (2 ms), so nothing is stored.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Connection, Row, Select, select

from swatchbook.domain.records import COUNTED, NO_PAGE, LinkKind
from swatchbook.index.contract import BY_WORDS, SUPERSEDED, TERMS, Payload
from swatchbook.index.language import language_of
from swatchbook.index.printed_materials import materials_in, split_list
from swatchbook.index.printed_sizes import size_key, sizes_in
from swatchbook.index.words import fold_words, value_key
from swatchbook.store.ledger.database import select_in
from swatchbook.store.ledger.image_states import linked_images
from swatchbook.store.ledger.image_text import analyses_in_use
from swatchbook.store.ledger.tables import chunks, contents, documents, images, links, placements, products
from swatchbook_base.printed_prices import currency_of, price_of

MAIN_COLOR = 0.3
"""The least share of a picture that a main colour covers: with less it may be a colour of the room around it."""


def image_payloads(
    connection: Connection, ids: Collection[str], *, texts: bool = True, currencies: tuple[str, ...] = ()
) -> dict[str, Payload]:
    """Return image id -> payload of shown images, from all documents of the owner.

    Older editions count only for an image that no other document shows; it is then SUPERSEDED.
    Without `texts` only the fields of filters are filled: `text` and `file` stay empty, and where several products or
    documents show an image, `parts` has each of them alone. With `currencies` the lowest price is that in one of them.
    """
    newest, documents_of = _newest_shown(connection, _SHOWN_WITH_TEXTS if texts else _SHOWN, ids)
    linked = linked_products(connection, {row.placement: row.image for rows in newest.values() for row in rows})
    analyses = analyses_of_images(connection, {image: rows[0] for image, rows in newest.items()})
    payloads = {
        image: _image_payload(rows, documents_of[image], linked.get(image, []), analyses.get(image, {}), currencies)
        for image, rows in newest.items()
    }
    if not texts:
        several = {image: rows for image, rows in newest.items() if len(rows) > 1 or len(linked.get(image, ())) > 1}
        parts = _parts_of_images(connection, several, documents_of, analyses, currencies)
        alone = {image: tuple(part.payload for part in found) for image, found in parts.items()}
        return payloads | {image: payloads[image].model_copy(update={"parts": each}) for image, each in alone.items()}
    keys = {key for rows in newest.values() for key in (rows[0].content_key, rows[0].text_key) if key}
    stored = {row.key: row for row in select_in(connection, _STORED, contents.c.key, keys)}
    spoken = languages_of_documents(connection, {row.document for rows in newest.values() for row in rows})
    return {
        image: payload.model_copy(update=_image_texts(newest[image], stored, spoken))
        for image, payload in payloads.items()
    }


class ImagePart(NamedTuple):
    """An image as one of its placements shows it, with one of the products that this is linked to, if any."""

    placement: str
    product: str | None
    payload: Payload


def image_parts(
    connection: Connection, ids: Collection[str], *, currencies: tuple[str, ...] = ()
) -> dict[str, list[ImagePart]]:
    """Return image -> its parts (`parts` of its payload), one for each placement and product, in order of documents.

    Older editions count only for an image that no other document shows.
    """
    newest, documents_of = _newest_shown(connection, _SHOWN, ids)
    analyses = analyses_of_images(connection, {image: rows[0] for image, rows in newest.items()})
    return _parts_of_images(connection, newest, documents_of, analyses, currencies)


def _newest_shown(
    connection: Connection, query: Select[Any], ids: Collection[str]
) -> tuple[dict[str, list[Row[Any]]], dict[str, tuple[str, ...]]]:
    """Return image -> its rows, of older editions only where no other document shows it, and image -> all documents."""
    shown = defaultdict[str, list[Row[Any]]](list)
    for row in select_in(connection, query, images.c.id, ids):
        shown[row.image].append(row)
    newest = {image: [row for row in rows if not row.superseded] or rows for image, rows in shown.items()}
    return newest, {image: _distinct(row.document for row in rows) for image, rows in shown.items()}


def _parts_of_images(
    connection: Connection,
    shown: Mapping[str, Sequence[Row[Any]]],
    documents_of: Mapping[str, Sequence[str]],
    analyses: Mapping[str, Mapping[str, Any]],
    currencies: tuple[str, ...],
) -> dict[str, list[ImagePart]]:
    """Return image -> its parts. Older editions that show it count as documents of each: who names them asks for it."""
    places = {row.placement: row.placement for rows in shown.values() for row in rows}
    linked = linked_products(connection, places)

    def parts(image: str, rows: Sequence[Row[Any]]) -> Iterator[ImagePart]:
        newest = {row.document for row in rows}
        older = [each for each in documents_of[image] if each not in newest]
        for row in rows:
            for product in linked.get(row.placement) or (None,):
                known = () if product is None else (product,)
                payload = _image_payload([row], (row.document, *older), known, analyses.get(image, {}), currencies)
                yield ImagePart(row.placement, product and product.id, payload)

    return {image: list(parts(image, rows)) for image, rows in shown.items()}


def chunk_payloads(
    connection: Connection, ids: Collection[str], *, texts: bool = True, currencies: tuple[str, ...] = ()
) -> dict[str, Payload]:
    """Return chunk id -> payload. Without `texts` only the fields of filters are filled. With `currencies` the lowest
    price is that in one of them.
    """
    linked = linked_products(connection, {chunk: chunk for chunk in ids}, kind=LinkKind.CHUNK_PRODUCT)
    rows = select_in(connection, _CHUNKS_WITH_TEXTS if texts else _CHUNKS, chunks.c.id, ids)
    spoken = languages_of_documents(connection, {row.document for row in rows}) if texts else {}
    return {
        row.id: Payload(
            owner=row.owner,
            kind=SUPERSEDED if row.superseded else "chunk",
            documents=(row.document,),
            pages=tuple(row.pages),
            **_product_fields(tuple(linked.get(row.id, ())), currencies),
            **(_chunk_texts(row, spoken.get(row.document)) if texts else {}),
        )
        for row in rows
    }


def product_payloads(connection: Connection, ids: Collection[str]) -> dict[str, Payload]:
    """Return product id -> what filters read of a product. It is not published: products have no vectors.

    Its material is what its document prints, else what its pictures show. Its colours are the printed ones, and the
    main ones of its pictures.
    """
    seen = _seen_in_pictures(connection, ids)
    return {
        row.id: Payload(
            owner=row.owner,
            kind=SUPERSEDED if row.superseded else "product",
            documents=(row.document,),
            pages=tuple(row.pages),
            **_seen_too(row, seen),
        )
        for row in select_in(connection, _PRODUCTS_WITH_OWNER, products.c.id, ids)
    }


class PrintedProduct(NamedTuple):
    """Fields of a product that filters read, as its document prints them."""

    id: str
    name: str
    category: tuple[str, ...]
    brand: tuple[str, ...]
    size: tuple[str, ...]
    condition: tuple[str, ...]
    currency: tuple[str, ...]
    host: tuple[str, ...]
    material: tuple[str, ...]
    colors: tuple[str, ...]
    price: float | None


def linked_products(
    connection: Connection, targets: Mapping[str, str], *, kind: LinkKind = LinkKind.IMAGE_PRODUCT
) -> dict[str, list[PrintedProduct]]:
    """Return image or chunk -> its linked products, in document order.

    `targets`: source of links -> what to group by (placement -> image, chunk -> itself).
    """
    of_links = select(links.c.source, links.c.target).where(links.c.kind == kind)
    linked = [(targets[row.source], row.target) for row in select_in(connection, of_links, links.c.source, targets)]
    rows = select_in(connection, _PRODUCTS, products.c.id, {target for _, target in linked})
    ordered = {
        row.id: (place, _printed(row))
        for place, row in enumerate(sorted(rows, key=lambda row: (row.document, row.ordinal)))
    }
    products_of = defaultdict[str, dict[int, PrintedProduct]](dict)
    for thing, product in linked:
        if product in ordered:
            place, printed = ordered[product]
            products_of[thing][place] = printed
    return {thing: [found[place] for place in sorted(found)] for thing, found in products_of.items()}


def _currency(metadata: Mapping[str, str], prices: Sequence[str]) -> str | None:
    given = metadata.get("currency")
    return (currency_of(given) or given) if given else next(filter(None, map(currency_of, prices)), None)


def _host(url: str) -> str | None:
    """Return the host of a web address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


_SUPERSEDED = documents.c.superseded_by.is_not(None).label("superseded")
_SHOWN = (
    select(
        placements.c.id.label("placement"), placements.c.image, placements.c.document, placements.c.page,
        images.c.owner, images.c.content_key, images.c.text_key, _SUPERSEDED,
    )
    .join(images, images.c.id == placements.c.image)
    .join(documents, documents.c.id == placements.c.document)
    .where(placements.c.state.in_(COUNTED))
    .order_by(placements.c.document, placements.c.ordinal)
)  # fmt: skip
_SHOWN_WITH_TEXTS = _SHOWN.add_columns(placements.c.caption, placements.c.nearby_text)
_STORED = select(contents.c.key, contents.c.file, contents.c.text)
_CHUNKS = select(
    chunks.c.id, chunks.c.document, documents.c.owner, chunks.c.record["pages"].label("pages"), _SUPERSEDED
).join(documents)
_CHUNKS_WITH_TEXTS = _CHUNKS.add_columns(
    chunks.c.record["headings"].label("headings"), chunks.c.record["text"].as_string().label("text")
)
_PRODUCTS = select(
    products.c.id, products.c.document, products.c.ordinal, products.c.name,
    products.c.record["category"].as_string().label("category"), products.c.record["metadata"].label("metadata"),
    products.c.record["variants"].label("variants"),
)  # fmt: skip
_PRODUCTS_WITH_OWNER = _PRODUCTS.add_columns(
    products.c.record["pages"].label("pages"), documents.c.owner, _SUPERSEDED
).join(documents)
_PICTURES = linked_images(
    links.c.target.label("product"), images.c.id, images.c.content_key, images.c.text_key
).order_by(links.c.score.desc(), placements.c.ordinal)


def analyses_of_images(connection: Connection, shown: Mapping[str, Row[Any]]) -> dict[str, Mapping[str, Any]]:
    """Return image -> the record of the analysis whose text it shows; of several a replacing one. Rejected: none.

    `shown`: image -> a row with its `text_key`.
    """
    in_use = sorted(analyses_in_use(connection, shown), key=lambda used: used.second is not None)
    return {
        used.image: used.record for used in in_use if not used.dismissed and used.text_key == shown[used.image].text_key
    }


def _image_payload(
    rows: Sequence[Row[Any]],
    documents: tuple[str, ...],
    linked: Sequence[PrintedProduct],
    analysis: Mapping[str, Any],
    currencies: tuple[str, ...],
) -> Payload:
    product_fields = dict(_product_fields(tuple(linked), currencies))
    return Payload(
        owner=rows[0].owner,
        kind=SUPERSEDED if rows[0].superseded else "image",
        documents=documents,
        pages=tuple(sorted({row.page for row in rows} - {NO_PAGE})),
        **product_fields
        | {"material": _distinct([*product_fields["material"], analysis.get("material")]), "colors": _colors(analysis)},
    )


def _chunk_texts(row: Row[Any], spoken: str | None) -> dict[str, Any]:
    """Return the fields of a chunk's payload that no filter reads. A chunk may be in another language than most are."""
    return {"text": "\n".join([*row.headings, row.text]), "languages": _distinct([spoken, language_of(row.text)])}


def _image_texts(rows: Sequence[Row[Any]], stored: Mapping[str, Row[Any]], spoken: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of an image's payload that no filter reads. Its analysis is in English."""
    content, text = stored.get(rows[0].content_key), stored.get(rows[0].text_key)
    printed = [part for row in rows for part in (row.caption, row.nearby_text)]
    return {
        "file": content.file or "" if content else "",
        "text": "\n".join(_distinct([*printed, text.text if text else None])),
        "languages": _distinct([*(spoken.get(row.document) for row in rows), "en" if text else None]),
    }


def _seen_in_pictures(connection: Connection, ids: Collection[str]) -> dict[str, list[Mapping[str, Any]]]:
    """Return product -> the analyses of the pictures that are linked to it, best link first."""
    pictures = defaultdict[str, dict[str, Row[Any]]](dict)
    for row in select_in(connection, _PICTURES, links.c.target, ids):
        pictures[row.product].setdefault(row.id, row)
    analyses = analyses_of_images(connection, {i: row for rows in pictures.values() for i, row in rows.items()})
    return {product: [analyses[i] for i in rows if i in analyses] for product, rows in pictures.items()}


def _seen_too(row: Row[Any], seen: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """Return a product's own fields, with what is seen in its pictures."""
    fields, analyses = dict(_product_fields((_printed(row),))), seen.get(row.id, ())
    colors = (color for analysis in analyses for color in _colors(analysis, at_least=MAIN_COLOR))
    return fields | {
        "material": fields["material"] or _distinct(analysis.get("material") for analysis in analyses),
        "colors": _distinct([*fields["colors"], *colors]),
    }


def _colors(analysis: Mapping[str, Any], *, at_least: float = 0.0) -> tuple[str, ...]:
    """Return the colours with at least this share of the picture, and those that a person has named, without shares."""
    return _distinct(color["name"] for color in analysis.get("colors", ()) if not 0 < color["share"] < at_least)


def _printed(row: Row[Any]) -> PrintedProduct:
    """Return the fields of a product; the price is its own, or the lowest of its variants."""
    own = row.metadata.get("price")
    prices = [own] if own else [variant["price"] for variant in row.variants if variant.get("price")]
    return PrintedProduct(
        id=row.id,
        name=row.name,
        category=_distinct([row.category]),
        brand=_distinct([row.metadata.get("brand")]),
        size=_sizes(row.metadata),
        condition=_distinct([row.metadata.get("condition")]),
        currency=_distinct([_currency(row.metadata, prices)]),
        host=_distinct([_host(row.metadata.get("url", ""))]),
        material=_distinct(materials_in(row.metadata.get("material", ""))),
        colors=_distinct(split_list(row.metadata.get("color", ""))),
        price=min((amount for price in prices if (amount := price_of(price)) is not None), default=None),
    )


@lru_cache(maxsize=256)  # the pictures of a product take the same from it; the result must not be changed
def _product_fields(linked: tuple[PrintedProduct, ...], currencies: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Return what an image or chunk takes from its linked products; of several prices the lowest, of those in some
    currencies if any are given.
    """
    priced = [product for product in linked if not currencies or _is_in(product, currencies)]
    return {
        "products": tuple(product.id for product in linked),
        "names": _distinct(product.name for product in linked),
        **{
            name: _distinct(part for product in linked for part in getattr(product, name))
            for name in (*BY_WORDS, *TERMS)
        },
        "price": min((product.price for product in priced if product.price is not None), default=None),
    }


def _sizes(metadata: Mapping[str, str]) -> tuple[str, ...]:
    """Return the sizes that are printed of a product, and its dimensions where they are of two sides or more."""
    dimensions = (each for each in sizes_in(metadata.get("dimensions", "")) if size_key(each))
    distinct = {value_key("size", each): each for each in [*dimensions, *reversed(sizes_in(metadata.get("size", "")))]}
    return tuple(reversed(distinct.values()))


def _is_in(product: PrintedProduct, currencies: Iterable[str]) -> bool:
    """Return whether a product's currency is one of those that a filter asks for."""
    asked = [{*fold_words(currency)} for currency in currencies]
    return any(words and words.issubset(fold_words(own)) for own in product.currency for words in asked)


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip() for value in values if value and value.strip()))


# --- languages --------------------------------------------------------------------------------------------------------


# the most that is read of each document: a page or two of text is enough
_MOST_CHUNKS, _MOST_PLACEMENTS, _MOST_NAMES = 40, 100, 100


def languages_of_documents(connection: Connection, documents: Collection[str]) -> dict[str, str]:
    """Return document -> the code of its language, without documents whose language is not clear."""
    found = {
        document: language_of("\n".join(_texts_of_document(connection, document)))
        for document in sorted(set(documents))
    }
    return {document: language for document, language in found.items() if language}


def _texts_of_document(connection: Connection, document: str) -> Iterator[str]:
    """Yield the texts of a document's chunks; if it has none, its products' names and the text around its pictures."""
    text = chunks.c.record["text"].as_string()
    of_chunks = select(text).where(chunks.c.document == document).order_by(chunks.c.ordinal).limit(_MOST_CHUNKS)
    if found := connection.execute(of_chunks).scalars().all():
        yield from found
        return
    names = select(products.c.name).where(products.c.document == document).order_by(products.c.ordinal)
    yield from connection.execute(names.limit(_MOST_NAMES)).scalars()
    beside = select(placements.c.caption, placements.c.nearby_text).where(placements.c.document == document)
    for row in connection.execute(beside.order_by(placements.c.ordinal).limit(_MOST_PLACEMENTS)):
        yield from filter(None, row)
