"""Find the variants of a product that have a name and a code of their own: colours below their swatches.

Those in rows and lists are read with the facts of the product (`variant_rows.py`).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from swatchbook_base.geometry import centre_inside
from swatchbook_base.printed_prices import price_in
from swatchbook_base.records import Box, FoundProduct, Variant, fold, normalise_line
from swatchbook_catalogue.attributes import code_of, inline_label, is_measure, key_of
from swatchbook_catalogue.bands import Bands
from swatchbook_catalogue.kinds import is_label
from swatchbook_catalogue.page_layout import PageLayout, Text, is_name

FEWEST_NAMES = 2  # fewest coded names that are variants: a single one is more likely the product itself
LONGEST = 4  # the most words of a variant's name; more are a sentence
_DIGIT = re.compile(r"\d")
_BETWEEN = re.compile(r"\s*[,;·|]\s*|\s+[–—-]\s+")

Place = tuple[int, Box]  # page and box of a text
T = TypeVar("T")


class PageParts:
    """The parts of a page that may belong to products. `names` are the places of the texts that name products."""

    def __init__(self, layout: PageLayout, names: Collection[Place]) -> None:
        self._layout, page = layout, layout.number
        self._texts = _Placed([t for t in layout.texts if (page, t.box) not in names], lambda text: text.box)
        self._attributes = _Placed([a for a in layout.attributes if (page, a.box) not in names], lambda a: a.box)
        self._codes = _Placed([c for c in layout.codes if (page, c.box) not in names], lambda code: code.box)

    def of(self, product: FoundProduct) -> PageLayout:
        """Return the part of the page that belongs to a product: all of it, if it has no region there."""
        regions = [place.region for place in product.occurrences if place.page == self._layout.number]
        return replace(
            self._layout,
            texts=self._texts.within(regions),
            attributes=self._attributes.within(regions),
            codes=self._codes.within(regions),
        )


class _Placed(Generic[T]):
    """Things with a box, found by the regions in which their centres are."""

    def __init__(self, things: Sequence[T], box_of: Callable[[T], Box]) -> None:
        self._things, self._boxes = things, [*map(box_of, things)]
        self._bands = Bands(range(len(things)), lambda i: (self._boxes[i][1], self._boxes[i][3]))

    def within(self, regions: Sequence[Box]) -> tuple[T, ...]:
        """Return the things in any of the regions in their order; all if there are no regions."""
        if not regions:
            return tuple(self._things)
        near = ((i, region) for region in regions for i in self._bands.near(region[1], region[3]))
        return tuple(self._things[i] for i in sorted({i for i, r in near if centre_inside(self._boxes[i], r)}))


def find_variants(product: FoundProduct, parts: Mapping[int, PageParts], named: Collection[str]) -> tuple[Variant, ...]:
    """Return the variants with their own code beside them or behind the product's name, if several.

    They have different names, and codes that differ by digits. `parts` are those of each page, `named` the folded names
    of all products.
    """
    own = [parts[page].of(product) for page in product.pages if page in parts]
    by_code = defaultdict[str, list[Variant]](list)
    for layout in own:
        for variant in (*_beside_codes(layout, product, named), *_behind_name(layout, product)):
            by_code[fold(variant.code or "")].append(variant)
    found = [min(same, key=lambda variant: len(variant.name)) for same in by_code.values()]
    are_distinct = len({fold(variant.name) for variant in found}) == len(found)
    are_alike = len({_DIGIT.sub("", variant.code or "") for variant in found}) == 1
    return tuple(found) if len(found) >= FEWEST_NAMES and are_distinct and are_alike else ()


def _beside_codes(layout: PageLayout, product: FoundProduct, names: Collection[str]) -> Iterator[Variant]:
    """Yield a variant for each code with a name, if it continues the product's code and is no label's value."""
    values = [a.box for a in layout.attributes if a.key != "code"]
    for code in layout.codes:
        adds = not product.code or (code.code.startswith(product.code) and code.code != product.code)
        if not adds or fold(code.code) in names or any(centre_inside(code.box, box) for box in values):
            continue
        if name := _variant_name(code.name or "", product):
            yield Variant(name=name, code=code.code, page=layout.number, bbox=code.box)


def _behind_name(layout: PageLayout, product: FoundProduct) -> Iterator[Variant]:
    """Yield a variant for each text of the product's name, the variant's and a code: "Terra Nova Ash, TN-104"."""
    for text in layout.texts:
        parts = _after(product.name, text)
        code = next((c for part in parts[1:] if (c := code_of(part))), None)
        if code and (name := _variant_name(parts[0], product)):
            yield Variant(name=name, code=code, page=layout.number, bbox=text.box)


def _after(name: str, text: Text) -> list[str]:
    """Return the parts of a text behind a name at its beginning; none without the name, or if the text is no name."""
    words = normalise_line(text.text)
    rest = words[len(name) :]
    if not is_name(text) or not words.casefold().startswith(name.casefold()) or rest[:1].isalnum():
        return []
    return _BETWEEN.split(rest.strip())


def _variant_name(text: str, product: FoundProduct) -> str | None:
    """Return the name of a variant without the product's, None for a text that is no such name."""
    name = normalise_line(text)
    if name.casefold().startswith(product.name.casefold()):
        name = name[len(product.name) :]
    name = name.strip(" ,;:·|–—-")
    if not any(map(str.isalpha, name)) or len(name.split()) > LONGEST or is_label(name) or key_of(name):
        return None
    return None if code_of(name) or is_measure(name.replace("x", "×")) or price_in(name) or inline_label(name) else name
