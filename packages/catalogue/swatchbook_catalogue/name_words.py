"""Measure by words whether texts name goods: what a document offers, lines that repeat with products, and meanings."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from swatchbook_base.e5 import e5
from swatchbook_base.records import fold
from swatchbook_catalogue.attributes import read_words
from swatchbook_catalogue.name_candidates import Candidate
from swatchbook_catalogue.page_layout import PageLayout
from swatchbook_catalogue.running_text import mask_digits, text_place
from swatchbook_catalogue.sections import DocumentLayout

Offer = Literal["goods", "services", "occasions"]
OTHER_PAGES: Final = 2  # pages without such a word that are added to a document's, so that few pages count less
WORDS: Final = 8  # the most words of a text that is searched; longer texts mention many things


def _pattern(words: set[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, sorted(words)))})", re.IGNORECASE)


_PATTERNS: Final = {
    offer: _pattern({word for words in languages.values() for word in words})
    for offer, languages in read_words("offer_words.toml").items()
}


def share_of_pages(offer: Offer, layouts: Sequence[PageLayout]) -> float:
    """Return the share of pages with a word for the offer in a short text; it is lower for few pages."""
    pattern = _PATTERNS[offer]
    filled = [layout for layout in layouts if layout.texts]
    found = sum(any(len(t.text.split()) <= WORDS and pattern.search(t.text) for t in layout.texts) for layout in filled)
    return found / (len(filled) + OTHER_PAGES)


# --- refrains ---------------------------------------------------------------------------------------------------------


LONGEST, LETTERS = 40, 4  # the most characters and the fewest letters of a refrain
FEWEST_REPEATS = 3  # the fewest times that a refrain is printed
LEAST_PER_NAME, MOST_PER_NAME = 0.5, 1.5  # times that a refrain is printed per name; the first also of pages


@dataclass(frozen=True, slots=True)
class Refrains:
    """Page -> how many times it has each refrain: a short line outside the margins, or its part before a colon."""

    pages: Mapping[int, Counter[str]]

    def beside(self, names: Sequence[Candidate]) -> int:
        """Return the number of lines that repeat about as often as the names on the pages of these names."""
        pages = {c.text.page for c in names}
        own = {_key(line) for c in names for line in c.text.lines}
        total: Counter[str] = Counter()
        for page in pages:
            total.update(self.pages[page])
        on_pages = Counter(words for page in pages for words in self.pages[page])
        least = max(FEWEST_REPEATS, LEAST_PER_NAME * len(names))
        return sum(
            least <= count <= MOST_PER_NAME * len(names) and on_pages[words] >= LEAST_PER_NAME * len(pages)
            for words, count in total.items()
            if words not in own
        )


def find_refrains(document: DocumentLayout) -> Refrains:
    """Return the lines of a document that may be refrains."""
    pages = {layout.number: Counter(_lines(layout)) for layout in document.layouts}
    total: Counter[str] = Counter()
    for words in pages.values():
        total.update(words)
    often = {words for words, count in total.items() if count >= FEWEST_REPEATS}
    return Refrains({n: Counter({w: count for w, count in found.items() if w in often}) for n, found in pages.items()})


def _lines(layout: PageLayout) -> Iterator[str]:
    for text in layout.texts:
        if not text_place(text, layout).in_margin:
            yield from filter(None, map(_key, text.lines))
    yield from (fold(a.label) for a in layout.attributes if a.known)


def _key(line: str) -> str:
    """Return the folded words of a line up to a colon, with numbers masked; "" if it can be no refrain."""
    words = mask_digits(fold(line.split(":")[0]))
    return words if len(words) <= LONGEST and sum(map(str.isalpha, words)) >= LETTERS else ""


# --- meanings ---------------------------------------------------------------------------------------------------------


MOST_TEXTS = 80  # the most texts of a group that are embedded, spread evenly over it: each takes about 12 ms
AT_ONCE = 64

Meaning = tuple[float, ...]  # a vector of 384 numbers; the mean vector of the groups of a document is 0


def meanings(groups: Sequence[Sequence[str]]) -> list[Meaning]:
    """Return for each group the mean vector of its texts, less the mean of all groups."""
    if not groups:
        return []
    import numpy as np

    chosen = [_spread(list(dict.fromkeys(texts))) for texts in groups]
    row = {text: n for n, text in enumerate(dict.fromkeys(text for texts in chosen for text in texts))}
    texts = list(row)
    # They are embedded as queries, whose vectors are kept: a text that was asked before is not encoded again.
    vectors = np.vstack([e5().embed(texts[n : n + AT_ONCE], "query") for n in range(0, len(texts), AT_ONCE)])
    means = np.array([vectors[[row[text] for text in group]].mean(axis=0) for group in chosen])
    return [tuple(map(float, mean)) for mean in means - means.mean(axis=0)]


def _spread(texts: Sequence[str]) -> list[str]:
    step = max(1.0, len(texts) / MOST_TEXTS)
    return [texts[int(n * step)] for n in range(min(MOST_TEXTS, len(texts)))]
