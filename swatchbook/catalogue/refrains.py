"""Words that come again with each product of a catalogue: "Ideal for", "Cement M500", "Available in". Records of goods
have such refrains also where they have no known labels; talks, reports and menus do not.
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
"""Characters of a refrain at most, and letters at least."""
FEWEST_REPEATS = 3
"""A refrain is printed at least so many times."""
LEAST_PER_NAME, MOST_PER_NAME = 0.5, 1.5
"""A refrain is printed so many times for each name, and at least on this share of their pages."""


@dataclass(frozen=True, slots=True)
class Refrains:
    """Page -> how often it has each short line outside the margins, or its part before a colon."""

    pages: Mapping[int, Counter[str]]

    def beside(self, names: Sequence[Candidate]) -> int:
        """Count the lines that come about as often as names on the pages of these names."""
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
    """Return the folded words of a line up to a colon, numbers masked; nothing if it is no refrain."""
    words = mask_digits(fold(line.split(":")[0]))
    return words if len(words) <= LONGEST and sum(map(str.isalpha, words)) >= LETTERS else ""
