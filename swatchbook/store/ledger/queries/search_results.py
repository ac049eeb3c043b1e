"""Read what is shown of a hit (title, document, pages, picture, text, linked product), and all texts to judge it by.

`search/fusion.py` ranks the hits; `search/relevance.py` checks a result's texts for the words of a question.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, case, func, select

from swatchbook.domain.records import COUNTED, NO_PAGE, DocumentStatus, Hit, LinkKind, ResultKind, Variant
from swatchbook.index.contract import Where
from swatchbook.index.matching import satisfies
from swatchbook.store.ledger.database import Ledger, select_in
from swatchbook.store.ledger.image_states import linked_images, picture_file
from swatchbook.store.ledger.payloads import ImagePart, image_parts
from swatchbook.store.ledger.queries.document_parts import PRODUCTS, pictures_of_products
from swatchbook.store.ledger.read_cache import ReadCache
from swatchbook.store.ledger.tables import chunks, contents, documents, images, links, pages, placements, products
from swatchbook_base.one_line import shorten
from swatchbook_base.printed_prices import with_currency

_MAX_TITLE = 80  # characters
_MAX_PRICE = 40  # characters
_MAX_PICTURES = 12  # of a product, with a hit
_WORD = re.compile(r"[^\W_]+")


# --- hits -------------------------------------------------------------------------------------------------------------


def describe_images(ledger: Ledger, ids: Sequence[str], where: Where | None = None) -> list[Hit]:
    """Return the shown ones of these images as hits, in the order given. Scores are 0.

    Each has the names of one placement and its product: of the first one that satisfies the filters, else of the first
    in its first document that has a product, else of the first.
    """
    shown = defaultdict[str, list[Row[Any]]](list)
    for row in select_in(ledger, _SHOWN, placements.c.image, ids):
        shown[row.image].append(row)
    chosen = _chosen_parts(ledger, shown, where)
    printed = _named(ledger, {product for _, product in chosen.values() if product})
    keys = {rows[0].text_key for rows in shown.values() if rows[0].text_key}
    texts = {
        row.key: row.text for row in select_in(ledger, select(contents.c.key, contents.c.text), contents.c.key, keys)
    }
    hits = []
    for image in dict.fromkeys(ids):
        if image not in shown:
            continue
        place, named = chosen[image]
        first = next((row for row in shown[image] if row.placement == place), shown[image][0])
        product = printed.get(named) if named else None
        caption = first.caption or next(
            (row.caption for row in shown[image] if row.caption and row.document == first.document), None
        )
        hits.append(
            Hit(
                kind="image",
                id=image,
                score=0.0,
                title=shorten(caption or (product.name if product else _place(first)), _MAX_TITLE),
                document_id=first.document,
                document=first.document_name,
                owner=first.owner,
                pages=tuple(sorted({row.page for row in shown[image] if row.document == first.document} - {NO_PAGE})),
                file=first.file,
                text=texts.get(first.text_key) or caption,
                **_of_product(product, caption),
            )
        )
    return hits


class NamedProduct(NamedTuple):
    """The fields of a product that a hit shows."""

    id: str
    name: str
    code: str | None
    price: str | None
    currency: str | None
    variants: tuple[Variant, ...]


def _of_product(product: NamedProduct | None, caption: str | None) -> dict[str, Any]:
    """Return the fields of a hit that its product has, or the variant that the caption names."""
    if product is None:
        return {}
    variant = named_variant(product.variants, caption) if caption else None
    price = (variant and variant.price) or (product.price and with_currency(product.price, product.currency))
    return {
        "product": product.name,
        "product_id": product.id,
        "code": (variant and variant.code) or product.code,
        "price": shorten(price, _MAX_PRICE) if price else None,
    }


def named_variant(variants: Sequence[Variant], caption: str) -> Variant | None:
    """Return the variant whose code a caption has, else the only one whose name it has."""
    said = f" {' '.join(_WORD.findall(caption.casefold()))} "

    def has(text: str | None) -> bool:
        return bool(words := _WORD.findall((text or "").casefold())) and f" {' '.join(words)} " in said

    by_code = [each for each in variants if has(each.code)]
    named = {each.name: each for each in variants if has(each.name)}
    found = by_code or list(named.values())
    return found[0] if len(found) == 1 else None


def _chosen_parts(
    ledger: Ledger, shown: Mapping[str, Sequence[Row[Any]]], where: Where | None
) -> dict[str, tuple[str, str | None]]:
    """Return image -> the placement that names it, and the product of that which does, if any."""
    parts, test = dict[str, list[ImagePart]](), None
    if where:
        test = satisfies(where)
        with ledger.read() as connection:
            parts = image_parts(connection, shown, currencies=where.currency)
    linked = products_of_placements(ledger, [row.placement for rows in shown.values() for row in rows])
    chosen = dict[str, tuple[str, str | None]]()
    for image, rows in shown.items():
        right = [part for part in parts.get(image, ()) if test is not None and test(part.payload)]
        if right:
            chosen[image] = right[0].placement, right[0].product
            continue
        here = [row for row in rows if row.document == rows[0].document]
        named = next((row for row in here if linked.get(row.placement)), rows[0])
        chosen[image] = named.placement, next(iter(linked.get(named.placement, ())), None)
    return chosen


def _place(shown: Row[Any]) -> str:
    return shown.document_name if shown.page == NO_PAGE else f"{shown.document_name}, page {shown.page}"


def describe_products(ledger: Ledger, ids: Sequence[str]) -> list[Hit]:
    """Return these products as hits, in the order given, each with its best linked images, without missing ones.

    Scores are 0.
    """
    rows = {row.id: row for row in select_in(ledger, _PRODUCTS, products.c.id, ids)}
    printed = _named(ledger, rows)
    pictures = pictures_of_products(ledger, rows)
    return [
        _hit(
            "product",
            row,
            title=row.name,
            file=pictures[row.id][0].file if row.id in pictures else None,
            **_of_product(printed[row.id], None),
            text=", ".join(f"{name}: {value}" for name, value in row.record["metadata"].items()) or None,
            images=tuple(picture.id for picture in pictures.get(row.id, ())[:_MAX_PICTURES]),
        )
        for row in (rows[i] for i in dict.fromkeys(ids) if i in rows)
    ]


def describe_chunks(ledger: Ledger, ids: Sequence[str]) -> list[Hit]:
    """Return these chunks as hits, in the order given, each with its best linked product. Scores are 0."""
    rows = {row.id: row for row in select_in(ledger, _CHUNKS, chunks.c.id, ids)}
    linked = products_of_chunks(ledger, ids)
    printed = _named(ledger, {product for products_ in linked.values() for product in products_[:1]})
    return [
        _hit(
            "chunk",
            row,
            title=shorten(row.record["headings"][-1] if row.record["headings"] else row.record["text"], _MAX_TITLE),
            text=row.record["text"],
            **_of_product(next((printed[p] for p in linked.get(row.id, []) if p in printed), None), None),
        )
        for row in (rows[i] for i in dict.fromkeys(ids) if i in rows)
    ]


def _hit(kind: ResultKind, row: Row[Any], **given: Any) -> Hit:
    of_document = {"document_id": row.document, "document": row.document_name, "owner": row.owner}
    return Hit(kind=kind, id=row.id, score=0.0, pages=tuple(row.record["pages"]), **of_document, **given)


def describe(ledger: Ledger, by: ResultKind, where: Where | None, ids: Sequence[str]) -> dict[str, Hit]:
    """Return id -> its hit, for the ids that exist; an image shows the placement that satisfies the filters."""
    if by == "image":
        found = describe_images(ledger, ids, where)
    else:
        found = (describe_products if by == "product" else describe_chunks)(ledger, ids)
    return {hit.id: hit for hit in add_labels(ledger, found)}


def are_kept(ledger: Ledger, hits: Iterable[Hit]) -> bool:
    """Return whether the document of each hit is still there, and not being deleted."""
    wanted = {hit.document_id for hit in hits}
    kept = select(documents.c.id).where(_is_kept)
    return len(select_in(ledger, kept, documents.c.id, wanted)) == len(wanted)


def add_labels(ledger: Ledger, hits: Sequence[Hit]) -> list[Hit]:
    """Return hits with the labels of their pages: the numbers that people read on them, where they are others."""
    labels = defaultdict[str, dict[int, str]](dict)
    for row in select_in(ledger, _LABELS, pages.c.document, {hit.document_id for hit in hits}):
        labels[row.document][row.number] = row.label
    return [
        hit.model_copy(update={"labels": {page: known[page] for page in hit.pages if page in known}})
        for hit in hits
        for known in [labels[hit.document_id]]
    ]


# --- queries ----------------------------------------------------------------------------------------------------------

_is_kept = documents.c.status != DocumentStatus.DELETING
_NEWEST_FIRST = case((documents.c.superseded_by.is_(None), links.c.score), else_=links.c.score - 1)
_PRODUCTS_OF_IMAGES = (
    linked_images(placements.c.image.label("source"), links.c.target, func.max(_NEWEST_FIRST).label("score"))
    .join(documents, documents.c.id == placements.c.document)
    .group_by(placements.c.image, links.c.target)
)
_LINKS = select(links.c.source, links.c.target, links.c.score)
_PRODUCTS_OF_PLACEMENTS = _LINKS.where(links.c.kind == LinkKind.IMAGE_PRODUCT)
_PRODUCTS_OF_CHUNKS = _LINKS.where(links.c.kind == LinkKind.CHUNK_PRODUCT)
_IMAGES_OF_CHUNKS = (
    select(
        chunks.c.id.label("source"),
        case((picture_file.is_not(None), placements.c.image)).label("target"),
        func.max(links.c.score).label("score"),
    )
    .outerjoin(links, (links.c.target == chunks.c.id) & (links.c.kind == LinkKind.IMAGE_CHUNK))
    .outerjoin(placements, (placements.c.id == links.c.source) & (placements.c.state.in_(COUNTED)))
    .outerjoin(images, images.c.id == placements.c.image)
    .outerjoin(contents, contents.c.key == images.c.content_key)
    .group_by(chunks.c.id, placements.c.image, contents.c.key)
)
_CHUNKS_OF_IMAGES = (
    select(images.c.id.label("source"), links.c.target, func.max(links.c.score).label("score"))
    .outerjoin(placements, (placements.c.image == images.c.id) & (placements.c.state.in_(COUNTED)))
    .outerjoin(links, (links.c.source == placements.c.id) & (links.c.kind == LinkKind.IMAGE_CHUNK))
    .group_by(images.c.id, links.c.target)
)
_SHOWN = (
    select(
        placements.c.id.label("placement"), placements.c.image, placements.c.document, placements.c.page,
        placements.c.caption, documents.c.name.label("document_name"), documents.c.owner, images.c.text_key,
        picture_file,
    )
    .join(documents, documents.c.id == placements.c.document)
    .join(images, images.c.id == placements.c.image)
    .outerjoin(contents, contents.c.key == images.c.content_key)
    .where(placements.c.state.in_(COUNTED), _is_kept)
    .order_by(documents.c.superseded_by.is_not(None), documents.c.created_at, documents.c.id, placements.c.ordinal)
)  # fmt: skip
_LABELS = select(pages.c.document, pages.c.number, pages.c.label).where(pages.c.label.is_not(None))
_PRODUCTS = PRODUCTS.add_columns(products.c.name).where(_is_kept)
_NAMED = select(
    products.c.id,
    products.c.name,
    products.c.record["code"].as_string().label("code"),
    products.c.record["metadata"]["price"].as_string().label("price"),
    products.c.record["metadata"]["currency"].as_string().label("currency"),
    products.c.record["variants"].label("variants"),
)
"""Parts of the record: a whole one takes ten times as long to read, and a search reads hundreds."""
_CHUNKS = (
    select(chunks.c.id, chunks.c.document, chunks.c.record, documents.c.name.label("document_name"), documents.c.owner)
    .join(documents)
    .where(_is_kept)
)


def _named(ledger: Ledger, ids: Iterable[str]) -> dict[str, NamedProduct]:
    return {
        row.id: NamedProduct(
            row.id, row.name, row.code, row.price, row.currency, tuple(map(Variant.model_validate, row.variants or ()))
        )
        for row in select_in(ledger, _NAMED, products.c.id, ids)
    }


# --- links ------------------------------------------------------------------------------------------------------------


def _linked(query: Select[Any], column: Any, ledger: Ledger, ids: Sequence[str]) -> dict[str, list[str]]:
    """Return id -> what is linked to it, best score first."""
    scored: dict[str, list[tuple[float, str]]] = {}
    for source, target, score in select_in(ledger, query, column, ids):
        targets = scored.setdefault(source, [])
        if target is not None:
            targets.append((-score, target))
    return {source: [target for _, target in sorted(targets)] for source, targets in scored.items()}


products_of_images = partial(_linked, _PRODUCTS_OF_IMAGES, placements.c.image)
"""Products linked to any placement of an image, those of older editions last."""
products_of_placements = partial(_linked, _PRODUCTS_OF_PLACEMENTS, links.c.source)
products_of_chunks = partial(_linked, _PRODUCTS_OF_CHUNKS, links.c.source)
images_of_chunks = partial(_linked, _IMAGES_OF_CHUNKS, chunks.c.id)
chunks_of_images = partial(_linked, _CHUNKS_OF_IMAGES, images.c.id)
"""These two go by any placement of the image, and have a list for each id that is a chunk, or an image."""


# --- texts ------------------------------------------------------------------------------------------------------------


def texts_of(known: ReadCache, by: ResultKind, ids: Sequence[str]) -> dict[str, list[tuple[str, ...]]]:
    """Return image, product or chunk -> its texts, for the ids that exist; some texts may occur twice.

    A product has the texts of its chunks and images; an image those of the chunks that it is linked to, and those of
    each product, which are the same tuple for all images of the product.
    """
    if by == "product":
        return {i: [texts] for i, texts in known.each(_texts_of_products, ids).items()}
    if by == "chunk":
        return {i: [(text,)] for i, text in known.each(_texts_of_chunks, ids).items()}
    linked, products = known.each(chunks_of_images, ids), known.each(products_of_images, ids)
    of_products = known.each(_texts_of_products, [p for i in ids for p in products.get(i, ())])
    own = known.each(_texts_of_images, ids)
    own |= known.each(_texts_of_chunks, [chunk for i in ids for chunk in linked.get(i, ())])
    return {
        i: [
            tuple(own[each] for each in (i, *linked.get(i, ())) if each in own),
            *(of_products[p] for p in products.get(i, ()) if p in of_products),
        ]
        for i in ids
    }


def _texts_of_products(ledger: Ledger, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return product -> the texts of its chunks and images, each once, because many images share a text."""
    texts = defaultdict[str, dict[str, None]](dict)
    for query, read in ((_CHUNKS_OF_PRODUCTS, _texts_of_chunks), (_IMAGES_OF_PRODUCTS, _texts_of_images)):
        linked = select_in(ledger, query, links.c.target, ids)
        said = read(ledger, {source for source, _ in linked})
        for source, product in linked:
            if source in said:
                texts[product][said[source]] = None
    return {product: tuple(each) for product, each in texts.items()}


def _texts(query: Any, column: Any, ledger: Ledger, ids: Collection[str]) -> dict[str, str]:
    """Return id -> all texts of its rows, each once."""
    texts = defaultdict[str, dict[str, None]](dict)
    for source, *parts in select_in(ledger, query, column, ids):
        for part in parts:
            for text in part if isinstance(part, list) else [part]:
                texts[source][text or ""] = None
    return {source: "\n".join(each) for source, each in texts.items()}


_TEXTS_OF_CHUNKS = select(chunks.c.id, chunks.c.record["headings"], chunks.c.record["text"].as_string())
_TEXTS_OF_IMAGES = (
    select(images.c.id, placements.c.caption, placements.c.nearby_text, contents.c.text)
    .join(placements, placements.c.image == images.c.id)
    .outerjoin(contents, contents.c.key == images.c.text_key)
    .where(placements.c.state.in_(COUNTED))
)
_texts_of_chunks = partial(_texts, _TEXTS_OF_CHUNKS, chunks.c.id)
_texts_of_images = partial(_texts, _TEXTS_OF_IMAGES, images.c.id)
_CHUNKS_OF_PRODUCTS = select(links.c.source, links.c.target).where(links.c.kind == LinkKind.CHUNK_PRODUCT)
_IMAGES_OF_PRODUCTS = linked_images(placements.c.image, links.c.target)
