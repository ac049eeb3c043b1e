"""A collection to filter: the small sample, whose pictures and texts belong to several products in many languages at
once, and an older edition of it with some of both; another owner has the same pictures and texts with other products.
Also what each of its images, products and chunks has, read from bare rows.
"""

import random
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from swatchbook.domain.records import LinkKind, PlacementState, identity
from swatchbook.ingest.publish import publish_round
from swatchbook.resources import Resources
from swatchbook.store.ledger.database import Ledger
from swatchbook.store.ledger.publishing import mark_dirty
from swatchbook.store.ledger.tables import analyses, chunks, documents, images, links, placements, products, requested
from swatchbook.upkeep.verify import rebuild
from tests.tables import rows_of

MADE_UP: Mapping[str, tuple[str, str, str, str, float | None]] = {
    name: (category, material, colors, printed, price)
    for name, category, material, colors, printed, price in rows_of(__file__, "made_up")
}
"""Product -> category, material, colours and price as printed, and the price."""

TOLD: Mapping[str, Mapping[str, str]] = dict(rows_of(__file__, "told"))
"""Product -> more of what is printed or scraped."""

READ: Mapping[str, Mapping[str, set[str]]] = {
    name: {field: set(values) for field, values in read.items()} for name, read in rows_of(__file__, "read")
}
"""What filters read of it, by hand."""

BY_WORDS = ("brand", "size", "condition", "currency", "host")

ANNA, OTHER = "anna", "bert"
"""Whose small sample it is, and who has the same pictures and texts."""

OLDER = ("Vecchio", 5.0)
"""The product of the older edition, cheaper than all others, and its price."""

SEEN = ("navy", "grey blue", "white", "ivory", "terracotta", "teal", "magenta")
"""Colours that pictures show."""

IN_SAMPLE = {"Nordvik Oak": 82.5, "Palladio Terrazzo": 96.0}

SAME: Mapping[str, Sequence[str]] = dict(rows_of(__file__, "same"))
"""What is asked for in another language or more broadly -> what of it this collection prints or shows, by hand."""


ONE_WORD = {"60 × 120": ("60x120",), "30 X 30 ": ("30x30",)}
"""How sizes may be asked for."""


class Thing(NamedTuple):
    """What filters may ask of an image, a product or a chunk."""

    owner: str
    documents: set[str]
    names: set[str]
    products: set[str]
    category: set[str]
    material: set[str]
    colors: set[str]
    pages: set[int]
    prices: set[tuple[float, str]]  # with their currencies
    brand: set[str]
    size: set[str]
    condition: set[str]
    currency: set[str]
    host: set[str]
    superseded: bool = False
    parts: "tuple[Thing, ...]" = ()  # of an image: what one placement with one product has

    def price(self, asked: Mapping[str, Any]) -> float | None:
        """Return the lowest price, of those in the currencies asked for."""
        wanted = [words(currency) for currency in asked.get("currency", ())]
        within = (price for price, own in self.prices if not wanted or any(way <= words(own) for way in wanted))
        return min(within, default=None)


def fill(resources: Resources) -> None:
    """Give anna's sample the made-up products, several to each picture and text, and publish all into a fresh index."""
    chance = random.Random(13)
    with resources.ledger.write() as connection:
        (document,) = connection.execute(select(documents.c.id)).scalars()
        sample = connection.execute(select(products)).mappings().all()
        ids = {row["name"]: row["id"] for row in sample}
        for number, (name, (category, material, color, price, _)) in enumerate(MADE_UP.items()):
            ids[name] = identity(document, name)
            printed = {"material": material, "color": color, "price": price, **TOLD[name]}
            record = dict(sample[0]["record"]) | {
                "id": ids[name], "name": name, "category": category, "pages": [number + 1, number + 2],
                "metadata": {key: value for key, value in printed.items() if value},
            }  # fmt: skip
            row = dict(sample[0]) | {"id": ids[name], "name": name, "ordinal": 10 + number, "record": record}
            connection.execute(insert(products).values(row))
        to_products = (LinkKind.IMAGE_PRODUCT, LinkKind.CHUNK_PRODUCT)
        connection.execute(delete(links).where(links.c.kind.in_(to_products)))
        shown = connection.execute(select(placements.c.id).where(placements.c.state == PlacementState.SHOWN)).scalars()
        told = connection.execute(select(chunks.c.id).where(chunks.c.embed)).scalars()
        for kind, sources in zip(to_products, (sorted(shown), sorted(told)), strict=True):
            for number, source in enumerate(sources):
                own = {[*ids][number % len(ids)], *chance.sample([*ids], chance.randrange(3))}
                own |= {"Volta"} if "Brina Grande" in own else set()  # never without a cheaper one
                _link(connection, document, kind, source, *(ids[name] for name in sorted(own)))
        _age(connection, document)
        _copy_for(connection, OTHER)
        for number, row in enumerate(connection.execute(select(analyses).order_by(analyses.c.key)).mappings().all()):
            large, small = chance.sample(SEEN, 2)
            colors = [{"name": large, "share": 0.6}, {"name": small, "share": 0.1}]
            record = dict(row["record"]) | {"colors": colors, "material": "solid brass" if number % 4 == 0 else None}
            connection.execute(
                update(analyses).where(analyses.c.key == row["key"], analyses.c.tag == row["tag"]).values(record=record)
            )
    mark_dirty(resources.ledger)
    rebuild(resources)
    while publish_round(resources).rows:
        pass


def _link(connection: Connection, document: str, kind: LinkKind, source: str, *targets: str) -> None:
    given = {"document": document, "kind": kind, "source": source, "generation": "G", "score": 0.8, "evidence": []}
    connection.execute(insert(links), [{**given, "target": target} for target in targets])


def _age(connection: Connection, document: str) -> None:
    """Make an older edition of the document: every fifth picture and text is in it only, some more are in both."""
    older, name = identity(document, "older"), OLDER[0]
    row = dict(connection.execute(select(documents)).mappings().one())
    row |= {"id": older, "content": "0" * 64, "name": "older.pdf", "superseded_by": document}
    connection.execute(insert(documents).values(row))
    connection.execute(update(documents).where(documents.c.id == document).values(edition_of=older))
    sample = dict(connection.execute(select(products)).mappings().first() or {})
    printed = {"material": "cotto", "color": "magenta", "price": f"€ {OLDER[1]}", "brand": "Nord"}
    record = sample["record"] | {"id": identity(older, name), "name": name, "pages": [1, 8], "metadata": printed}
    product = sample | {"id": identity(older, name), "document": older, "name": name, "record": record}
    connection.execute(insert(products).values(product))
    places = connection.execute(
        select(placements).where(placements.c.state == PlacementState.SHOWN).order_by(placements.c.id)
    ).mappings()
    sources = {LinkKind.IMAGE_PRODUCT: list[str](), LinkKind.CHUNK_PRODUCT: list[str]()}
    for number, place in enumerate(places.all()):
        if number % 5 == 0:
            connection.execute(update(placements).where(placements.c.id == place["id"]).values(document=older))
            sources[LinkKind.IMAGE_PRODUCT].append(place["id"])
        elif number % 5 == 1:
            copy = dict(place) | {"id": identity(older, place["id"]), "document": older, "page": 8}
            connection.execute(insert(placements).values(copy))
            sources[LinkKind.IMAGE_PRODUCT].append(copy["id"])
    texts = connection.execute(select(chunks.c.id).where(chunks.c.embed).order_by(chunks.c.id)).scalars().all()
    sources[LinkKind.CHUNK_PRODUCT] = list(texts[::5])
    for chunk in sources[LinkKind.CHUNK_PRODUCT]:
        connection.execute(update(chunks).where(chunks.c.id == chunk).values(document=older))
    for kind, of in sources.items():
        connection.execute(delete(links).where(links.c.source.in_(of)))
        for source in of:
            _link(connection, older, kind, source, product["id"])


def _copy_for(connection: Connection, owner: str) -> None:
    """Give another owner all documents, but most of the pictures and texts to other products of theirs."""
    tables = (documents, requested, images, placements, chunks, products, links)
    rows = {table: [dict(row) for row in connection.execute(select(table)).mappings()] for table in tables}
    new = {row["id"]: identity(owner, row["id"]) for table in tables for row in rows[table] if "id" in row}
    others = [row["id"] for row in rows[products] if row["name"] != OLDER[0]]
    next_product = dict(zip(others, [*others[1:], others[0]], strict=True))
    for link in rows[links]:
        link["target"] = next_product.get(link["target"], link["target"])
    for table in tables:
        for row in rows[table]:
            row |= {name: new.get(value, value) for name, value in row.items() if isinstance(value, str)}
            row |= {"owner": owner} if "owner" in row else {}
            row |= {"record": {**row["record"], "id": new_id}} if (new_id := row.get("id")) and "record" in row else {}
        connection.execute(insert(table), rows[table])


def things(ledger: Ledger) -> dict[str, dict[str, Thing]]:
    """Return "image", "product", "chunk" -> id -> what it has."""
    prices = {name: price for name, (*_, price) in MADE_UP.items()} | IN_SAMPLE | dict([OLDER])
    with ledger.read() as connection:
        of_products = connection.execute(select(products)).mappings().all()
        placed = select(placements, images.c.content_key, images.c.owner).join(
            images, images.c.id == placements.c.image
        )
        of_placements = connection.execute(placed.where(placements.c.state == PlacementState.SHOWN)).all()
        of_chunks = connection.execute(select(chunks).where(chunks.c.embed)).all()
        seen = {row.key: row.record for row in connection.execute(select(analyses.c.key, analyses.c.record))}
        linked = defaultdict[str, set[str]](set)
        for row in connection.execute(select(links.c.source, links.c.target)):
            linked[row.source].add(row.target)
        owners = dict(connection.execute(select(documents.c.id, documents.c.owner)).tuples().all())
        older = set(connection.execute(select(documents.c.id).where(documents.c.superseded_by.is_not(None))).scalars())
    known = {row["id"]: row for row in of_products}
    image_of = {row.id: row for row in of_placements}

    def printed(ids: Iterable[str], label: str) -> set[str]:
        return {known[i]["record"]["metadata"].get(label, "") for i in ids} - {""}

    def told(ids: Iterable[str]) -> dict[str, set[str]]:
        read = [READ.get(known[i]["name"]) or in_sample(known[i]["record"]["metadata"]) for i in ids]
        return {field: set().union(*(each.get(field, ()) for each in read)) for field in BY_WORDS}

    def paid(ids: Iterable[str]) -> set[tuple[float, str]]:
        priced = [(price, i) for i in ids if (price := prices[known[i]["name"]]) is not None]
        return {(price, "".join(told([i])["currency"])) for price, i in priced}

    def inherited(source_ids: Iterable[str]) -> dict[str, Any]:
        return of({i for source in source_ids for i in linked[source] if i in known})

    def of(ids: Iterable[str]) -> dict[str, Any]:
        own = {*ids}
        return {
            "products": own, "names": {known[i]["name"] for i in own},
            "category": {known[i]["record"]["category"] for i in own}, "material": printed(own, "material"),
            "colors": printed(own, "color"), "prices": paid(own), **told(own),
        }  # fmt: skip

    def colors(key: str, least: float = 0.0) -> set[str]:
        return {color["name"] for color in seen[key]["colors"] if color["share"] >= least}

    def parts(rows: Sequence[Any], places: Sequence[Any]) -> Iterator[Thing]:
        aged = {row.document for row in places} & older
        for row in rows:
            looks = seen[row.content_key]
            for id in [i for i in linked[row.id] if i in known] or [None]:
                own = inherited([row.id]) if id is None else of([id])
                own |= {"colors": colors(row.content_key), "material": own["material"] | ({looks["material"]} - {None})}
                yield Thing(
                    owner=row.owner, documents={row.document} | aged, pages={row.page},
                    superseded=row.document in older, **own,
                )  # fmt: skip

    found: dict[str, dict[str, Thing]] = {"image": {}, "product": {}, "chunk": {}}
    for image in {row.image for row in of_placements}:
        places = [row for row in of_placements if row.image == image]
        rows = [row for row in places if row.document not in older] or places  # what is newer, if anything is
        own = inherited(row.id for row in rows)
        looks = seen[rows[0].content_key]
        own |= {"colors": colors(rows[0].content_key), "material": own["material"] | ({looks["material"]} - {None})}
        found["image"][image] = Thing(
            owner=rows[0].owner, documents={row.document for row in places}, pages={row.page for row in rows},
            superseded=rows[0].document in older, parts=tuple(parts(rows, places)), **own,
        )  # fmt: skip
    for row in of_chunks:
        own = inherited([row.id])
        own |= {"superseded": row.document in older}
        found["chunk"][row.id] = Thing(
            owner=owners[row.document], documents={row.document}, pages={*row.record["pages"]}, **own
        )
    for id, product in known.items():
        keys = {
            image_of[source].content_key for source, targets in linked.items() if id in targets and source in image_of
        }
        looks_of = {seen[key]["material"] for key in keys} - {None}
        found["product"][id] = Thing(
            owner=owners[product["document"]], documents={product["document"]}, names={product["name"]}, products={id},
            category={product["record"]["category"]}, material=printed([id], "material") or looks_of,
            colors=printed([id], "color").union(*(colors(key, 0.3) for key in keys)),
            pages={*product["record"]["pages"]}, prices=paid([id]),
            superseded=product["document"] in older, **told([id]),
        )  # fmt: skip
    return found


def in_sample(metadata: Mapping[str, str]) -> dict[str, set[str]]:
    """What is read of a product of the sample, all of which have their price in euros."""
    printed = [size.replace(" × ", "x") for size in re.split(", |; ", metadata.get("size", "")) if size]
    sized = [re.search(r"[\d.,]+(?:x[\d.,]+)+(?: [cm]m)?", size) for size in printed]
    sizes = {match[0] if match else size for size, match in zip(printed, sized, strict=True)}
    return {"size": sizes, "currency": {"EUR"} if "€" in metadata.get("price", "") else set()}


def words(text: str) -> set[str]:
    """By hand: distinct words, caseless, without accents."""
    bare = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).casefold()
    return set("".join(c if c.isalnum() else " " for c in bare).split())


def has(thing: Thing, asked: Mapping[str, Any]) -> bool:
    """Return whether it satisfies filters, named as over HTTP: an image by one of its parts, never by a mix of them."""
    if thing.parts:
        return any(has(part, asked) for part in thing.parts)

    def said(field: str, values: set[str], ways: Mapping[str, Sequence[str]]) -> bool:
        wanted = [words(way) for each in asked.get(field, ()) for way in ways.get(each, (each,))]
        return field not in asked or any(way <= words(value) for way in wanted for value in values)

    price = thing.price(asked)
    return (
        (thing.owner in asked.get("owner", [ANNA]) or asked.get("owner") == [])
        and (not thing.superseded or asked.get("editions") == "all" or "document" in asked)
        and said("category", thing.category, {})
        and all(said(field, getattr(thing, field), ONE_WORD) for field in BY_WORDS)
        and said("material", thing.material, SAME)
        and said("color", thing.colors, SAME)
        and (not asked.get("product") or bool(thing.products & {*asked["product"]}) or said("product", thing.names, {}))
        and ("page" not in asked or bool(thing.pages & {*asked["page"]}))
        and ("document" not in asked or bool(thing.documents & {*asked["document"]}))
        and ("price_min" not in asked or (price is not None and price >= asked["price_min"]))
        and ("price_max" not in asked or (price is not None and price <= asked["price_max"]))
    )
