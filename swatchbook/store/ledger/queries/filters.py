"""Select the results that satisfy filters, count the values to filter by (facets), and suggest nearest values.

Facets have at most 100 values a field. A filter that matches nothing gets the five nearest values. What can be found is
every product, and the images and chunks that are published, those of the newest document first.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Select, select

from swatchbook.domain.records import COUNTED, Facet, Facets, FacetValue, PriceRange, ResultKind, Unmatched
from swatchbook.index.contract import FILTERS, Kind, Payload, Where
from swatchbook.index.matching import satisfies
from swatchbook.index.words import likeness, value_key
from swatchbook.store.ledger.database import Ledger, Source, portions, select_in
from swatchbook.store.ledger.payloads import chunk_payloads, image_payloads, product_payloads
from swatchbook.store.ledger.read_cache import ReadCache
from swatchbook.store.ledger.tables import chunks, documents, images, placements, products

MOST_VALUES = 100
"""Values of a field that facets list at most."""

MOST_KEPT = 20_000
"""Payloads of a collection that are kept for the next filter, each of 1 to 2 KB; larger collections are read again."""

NEAREST = 5
"""Values that are named for a filter that matches nothing."""

ALIKE = 0.6
"""Likeness from which a value counts as near; else the most frequent values are named."""

FIELDS: Mapping[str, str] = {name: each.column for name, each in FILTERS.items() if not each.is_limit}
"""Filter -> the payload's field whose values are counted."""

_FILTERS: Mapping[str, tuple[str, ...]] = {name: (name,) for name in FIELDS if name != "document"} | {
    "price": ("price_min", "price_max")
}
"""Field, as people name it -> the filters on it, without those that SQL decides."""


def satisfying(ledger: Ledger, by: ResultKind, ids: Collection[str], where: Where) -> set[str]:
    """Return those of these images, products or chunks that satisfy the filters."""
    test = satisfies(where)
    with ledger.read() as connection:
        return {id for id, payload in _payloads(connection, by, ids, where).items() if test(payload)}


def matching(known: ReadCache, by: ResultKind, where: Where, enough: int) -> tuple[Sequence[str], int | None]:
    """Return the ids of images, products or chunks that satisfy the filters, newest document first; and how many.

    In a collection of more than MOST_KEPT only the first `enough` are looked for, and their number is None.
    """
    ids = _listed(known, by, where)
    if where == _scope(where):
        return ids, len(ids)
    if len(ids) <= MOST_KEPT:
        test, kept = satisfies(where), _kept_payloads(known, by, where)
        found = known.once(lambda: [id for id, payload in kept.items() if test(payload)], matching, by, where)
        return found, len(found)
    first = list[str]()
    for some in portions(ids):
        right = satisfying(known.ledger, by, some, where)
        first += [id for id in some if id in right]
        if len(first) >= enough:
            return first, None
    return first, len(first)


def facets_of(known: ReadCache, by: ResultKind, where: Where, among: Collection[str] | None = None) -> Facets:
    """Return the values of each field, with counts, of all images, products or chunks that satisfy the filters.

    Spellings that are equal for filters ("Oak", "oak") are one value, in the most frequent spelling. Only published
    images and chunks count. Owners are counted if all are searched. `among`: only these images, products or chunks.
    """
    test, kept = satisfies(where), None
    if among is None and len(_listed(known, by, where)) <= MOST_KEPT:
        kept = _kept_payloads(known, by, where)
    with known.ledger.read() as connection:
        payloads: Iterable[tuple[str, Payload]]
        if kept is not None:
            payloads = kept.items()
        elif among is None:
            payloads = _all_payloads(connection, by, where)
        else:
            payloads = (pair for ids in portions(among) for pair in _payloads(connection, by, ids, where).items())
        found = [payload for _, payload in sorted(payloads, key=itemgetter(0)) if test(payload)]
        shown = {each for payload in found for each in payload.documents}
        query = select(documents.c.id, documents.c.name)
        if where.newest_only:
            query = query.where(documents.c.superseded_by.is_(None))
        names = {row.id: row.name for row in select_in(connection, query, documents.c.id, shown)}
    owners = {} if where.owner else {"owner": _facet(Counter(payload.owner for payload in found), {})}
    return Facets(
        by=by,
        total=len(found),
        fields={
            field: _facet(_count(found, name, only=names if field == "document" else None), names)
            for field, name in FIELDS.items()
        }
        | owners,
        price=_price_range(found, where),
    )


def _listed(known: ReadCache, by: ResultKind, where: Where) -> Sequence[str]:
    return known.once(lambda: listed_ids(known.ledger, by, where), _listed, by, _scope(where))


def _scope(where: Where) -> Where:
    """Return the filters on owners, documents and editions, which SQL decides."""
    return _only(where, ())


def _kept_payloads(known: ReadCache, by: ResultKind, where: Where) -> Mapping[str, Payload]:
    """Return the payloads of all, in their order, before filters; read once while nothing is committed."""

    def read() -> Mapping[str, Payload]:
        with known.ledger.read() as connection:
            return dict(_all_payloads(connection, by, where))

    return known.once(read, _kept_payloads, by, _scope(where), where.currency)


def unmatched(ledger: Ledger, by: ResultKind, where: Where) -> list[Unmatched]:
    """Return the filters because of which nothing is found, each with the nearest values that would find something.

    The values satisfy the other filters; if the others find nothing either, they are values of all documents that are
    searched. Empty if something satisfies all filters, or if no single filter is the reason.
    """
    asked = [field for field, filters in _FILTERS.items() if any(_is_given(where, each) for each in filters)]
    if not asked:
        return []
    with ledger.read() as connection:
        searched = [payload for _, payload in sorted(_all_payloads(connection, by, where))]
    if any(map(satisfies(where), searched)):
        return []
    others = {field: _only(where, [each for each in asked if each != field]) for field in asked}
    beside = {field: list(filter(satisfies(others[field]), searched)) for field in asked}
    if reasons := [field for field in asked if beside[field]]:
        return [_nearest(field, where, beside[field]) for field in reasons]
    alone = [field for field in asked if not any(map(satisfies(_only(where, [field])), searched))]
    return [_nearest(field, where, searched) for field in alone if searched]


def _price_range(found: Iterable[Payload], where: Where) -> PriceRange | None:
    """Return the range of the prices, with the currencies that they may be in: those asked for, or else all.

    No currency is returned if that of one of the prices is not known.
    """
    priced = [payload for payload in found if payload.price is not None]
    prices = [payload.price for payload in priced if payload.price is not None]
    if not prices:
        return None
    known = all(payload.currency for payload in priced)
    currencies = where.currency or (sorted({each for payload in priced for each in payload.currency}) if known else ())
    return PriceRange(lowest=min(prices), highest=max(prices), count=len(prices), currencies=tuple(currencies))


def _is_given(where: Where, name: str) -> bool:
    return getattr(where, name) not in ((), None)


def _in_currency(amounts: str, currencies: Iterable[str]) -> str:
    return " ".join([amounts, " or ".join(currencies)]).rstrip()


def _only(where: Where, fields: Iterable[str]) -> Where:
    """Return the filters on these fields, and on owners and documents."""
    names = ("owner", "owners", "document", "editions", *(name for field in fields for name in _FILTERS[field]))
    return Where.model_validate({name: getattr(where, name) for name in names})


def _nearest(field: str, where: Where, found: Sequence[Payload]) -> Unmatched:
    """Return what was asked for of a field, and the nearest of the values that these payloads have."""
    if field == "price":
        given = [(sign, getattr(where, name)) for sign, name in (("≥", "price_min"), ("≤", "price_max"))]
        span = _price_range(found, where)
        return Unmatched(
            field=field,
            asked=tuple(
                _in_currency(f"{sign} {limit:g}", where.currency) for sign, limit in given if limit is not None
            ),
            nearest=(_in_currency(f"{span.lowest:g} to {span.highest:g}", span.currencies),) if span else (),
        )
    asked = tuple(map(str, *(getattr(where, name) for name in _FILTERS[field])))
    counted = _count(found, FIELDS[field])
    if FILTERS[field].kind is Kind.NUMBERS:
        near_by = {value: min(abs(int(value) - int(each)) for each in asked) for value in counted}
        nearest = sorted(counted, key=lambda each: (near_by[each], int(each)))
    else:
        near = {value: max(likeness(each, value) for each in asked) for value in counted}
        nearest = sorted(counted, key=lambda each: (-near[each] if near[each] >= ALIKE else 0.0, -counted[each], each))
    return Unmatched(field=field, asked=asked, nearest=tuple(nearest[:NEAREST]))


# --- payloads ---------------------------------------------------------------------------------------------------------


def _payloads(connection: Connection, by: ResultKind, ids: Collection[str], where: Where) -> dict[str, Payload]:
    if by == "product":
        return product_payloads(connection, ids)
    read = image_payloads if by == "image" else chunk_payloads
    return read(connection, ids, texts=False, currencies=where.currency)


def _all_payloads(connection: Connection, by: ResultKind, where: Where) -> Iterator[tuple[str, Payload]]:
    """Yield id and payload of all images, products or chunks of the owner and the documents in the filters.

    The order is that of `listed_ids`. Those of one document follow each other: what they share, such as their
    products, is read once.
    """
    for ids in portions(listed_ids(connection, by, where)):
        payloads = _payloads(connection, by, ids, where)
        yield from ((id, payloads[id]) for id in ids if id in payloads)


# --- counting ---------------------------------------------------------------------------------------------------------


def _count(found: Iterable[Payload], name: str, *, only: Collection[str] | None = None) -> Counter[str]:
    """Return value -> how many payloads have it in this field; `only`: of these values.

    Spellings with the same words are one value.
    """
    values_of = (dict.fromkeys(map(str, getattr(payload, name))) for payload in found)
    spelt = Counter[tuple[str, ...]](tuple(v for v in values if only is None or v in only) for values in values_of)
    keys = {value: value_key(name, value) for values in spelt for value in values}
    by_key, by_spelling = Counter[str](), Counter[str]()
    for values, count in spelt.items():
        for key in {keys[value] for value in values}:
            by_key[key] += count
        for value in values:
            by_spelling[value] += count
    spellings = {keys[value]: value for value, _ in reversed(by_spelling.most_common())}
    return Counter({spellings[key]: count for key, count in by_key.items() if key})


def _facet(counted: Counter[str], names: Mapping[str, str]) -> Facet:
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return Facet(
        values=tuple(FacetValue(value=v, count=count, name=names.get(v)) for v, count in ordered[:MOST_VALUES]),
        more=max(0, len(ordered) - MOST_VALUES),
    )


# --- all that can be found --------------------------------------------------------------------------------------------


def listed_ids(source: Source, by: ResultKind, where: Where) -> list[str]:
    """Return the ids of what the owners, documents and editions in the filters have; other filters are not applied.

    Those of one document follow each other in its order; an image counts where it is shown first.
    """
    query = _LISTED[by]
    if where.whose:
        query = query.where(documents.c.owner.in_(where.whose))
    if where.document:
        query = query.where(documents.c.id.in_(where.document))
    if where.newest_only:
        query = query.where(documents.c.superseded_by.is_(None))
    return list(dict.fromkeys(source.execute(query).scalars()))


def _newest_first(query: Select[Any], ordinal: Any) -> Select[Any]:
    return query.order_by(documents.c.created_at.desc(), documents.c.id, ordinal)


_LISTED: Mapping[ResultKind, Select[Any]] = {
    "image": _newest_first(
        select(placements.c.image)
        .join(images, images.c.id == placements.c.image)
        .join(documents, documents.c.id == placements.c.document)
        .where(placements.c.state.in_(COUNTED), images.c.published > 0, ~images.c.gone),
        placements.c.ordinal,
    ),
    "product": _newest_first(select(products.c.id).join(documents), products.c.ordinal),
    "chunk": _newest_first(
        select(chunks.c.id).join(documents).where(chunks.c.published > 0, ~chunks.c.gone), chunks.c.ordinal
    ),
}
