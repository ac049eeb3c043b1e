"""Find the variants of a product (colours, sizes, finishes) and its parts (captioned things in its regions).

The first source that has any is used: rows of a table of articles, codes with names, labels with several values,
captions of pictures of one size.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal, TypeVar

from swatchbook_base.geometry import centre_inside, gap
from swatchbook_base.printed_prices import former_in, price_in, price_of
from swatchbook_base.records import Box, FoundProduct, Variant, fold
from swatchbook_catalogue.attributes import code_of, inline_label, is_measure, key_of
from swatchbook_catalogue.bands import Bands
from swatchbook_catalogue.kinds import is_label
from swatchbook_catalogue.page_layout import PageLayout, Text, is_name, normalise_line

FEWEST_NAMES = 2  # fewest coded or captioned names that are variants: a single one is more likely the product itself
FEWEST_CAPTIONS = 3  # the fewest captioned pictures that show variants or parts: two may show the product and its maker
ALIKE = 0.2  # the share by which width and height of pictures of one size may differ
CAPTION = 20.0  # the longest distance in points from a picture to the caption below it
REACH = 60.0  # the longest distance in points from a variant to its price or size
LONGEST = 4  # the most words of a variant's name; more are a sentence
CHOICES = ("style", "color", "finish", "pattern")  # keys of labels whose values are variants, if there are several
_LETTER = r"(?:\d?X{0,3}[SL]|M)"
_LETTERS = re.compile(rf"{_LETTER}(?:\s*[,/·|–-]\s*{_LETTER})+")
_BETWEEN = re.compile(r"\s*[,;·|]\s*|\s+[–—-]\s+")

Place = tuple[int, Box]  # page and box of a text
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Value:
    """A price or a size as it is printed, with its page and box."""

    kind: Literal["price", "size"]
    text: str
    page: int
    box: Box


class PageParts:
    """The parts of a page that may belong to products. `names` are the places of the texts that name products."""

    def __init__(self, layout: PageLayout, names: Collection[Place]) -> None:
        self._layout = layout
        page = layout.number
        articles = layout.articles if layout.pictures else ()  # without pictures a table is a price list
        boxes = [box for number, box in names if number == page] if articles else []
        self._articles = tuple(each for each in articles if not any(centre_inside(b, each[0]) for b in boxes))
        self._texts = _Placed([t for t in layout.texts if (page, t.box) not in names], lambda text: text.box)
        self._pictures = _Placed([p for p in layout.pictures if (page, p) not in names], lambda picture: picture)
        self._attributes = _Placed([a for a in layout.attributes if (page, a.box) not in names], lambda a: a.box)
        self._codes = _Placed([c for c in layout.codes if (page, c.box) not in names], lambda code: code.box)

    def of(self, product: FoundProduct) -> PageLayout:
        """Return the part of the page that belongs to a product: all of it, if it has no region there."""
        regions = [place.region for place in product.occurrences if place.page == self._layout.number]
        return replace(
            self._layout,
            texts=self._texts.within(regions),
            pictures=self._pictures.within(regions),
            attributes=self._attributes.within(regions),
            codes=self._codes.within(regions),
            articles=self._articles,
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
    """Return the variants and parts of a product, in reading order.

    `parts` are those of each page, `named` the folded names of all products.
    """
    own = [parts[page].of(product) for page in product.pages if page in parts]
    found = (
        _listed(product, own, named)
        or _named(product, own, named)
        or _labelled(own)
        or _in_letters(own)
        or _captions(product, own)
    )
    return tuple(_with_sale(variant) for variant in _with_values(found, own))


# --- tables of articles -----------------------------------------------------------------------------------------------


def _listed(product: FoundProduct, own: Sequence[PageLayout], names: Collection[str]) -> tuple[Variant, ...]:
    """Return a variant for each row whose name begins with the product's and with no longer one, if several.

    The rows are those of tables that name no product on their own. The row with the product's own name is the variant
    of its size or code.
    """
    found = dict[tuple[str, str | None], Variant]()
    for layout in own:
        for article in (article for _, articles in layout.articles for article in articles):
            words = normalise_line(article.name)
            if not _begins_with(words, product.name) or any(
                len(other) > len(product.name) and _begins_with(words, other) for other in names
            ):
                continue
            if name := _variant_name(words, product) or article.size or article.code:
                found.setdefault(
                    (fold(name), article.code),
                    Variant(
                        name=name, code=article.code, size=article.size, price=article.price, page=layout.number,
                        bbox=article.box,
                    ),
                )  # fmt: skip
    return tuple(found.values()) if len(found) >= FEWEST_NAMES else ()


def _begins_with(words: str, name: str) -> bool:
    """Whether a text begins with the words of a name."""
    return words.casefold().startswith(name.casefold()) and not words[len(name) :][:1].isalnum()


# --- codes and names --------------------------------------------------------------------------------------------------


def _named(product: FoundProduct, own: Sequence[PageLayout], names: Collection[str]) -> tuple[Variant, ...]:
    """Return the variants with their own code or behind the product's name, if several; of a code the shortest."""
    coded = [v for layout in own for v in (*_beside_codes(layout, product, names), *_behind_name(layout, product))]
    by_code: dict[str, list[Variant]] = defaultdict(list)
    for variant in coded:
        by_code[fold(variant.code or "")].append(variant)
    found = [min(same, key=lambda v: (v.name == v.size, len(v.name))) for same in by_code.values()]
    known = {fold(v.name) for v in found}
    found += [v for layout in own for v in _captioned(layout, product) if fold(v.name) not in known]
    found = list({(fold(v.name), v.code): v for v in found}.values())
    return tuple(found) if len(found) >= FEWEST_NAMES else ()


def _beside_codes(layout: PageLayout, product: FoundProduct, names: Collection[str]) -> Iterator[Variant]:
    """Yield a variant for each code with a name or size, if it continues the product's code and is no label's value."""
    values = [a.box for a in layout.attributes if a.key != "code"]
    sizes = [value for value in _values(layout) if value.kind == "size"]
    for code in layout.codes:
        adds = not product.code or (code.code.startswith(product.code) and code.code != product.code)
        if not adds or fold(code.code) in names or any(centre_inside(code.box, box) for box in values):
            continue
        size = next((v.text for v in sizes if _same_row(code.box, v.box)), None)
        if name := _variant_name(code.name or "", product) or size:
            yield Variant(name=name, code=code.code, size=size, page=layout.number, bbox=code.box)


def _behind_name(layout: PageLayout, product: FoundProduct) -> Iterator[Variant]:
    """Yield a variant for each text of the product's name, the variant's and a code: "Terra Nova Ash, TN-104"."""
    for text in layout.texts:
        parts = _after(product.name, text)
        code = next((c for part in parts[1:] if (c := code_of(part))), None)
        if code and (name := _variant_name(parts[0], product)):
            yield Variant(name=name, code=code, page=layout.number, bbox=text.box)


def _captioned(layout: PageLayout, product: FoundProduct) -> Iterator[Variant]:
    """Yield a variant for each caption of a picture that consists of the product's name and another name."""
    for text in layout.texts:
        parts = _after(product.name, text)
        if len(parts) == 1 and _picture_above(text, layout) and (name := _variant_name(parts[0], product)):
            yield Variant(name=name, page=layout.number, bbox=text.box)


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
    return None if code_of(name) or _is_size(name) or price_in(name) or inline_label(name) else name


# --- labels and lists -------------------------------------------------------------------------------------------------


def _labelled(own: Sequence[PageLayout]) -> tuple[Variant, ...]:
    """Return the values of the first label for styles, colours or finishes that has several."""
    for key in CHOICES:
        found = {
            fold(value): Variant(name=value, page=layout.number, bbox=a.box)
            for layout in own
            for a in layout.attributes
            if a.key == key
            for value in [normalise_line(a.value)]
        }
        if len(found) >= FEWEST_NAMES:
            return tuple(found.values())
    return ()


def _in_letters(own: Sequence[PageLayout]) -> tuple[Variant, ...]:
    """Return the sizes of a list of sizes in letters."""
    for layout in own:
        texts = [(normalise_line(t.text), t.box) for t in layout.texts]
        texts += [(normalise_line(a.value), a.box) for a in layout.attributes if a.key == "size"]
        for words, box in texts:
            if _LETTERS.fullmatch(words.strip(" .;")):
                sizes = dict.fromkeys(re.findall(_LETTER, words))
                return tuple(Variant(name=size, size=size, page=layout.number, bbox=box) for size in sizes)
    return ()


# --- captions ---------------------------------------------------------------------------------------------------------


def _captions(product: FoundProduct, own: Sequence[PageLayout]) -> tuple[Variant, ...]:
    """Return the captions of pictures of one size, if there are three or more in one style on a page."""
    found: dict[str, Variant] = {}
    for layout in own:
        chosen = any(key_of(t.text) in CHOICES for t in layout.texts) or any(
            a.key in CHOICES for a in layout.attributes
        )
        grain: Literal["variant", "part"] = "variant" if chosen else "part"
        for texts in _rows_of_captions(layout):
            names = {fold(name): (name, t.box) for t in texts if (name := _variant_name(t.text, product))}
            if len(names) >= FEWEST_CAPTIONS:
                for key, (name, box) in names.items():
                    found.setdefault(key, Variant(grain=grain, name=name, page=layout.number, bbox=box))
    return tuple(found.values())


def _rows_of_captions(layout: PageLayout) -> Iterable[list[Text]]:
    """Return the groups of texts of one style that are below pictures of one size, one below each."""
    by_style: dict[tuple[float, bool, int, int], list[Text]] = defaultdict(list)
    pictures = Counter[Box | None]()
    for text in layout.texts:
        picture = _picture_above(text, layout) if is_name(text) and len(text.text.split()) <= LONGEST else None
        if picture:
            pictures[picture] += 1
            x0, y0, x1, y1 = picture
            like = next(
                (key for key in by_style if key[:2] == text.style and _alike(key[2:], (x1 - x0, y1 - y0))), None
            )
            by_style[like or (*text.style, round(x1 - x0), round(y1 - y0))].append(text)
    return [texts for texts in by_style.values() if all(pictures[_picture_above(t, layout)] == 1 for t in texts)]


def _alike(a: Sequence[float], b: Sequence[float]) -> bool:
    return all(abs(x - y) <= ALIKE * max(x, y) for x, y in zip(a, b, strict=True))


def _picture_above(text: Text, layout: PageLayout) -> Box | None:
    """Return the picture directly above a text."""
    x = (text.box[0] + text.box[2]) / 2
    above = [p for p in layout.pictures if p[0] <= x <= p[2] and -text.size <= text.box[1] - p[3] <= CAPTION]
    return max(above, key=lambda p: p[3], default=None)


# --- prices and sizes -------------------------------------------------------------------------------------------------


def _with_values(found: Sequence[Variant], own: Sequence[PageLayout]) -> tuple[Variant, ...]:
    """Return the variants with the nearest price and size; a single price or size belongs to the product."""
    values = [value for layout in own for value in _values(layout)]
    kinds = Counter(value.kind for value in values)
    for kind in ("price", "size"):
        if kinds[kind] >= FEWEST_NAMES:
            these = [value for value in values if value.kind == kind]
            found = [v if getattr(v, kind) else v.model_copy(update={kind: _nearest(v, these)}) for v in found]
    return tuple(found)


def _with_sale(variant: Variant) -> Variant:
    """Return a variant with the price of today: of "statt 9 € nur 7 €" that is 7 €, and 9 € a fact."""
    price = variant.price or ""
    before, now = former_in(price), price_in(price)
    if not before or not now or now == before:
        return variant
    is_sale = (price_of(before) or 0.0) > (price_of(now) or 0.0)
    facts = (*variant.facts, ("regular_price", before)) if is_sale else variant.facts
    return variant.model_copy(update={"price": now, "facts": facts})


def _nearest(variant: Variant, values: Iterable[_Value]) -> str | None:
    """Return the nearest value in the variant's row, or else the nearest within `REACH`."""
    box = variant.bbox
    if box is None:
        return None
    near = [(not _same_row(box, v.box), gap(box, v.box), v.text) for v in values if v.page == variant.page]
    in_row, distance, text = min(near, default=(True, REACH + 1, ""))
    return text if not in_row or distance <= REACH else None


def _same_row(a: Box, b: Box) -> bool:
    return abs(a[1] + a[3] - b[1] - b[3]) < a[3] - a[1]


def _values(layout: PageLayout) -> Iterator[_Value]:
    """Yield the prices and sizes of a page, with and without a label."""
    for a in layout.attributes:
        if a.key == "price":
            yield _Value("price", normalise_line(a.value), layout.number, a.box)
        elif a.key in ("size", "dimensions"):
            yield _Value("size", normalise_line(a.value), layout.number, a.box)
    for words, box in (line for t in layout.texts for line in _lines(t)):
        if len(words.split()) <= LONGEST and (price := price_in(words)):
            yield _Value("price", price, layout.number, box)
        elif _is_size(words):
            yield _Value("size", normalise_line(words), layout.number, box)


def _is_size(words: str) -> bool:
    return is_measure(words.replace("x", "×"))


def _lines(text: Text) -> Iterator[tuple[str, Box]]:
    """Yield the lines of a text with their boxes: a column of a table is one text, and its lines are evenly spaced."""
    x0, y0, x1, y1 = text.box
    step = (y1 - y0) / len(text.lines)
    for n, words in enumerate(text.lines):
        yield words, (x0, y0 + n * step, x1, y0 + (n + 1) * step)
