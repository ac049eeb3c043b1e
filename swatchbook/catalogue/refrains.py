"""Find refrains, words that repeat with each product of a catalogue: "Ideal for", "Cement M500", "Available in".

Descriptions of goods have refrains even without known labels; talks, reports and menus do not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from swatchbook.catalogue.name_candidates import Candidate
from swatchbook.catalogue.page_layout import PageLayout
from swatchbook.catalogue.running_text import mask_digits, text_place
from swatchbook.catalogue.sections import DocumentLayout
from swatchbook.records import fold

LONGEST, LETTERS = 40, 4
"""The most characters and the fewest letters of a refrain."""
FEWEST_REPEATS = 3
"""The fewest times that a refrain is printed."""
LEAST_PER_NAME, MOST_PER_NAME = 0.5, 1.5
"""The fewest and the most times that a refrain is printed per name; the first is also its least share of pages."""


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
