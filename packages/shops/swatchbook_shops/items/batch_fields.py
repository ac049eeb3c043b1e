"""Find the fields of a record of a shop or scraper by their names. `batch_names.py` has the names.

A field is searched in this order: by its name in the record; by that name without `product_` or the like, or without a
language; in an inner object, or the first in a list (`offers`, `variants`); in attributes, each with name and value.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from swatchbook.ingest.sources.field_words import flat, is_picture_field, split_words, words_of
from swatchbook.ingest.sources.item_files import TITLE, is_empty
from swatchbook_shops.items.batch_names import LANGUAGES, NAMES, PREFIXES, PRICE_WORDS
from swatchbook_shops.items.batch_values import as_price, attributes_in, is_currency_code, is_value, listed, lookup

Columns = Mapping[str, Sequence[str]]
"""Name of ours -> the fields of a record; the first that is present counts."""

_MAX_NAME = 200  # characters of a field's name

_METADATA = re.compile(r"\w+\s?: ?\w")
_HIDDEN = re.compile(r"\w+\s?: ?_")
"""Metadata of programs in WooCommerce's export, such as "Meta: _unit_price" and "Méta : _price", which is no price."""


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    value: Any


def is_metadata(name: str) -> bool:
    """Return whether a column has metadata of programs in a shop, by its name: "Meta: colour_code"."""
    return _METADATA.match(name) is not None


def is_price_field(name: str) -> bool:
    """Return whether a field has a price by its name."""
    return any(each in _PRICES for each in (flat(name.removeprefix("g:")), *_short_names(name)))


def has_item_fields(record: Mapping[str, Any]) -> int:
    """Return the number of kinds of an item's fields (title, price, pictures …) in the names of a record's fields."""
    names = [str(name) for name in record]
    found = {_KINDS.get(flat(name.removeprefix("g:"))) for name in names} - {None}
    return len(found) + any(is_picture_field(name) for name in names)


_PRICES = frozenset({*NAMES["price"], *NAMES["regular_price"]})
_KINDS = {name: kind for kind, names in reversed([*NAMES.items()]) for name in names}


class Fields:
    """The fields of a record, found by name, with the use that was made of them.

    `record` is as it was written, as mappings name its fields; `plain` has its offers as a list.
    """

    def __init__(self, record: Mapping[str, Any], given: Columns) -> None:
        self.record, self.given, self.plain = record, given, _with_listed_offers(record)
        self.filled = [str(name) for name, value in record.items() if not is_empty(value)]
        self.used = set[str]()
        self.columns = dict[str, list[str]]()
        self.top = _by_name((name, value) for name, value in self.plain.items())
        self._short = _by_name(
            (short, value, name) for name, value in self.plain.items() for short in _short_names(name)
        )

    def read(self, kind: str, convert: Any) -> Any:
        """Return the value of a kind of field: the first that `convert` does not read as None."""
        if kind in self.given:
            found = ((name, lookup(self.record, name)) for name in self.given[kind])
            return next(
                (got for name, value in found if (got := self._use(kind, name, value, convert)) is not None), None
            )
        for place in ("top", "_short", "inner"):  # each is made only where those before it lack the field
            fields = getattr(self, place)
            for field in (each for name in NAMES[kind] for each in fields.get(name, ())):
                is_inner = place != "top" and "." in field.name
                if is_inner and not _may_hold(kind, field.name.split(".")[0]):
                    continue
                if (got := self._use(kind, field.name, field.value, convert)) is not None:
                    return got
        return None

    def use(self, name: str) -> None:
        """Record that a field was used, by its name or the dotted name of one in it."""
        self.used.add(name if name in self.record else name.split(".")[0])

    def note(self, kind: str, name: str) -> None:
        """Record that a field was used for a kind of field."""
        self.use(name)
        self.columns.setdefault(kind, []).append(name)

    @cached_property
    def inner(self) -> dict[str, list[Field]]:
        """The fields of inner objects and of attributes."""
        return _by_name(_inner_fields(self.plain))

    def _use(self, kind: str, name: str, value: Any, convert: Any) -> Any:
        got = None if is_empty(value) else convert(value)
        if got is not None:
            self.note(kind, name)
        return got


def _with_listed_offers(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a record whose offers are a list, where schema.org's AggregateOffer has them within."""
    changed = dict[str, Any]()
    for name, value in record.items():
        if flat(str(name)) == "offers":
            offers = [offer for each in listed(value) for offer in _offers_within(each)]
            changed |= {name: offers} if offers != listed(value) else {}
    return {**record, **changed} if changed else record


def _offers_within(offer: Any) -> Iterator[Any]:
    """Yield the offers within an offer, with its currency; the offer itself if no price is found within it."""
    within = listed(offer.get("offers")) if isinstance(offer, dict) else []
    if as_price(within) is None:
        yield offer
        return
    shared = {key: offer[key] for key in ("priceCurrency",) if key in offer}
    yield from ({**shared, **each} if isinstance(each, dict) else each for each in within)


def _by_name(fields: Iterable[tuple[str, Any] | tuple[str, Any, str]]) -> dict[str, list[Field]]:
    """Return the fields with a value by their flat names; those of Google's namespace go first."""
    found = dict[str, list[Field]]()
    for each in fields:
        name, value, real = str(each[0]), each[1], str(each[-1] if len(each) == 3 else each[0])
        if is_empty(value) or name.startswith("@") or _HIDDEN.match(name):
            continue
        own = name.startswith("g:")
        same = found.setdefault(flat(name[2:] if own else name), [])
        same.insert(0, Field(real, value)) if own else same.append(Field(real, value))
    return found


def _short_names(name: str) -> Iterator[str]:
    """Yield a field's name without words that may be around it: `product_price`, `title_en`, `name[de]`, `vk_brutto`.

    Several names with a slash between them ("Marke/Hersteller") are yielded separately.
    """
    plain = _IN_BRACKETS.sub(" ", str(name))  # "Categories (x,y,z...)"
    if "/" in plain:
        for part in filter(str.strip, plain[:_MAX_NAME].split("/")):
            yield flat(part)
            yield from _short_names(part)
    words = words_of(plain)
    if plain != name and words:
        yield "".join(words)
    if len(words) < 2:
        return
    if (priced := _without_price_words(words)) != words:
        yield "".join(priced)
    if words[-1] in LANGUAGES:
        yield "".join(words[:-1])
    while len(words) > 1 and words[0] in PREFIXES:
        words = words[1:]
        yield "".join(words)
        if len(words) > 1 and words[-1] in LANGUAGES:
            yield "".join(words[:-1])


def _without_price_words(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words of a name without a price's currency and taxes at its end."""
    while len(words) > 1 and (words[-1] in PRICE_WORDS or is_currency_code(words[-1])):
        words = words[:-1]
    return words


_IN_BRACKETS = re.compile(r"[(\[][^()\[\]]*[)\]]")


def _inner_fields(record: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield (name, value, dotted name) for the fields of inner objects, and for attributes with name and value."""
    for outer, value in record.items():
        if attributes := list(_attributes_of(str(outer), value)):
            yield from attributes
            continue
        inner = None if flat(str(outer).removeprefix("g:")) in _OTHER_OBJECTS else _first_object(value)
        for name, each in (inner or {}).items():
            yield str(name), each, f"{outer}.{name}"
            if isinstance(each, dict):
                yield from (
                    (str(n), v, f"{outer}.{name}.{n}") for n, v in each.items() if not isinstance(v, dict | list)
                )
    yield from _attributes_in_columns(record)


def attributes_of(record: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield (name, value, dotted name) for attributes in lists, in objects such as `specs`, and in pairs of columns."""
    for outer, value in record.items():
        if flat(str(outer)) in VARIANTS:
            continue
        yield from _attributes_of(str(outer), value)
        if flat(str(outer)) in _FACT_OBJECTS and isinstance(value, dict):
            for name, each in value.items():
                inner = each.items() if isinstance(each, dict) and not is_value(each) else [("", each)]
                yield from ((f"{name} {more}".strip(), one, f"{outer}.{name}") for more, one in inner)
    yield from _attributes_in_columns(record)


def _attributes_of(outer: str, value: Any) -> Iterator[tuple[str, Any, str]]:
    inner = None if flat(outer.removeprefix("g:")) in _OTHER_OBJECTS else _first_object(value)
    if inner is None:
        return
    held, path = value, outer
    if len(inner) == 1:  # an element with one kind of elements
        name, held = next(iter(inner.items()))
        path = f"{outer}.{name}"
    yield from ((name, each, f"{path}.{name}") for name, each in attributes_in(listed(held)))


def _may_hold(kind: str, outer: str) -> bool:
    """Return whether an inner object may have a kind of field: a brand's name is no title, a picture's URL not ours."""
    if kind == TITLE:
        return flat(outer) in _TEXT_OBJECTS
    return kind != "url" or not is_picture_field(outer)


def _first_object(value: Any) -> dict[str, Any] | None:
    return next((each for each in listed(value) if isinstance(each, dict)), None)


def _attributes_in_columns(record: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield attributes such as "Attribute 1 name" with "Attribute 1 value(s)"."""
    for name in record:
        words = words_of(str(name))
        if len(words) > 1 and words[-1] == "name" and isinstance(record[name], str):
            for other in record:
                of_other = words_of(str(other))
                if of_other[: len(words) - 1] == words[:-1] and of_other[len(words) - 1 :][:1] in (
                    ("value",),
                    ("values",),
                ):
                    yield record[name], record[other], str(other)


VARIANTS = ("variants", "variations", "productvariants", "hasvariant", "skus")
"""Fields with a list of variants."""

_TEXT_OBJECTS = split_words("product item text info details general data node content basic main attributes")
"""Inner objects whose title is that of the item."""
_OTHER_OBJECTS = split_words(
    "seller shop store merchant review reviews rating ratings aggregaterating shipping shippingdetails delivery author "
    "publisher related relatedproducts similar hasmerchantreturnpolicy user owner crosssells upsells location tax "
    "installment"
)
"""Inner objects that are about something else."""
_FACT_OBJECTS = split_words(
    "attributes specs specification specifications technicalspecifications properties characteristics parameters "
    "params technicaldata technicaldetails productdetails customattributes additionalattributes merkmale eigenschaften"
)
"""Inner objects whose fields are facts of the item."""
