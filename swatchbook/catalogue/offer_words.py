"""Measure by the words of `offer_words.toml` whether a document offers goods, services, or meals and meetings."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final, Literal

from swatchbook.catalogue.page_layout import PageLayout

Offer = Literal["goods", "services", "occasions"]
OTHER_PAGES: Final = 2
"""The number of pages without such a word that are added to those of a document, so that few pages count less."""
WORDS: Final = 8
"""The most words of a text that is searched; longer texts mention many things."""


def _read_words() -> Mapping[str, re.Pattern[str]]:
    given = tomllib.loads(files("swatchbook.catalogue").joinpath("offer_words.toml").read_text(encoding="utf-8"))
    found = {}
    for offer, languages in given.items():
        words = {word.strip() for line in languages.values() for word in line.split(",")}
        found[offer] = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(words)))})", re.IGNORECASE)
    return found


_PATTERNS: Final = _read_words()


def share_of_pages(offer: Offer, layouts: Sequence[PageLayout]) -> float:
    """Return the share of pages with a word for the offer in a short text; it is lower for few pages."""
    pattern = _PATTERNS[offer]
    filled = [layout for layout in layouts if layout.texts]
    found = sum(any(len(t.text.split()) <= WORDS and pattern.search(t.text) for t in layout.texts) for layout in filled)
    return found / (len(filled) + OTHER_PAGES)
