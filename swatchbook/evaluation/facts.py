"""The score of products' metadata, by field, over the products that were found and whose metadata is labelled.

What is counted is values. Sizes and all measures of length are one field, "dimensions": catalogues print the same
measure under any of these labels. Of a catalogue the fields are judged that it labels anywhere, and price, code,
dimensions, material and colour always: a value of these that nobody sees is wrong. Other said fields are not judged.
Values agree when their numbers are equal and their letters alike; prices by amount and, where both name it, currency.
Labels of "specifications" ("Output: 1200 BPH") are judged against values under labels of no other field.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain

from swatchbook.evaluation.likeness import letters, likeness
from swatchbook.evaluation.truth import LabelledProduct
from swatchbook.ledger.payloads import currency_of, price_of
from swatchbook.records import Product, Record

ALWAYS_JUDGED = frozenset({"price", "code", "dimensions", "material", "color"})

SPECIFICATIONS = "specifications"
"""The field of a label whose values are printed labels with what stands behind them."""

_FIELDS = {
    "colors": "color",
    "gross_weight": "weight",
    **dict.fromkeys(("size", "width", "height", "depth", "length", "diameter", "thickness"), "dimensions"),
}
"""Key -> the field that it is counted as, where that is another one."""


class FieldScore(Record):
    """Values of one field: how many are labelled and how many of these were said; how many were said and are right."""

    field: str
    labels: int
    hits: int
    said: int
    right: int

    @property
    def precision(self) -> float | None:
        return self.right / self.said if self.said else None

    @property
    def recall(self) -> float | None:
        return self.hits / self.labels if self.labels else None


class FactScore(Record):
    """The metadata of `products` found products that have labels for it. Values: "page name field: value"."""

    products: int
    fields: tuple[FieldScore, ...]
    hit: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def total(self) -> FieldScore:
        """Return all fields together."""
        return add_fields("all", self.fields)


def add_fields(name: str, fields: Iterable[FieldScore]) -> FieldScore:
    """Return the sum of several scores, under a name."""
    counts = [(each.labels, each.hits, each.said, each.right) for each in fields]
    labels, hits, said, right = map(sum, zip(*counts, strict=True)) if counts else (0, 0, 0, 0)
    return FieldScore(field=name, labels=labels, hits=hits, said=said, right=right)


def score_facts(labels: Sequence[LabelledProduct], pairs: Iterable[tuple[LabelledProduct, Product]]) -> FactScore:
    """Return the score of found products. `labels`: all of the catalogue; `pairs`: each found one with its product."""
    judged = ALWAYS_JUDGED.union(*(_values(label.metadata or {}) for label in labels))
    scores: dict[str, list[FieldScore]] = defaultdict(list)
    hit, missed, wrong = list[str](), list[str](), list[str]()
    described = [(label, product) for label, product in pairs if label.metadata is not None]
    for label, product in described:
        printed, said = _values(label.metadata or {}), _values_of(product, judged)
        for field in sorted(judged & (printed.keys() | said.keys())):
            hits = _agreeing(field, printed.get(field, ()), said.get(field, ()))
            right = _agreeing(field, said.get(field, ()), printed.get(field, ()))
            scores[field].append(
                FieldScore(
                    field=field,
                    labels=len(printed.get(field, ())),
                    hits=len(hits),
                    said=len(said.get(field, ())),
                    right=len(right),
                )
            )
            name = f"{label.first_page} {label.name} {field}"
            hit += [f"{name}: {value}" for value in printed.get(field, ()) if value in hits]
            missed += [f"{name}: {value}" for value in printed.get(field, ()) if value not in hits]
            wrong += [f"{name}: {value}" for value in said.get(field, ()) if value not in right]
    return FactScore(
        products=len(described),
        fields=tuple(add_fields(field, scores[field]) for field in sorted(scores)),
        hit=tuple(hit),
        missed=tuple(missed),
        wrong=tuple(wrong),
    )


def values_agree(field: str, a: str, b: str) -> bool:
    """Whether two values of a field say the same."""
    if field == "price":
        currencies = {currency_of(a), currency_of(b)} - {None}
        return price_of(a) is not None and price_of(a) == price_of(b) and len(currencies) < 2
    if field == "code":
        return letters(a) == letters(b) != ""
    return _numbers(a) == _numbers(b) and (likeness(a, b) > 0 or a == b)


def _agreeing(field: str, values: Collection[str], others: Collection[str]) -> set[str]:
    return {value for value in values if any(values_agree(field, value, other) for other in others)}


def _values_of(product: Product, judged: Collection[str]) -> dict[str, tuple[str, ...]]:
    values = _values(product.metadata)
    others = [fact for fact in product.facts if fact.label and _FIELDS.get(fact.key, fact.key) not in judged]
    if SPECIFICATIONS in judged:
        values[SPECIFICATIONS] = tuple(dict.fromkeys(f"{fact.label}: {fact.value}" for fact in others))
    if product.code:
        values["code"] = tuple(dict.fromkeys((product.code, *values.get("code", ()))))
    return values


def _values(metadata: Mapping[str, str | Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return field -> its values, each once."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, given in metadata.items():
        texts = [given] if isinstance(given, str) else given
        found[_FIELDS.get(key, key)] += chain.from_iterable(text.split("; ") for text in texts)
    return {field: tuple(dict.fromkeys(values)) for field, values in found.items()}


def _numbers(text: str) -> list[str]:
    return [number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)?", text)]
