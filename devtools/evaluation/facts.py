"""The score of what belongs to the products that were found, by field: metadata, category and variants as labelled.

What is counted is values. Sizes and all measures of length are one field, "dimensions": catalogues print the same
measure under any of these labels. Of a catalogue the fields are judged that it labels anywhere, and price, code,
dimensions, material and colour always: a value of these that nobody sees is wrong. Other said fields are not judged.
Values agree when their numbers are equal and their letters alike; prices by amount and, where both name it, currency. A
unit that stands in the head of a column may be said where the label has only the number of the cell. A value agrees
with several that together are its text, and what a container holds may be said or labelled as packaging, capacity or
weight: the labels themselves do all of this in both ways. Where a label sums up a table as a range ("M3 to M24"), its
rows are not judged. Labels of "specifications" ("Output: 1200 BPH") are judged against values under labels of no other
field.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain, permutations

from devtools.evaluation.grain import NOT_PRINTED
from devtools.evaluation.likeness import letters, likeness
from devtools.evaluation.truth import LabelledProduct
from swatchbook.domain.records import Product, Record, Variant
from swatchbook_base.printed_prices import currency_of, price_in, price_of
from swatchbook_catalogue.measures import kind_of

ALWAYS_JUDGED = frozenset({"price", "code", "dimensions", "material", "color"})

BESIDE_METADATA = frozenset({"category", "variants"})
"""Fields that are judged of all products whose label has them."""

SPECIFICATIONS = "specifications"
"""The field of a label whose values are printed labels with what stands behind them."""

_CONTENTS = ("packaging", "capacity", "weight")
"""Fields of what a container holds: "Tubo de 70 g" is labelled as any of these."""
_UNIT = re.compile(r"\s?(?:mm|cm|m|kg|g|ml|cl|l|мм|см|м|кг|г|мл|л)\.?", re.IGNORECASE)

_RANGE = re.compile(r"\d\S*\s(?:to|…|bis|до)\s\S*\d|\d\S?[–…]\d")
"""A label that sums up the rows of a table: "M3 to M24"."""
FEWEST_OF_RANGE = 3
"""So many said values are rows of such a table."""

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
        """Return all fields of metadata together."""
        return add_fields("all", [each for each in self.fields if each.field not in BESIDE_METADATA])


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
    pairs = list(pairs)
    described = [(label, product) for label, product in pairs if label.metadata is not None]
    judgements = [(label, each) for label, product in pairs for each in _names_of(label, product)]
    judgements += [(label, each) for label, product in described for each in _facts_of(label, product, judged)]
    for label, (field, printed, said) in judgements:
        hits, right = _agreeing(field, printed, said)
        if any(map(_RANGE.search, printed)) and len(said) >= FEWEST_OF_RANGE:
            said = tuple(value for value in said if value in right)
        scores[field].append(
            FieldScore(field=field, labels=len(printed), hits=len(hits), said=len(said), right=len(right))
        )
        name = f"{label.first_page} {label.name} {field}"
        hit += [f"{name}: {value}" for value in printed if value in hits]
        missed += [f"{name}: {value}" for value in printed if value not in hits]
        wrong += [f"{name}: {value}" for value in said if value not in right]
    return FactScore(
        products=len(described),
        fields=tuple(add_fields(field, scores[field]) for field in sorted(scores)),
        hit=tuple(hit),
        missed=tuple(missed),
        wrong=tuple(wrong),
    )


Judgement = tuple[str, tuple[str, ...], tuple[str, ...]]
"""A field with its labelled and its said values."""


def _names_of(label: LabelledProduct, product: Product) -> Iterator[Judgement]:
    """Yield category and variants, where the label has them."""
    if label.category and NOT_PRINTED not in label.category:
        yield "category", (label.category,), tuple(filter(None, (product.category,)))
    if label.variants:
        yield "variants", label.variants, tuple(dict.fromkeys(variant.name for variant in product.variants))


def _facts_of(label: LabelledProduct, product: Product, judged: Set[str]) -> Iterator[Judgement]:
    """Yield the metadata; codes, prices and sizes of variants count with those of the product."""
    printed = _values(label.metadata or {})
    said = _with_contents_as_labelled(_values_of(product, judged, printed), printed)
    for field in sorted(judged & (printed.keys() | said.keys())):
        yield field, printed.get(field, ()), said.get(field, ())


def values_agree(field: str, printed: str, said: str) -> bool:
    """Whether a said value of a field says the same as a labelled one."""
    if field == "price":
        currencies = {currency_of(printed), currency_of(said)} - {None}
        return price_of(printed) is not None and price_of(printed) == price_of(said) and len(currencies) < 2
    if field in BESIDE_METADATA:
        return likeness(printed, said) > 0
    if field == "code":
        return letters(printed) == letters(said) != ""
    only_adds_unit = said.startswith(printed) and _UNIT.fullmatch(said[len(printed) :]) is not None
    return _numbers(printed) == _numbers(said) and (likeness(printed, said) > 0 or printed == said or only_adds_unit)


def _agreeing(field: str, printed: Collection[str], said: Collection[str]) -> tuple[set[str], set[str]]:
    """Return the labelled values that were said, and the said ones that are labelled."""
    pairs = [(label, value) for label in printed for value in said if values_agree(field, label, value)]
    hits, right = {label for label, _ in pairs}, {value for _, value in pairs}
    for label in {*printed} - hits:
        if parts := _parts(label, said):
            hits.add(label)
            right |= parts
    for value in {*said} - right:
        if parts := _parts(value, printed):
            right.add(value)
            hits |= parts
    return hits, right


def _parts(whole: str, values: Iterable[str]) -> set[str]:
    """Return the values whose letters and digits together are those of a text; none if there are no such ones."""
    rest, parts = letters(whole), set[str]()
    for value in sorted(values, key=len, reverse=True):
        if (part := letters(value)) and part in rest:
            rest = rest.replace(part, " ", 1)
            parts.add(value)
    return parts if len(parts) > 1 and not rest.strip() else set()


def _with_contents_as_labelled(
    said: Mapping[str, tuple[str, ...]], printed: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return what was said, with each value of what a container holds under the field in which it is labelled."""
    moved = dict(said)
    for field, other in permutations(_CONTENTS, 2):
        strays = set(moved.get(field, ())) - _agreeing(field, printed.get(field, ()), moved.get(field, ()))[1]
        _, elsewhere = _agreeing(other, printed.get(other, ()), strays)
        if elsewhere:
            moved[other] = tuple(dict.fromkeys((*moved.get(other, ()), *(v for v in moved[field] if v in elsewhere))))
            moved[field] = tuple(value for value in moved[field] if value not in elsewhere)
    return moved


def _values_of(
    product: Product, judged: Collection[str], printed: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """Return the values of a product and its variants; the name of a variant, judged as such, only where labelled."""
    values = _values(product.metadata)
    others = [fact for fact in product.facts if fact.label and _FIELDS.get(fact.key, fact.key) not in judged]
    if SPECIFICATIONS in judged:
        values[SPECIFICATIONS] = tuple(dict.fromkeys(f"{fact.label}: {fact.value}" for fact in others))
    if product.code:
        values["code"] = tuple(dict.fromkeys((product.code, *values.get("code", ()))))
    for variant in product.variants:
        for field, value in _values_of_variant(variant):
            if value != variant.name or _agreeing(field, printed.get(field, ()), (value,))[1]:
                values[field] = tuple(dict.fromkeys((*values.get(field, ()), value)))
    return values


def _values_of_variant(variant: Variant) -> Iterator[tuple[str, str]]:
    field_of_size = _FIELDS.get(key, key) if (key := kind_of(variant.size or "")) else "dimensions"
    said = [("code", variant.code), ("price", variant.price), (field_of_size, variant.size)]
    said += [("price", value) for _, value in variant.facts if price_in(value) == value]
    yield from ((field, value) for field, value in said if value)


def _values(metadata: Mapping[str, str | Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return field -> its values, each once."""
    found: dict[str, list[str]] = defaultdict(list)
    for key, given in metadata.items():
        texts = [given] if isinstance(given, str) else given
        found[_FIELDS.get(key, key)] += chain.from_iterable(text.split("; ") for text in texts)
    return {field: tuple(dict.fromkeys(values)) for field, values in found.items()}


def _numbers(text: str) -> list[str]:
    return [number.replace(",", ".") for number in re.findall(r"\d+(?:[.,]\d+)?", text)]
