"""Simple rules that make products of what a converter of PDFs gives: headings, paragraphs, tables and pictures.

They are what a person writes in an afternoon, once for all converters. What they give was looked at for three documents
of `tuning`, to see that they work; nothing was tuned:

- A heading, or a paragraph that is wholly bold, of 2 to 80 characters with a letter is the name of a product, unless
  the same words are on more than two pages and on a quarter of them, or it names a part of the front matter.
- A row of a table with a price, or with a cell like 1.250 or 12,50, is a product; its name is its longest other cell.
- Where any name on a page has a price before the next one, names without a price are headings of the page.
- Where no name of a document has a price, each line of text with a price is a product: its name is what is before the
  price, or the line before.
- The first amount with a currency behind a name is its price; what stands behind "art.", "ref." or "code" is its code.
- A picture of at least 40 points belongs to the nearest name of its page.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Final, Literal, NamedTuple

from benchmarks.catalogues.answers import DocumentAnswer, SaidPicture, SaidProduct
from swatchbook_base.geometry import Box, gap, short_side

Kind = Literal["heading", "text", "row", "picture"]

_LONGEST: Final = 80
_SMALLEST: Final = 40.0  # points
_CURRENCY: Final = r"(?:€|\$|£|¥|₽|₺|₹|₴|EUR|USD|GBP|Rs\.?|R\$|руб\.?|р\.|грн\.?|TL|Rp\.?|zł|Kč|din\.?|RSD|MXN|S/\.?)"
_AMOUNT: Final = r"\d{1,3}(?:[ .,'\u00a0]\d{3})*(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_PRICE: Final = re.compile(rf"{_CURRENCY}\s?(?:{_AMOUNT})|(?:{_AMOUNT})\s?{_CURRENCY}(?!\w)")
_NUMBER: Final = re.compile(r"\d{1,3}(?:[ .,\u00a0]\d{3})+(?:[.,]\d{1,2})?|\d+[.,]\d{2}")
_CODE: Final = re.compile(
    r"\b(?:art(?:ikel|icle|ículo)?|ref(?:erencia|erence)?|c[oó]d(?:e|igo)?|sku|арт(?:икул)?)\b\.?\s?"
    r"(?:n[or°º]?\.?|№)?\s?[:#]?\s?([A-Z0-9][\w./-]*\d(?:[\w./-]*\w)?)",
    re.IGNORECASE,
)
_FRONT: Final = re.compile(
    r"^(contents|index|inhalt|índice|indice|sommaire|содержание|contact|kontakt|contacto|about us|introduction)\b",
    re.IGNORECASE,
)


class Element(NamedTuple):
    """A heading, paragraph, row of a table (cells joined by tabs) or picture, and its box if it is known."""

    kind: Kind
    page: int
    text: str = ""
    box: Box | None = None


@dataclass
class _Found:
    name: str
    page: int
    box: Box | None
    price: str | None = None
    code: str | None = None
    pictures: list[SaidPicture] = field(default_factory=list)


def make_products(elements: Iterable[Element]) -> DocumentAnswer:
    """Return the products of a document, whose elements are in the order in which they are read."""
    kept = list(elements)
    found = list(_names(kept, _repeated(kept)))
    if not any(each.price for each in found):
        found = list(_priced_lines(kept)) or found
    found.sort(key=lambda each: each.page)
    priced = {each.page for each in found if each.price}
    found = [each for each in found if each.price or each.page not in priced]
    for picture in (each for each in kept if each.kind == "picture"):
        _assign(picture, [each for each in found if each.page == picture.page])
    return DocumentAnswer(
        products=tuple(
            SaidProduct(name=f.name, page=f.page, price=f.price, code=f.code, pictures=tuple(f.pictures)) for f in found
        )
    )


def _names(elements: Sequence[Element], repeated: set[str]) -> Iterator[_Found]:
    """Yield the names; an amount or code behind one is its own until the next."""
    last: _Found | None = None
    for each in elements:
        price, code = _PRICE.search(each.text), _CODE.search(each.text)
        if each.kind == "row":
            printed = price[0] if price else next(filter(_NUMBER.fullmatch, each.text.split("\t")), None)
            if printed and (name := _longest_cell(each.text)):
                yield _Found(name, each.page, each.box, printed, code[1] if code else None)
        elif each.kind == "heading" and _is_name(each.text) and each.text.casefold() not in repeated:
            if last:
                yield last
            last = _Found(each.text, each.page, each.box)
        elif last and last.page == each.page:
            last.price = last.price or (price[0] if price else None)
            last.code = last.code or (code[1] if code else None)
    if last:
        yield last


def _priced_lines(elements: Sequence[Element]) -> Iterator[_Found]:
    """Yield what lines of text with a price name, or the lines before them."""
    before = ""
    for each in elements:
        if each.kind == "picture":
            continue
        if price := _PRICE.search(each.text):
            name = each.text[: price.start()].strip(" .:–-") or before
            if _is_name(name):
                yield _Found(name, each.page, each.box, price[0])
        before = each.text


def _repeated(elements: Sequence[Element]) -> set[str]:
    """Return headings that stand on more than two pages and on a quarter of all: of the running head."""
    pages = defaultdict[str, set[int]](set)
    for each in elements:
        if each.kind == "heading":
            pages[each.text.casefold()].add(each.page)
    most = max(2, ceil(max((each.page for each in elements), default=0) / 4))
    return {text for text, on in pages.items() if len(on) > most}


def _is_name(text: str) -> bool:
    return (
        2 <= len(text) <= _LONGEST
        and any(map(str.isalpha, text))
        and not _FRONT.match(text)
        and not _PRICE.fullmatch(text.strip())
    )


def _longest_cell(row: str) -> str | None:
    cells = [" ".join(cell.split()) for cell in row.split("\t") if not _PRICE.search(cell)]
    named = [cell for cell in cells if any(map(str.isalpha, cell))]
    return max(named, key=len, default=None)


def _assign(picture: Element, names: Sequence[_Found]) -> None:
    """Give a picture to the nearest name of its page."""
    if not picture.box or short_side(picture.box) < _SMALLEST:
        return
    box = picture.box
    placed = [(gap(box, each.box), n) for n, each in enumerate(names) if each.box]
    if placed:
        names[min(placed)[1]].pictures.append(SaidPicture(page=picture.page, box=box))
