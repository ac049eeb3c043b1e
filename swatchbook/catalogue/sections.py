"""Sections: what follows a heading of one family of styles, over pages and columns, and what speaks for its being a
product."""

from bisect import bisect
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from swatchbook.catalogue.attributes import Attribute
from swatchbook.catalogue.kinds import PageKind, heading_kind, is_label
from swatchbook.catalogue.layout import (
    LARGER,
    MARGIN,
    Mark,
    PageLayout,
    Style,
    Text,
    body_size,
    clean_name,
    families,
    furniture,
    is_name,
    mark,
)
from swatchbook.geometry import inside
from swatchbook.records import Box, OutlineEntry, fold

PRICES_A_PICTURE = 3
BESIDE = 0.6
"""A heading that the outline announces parts sections when its size is at least this share of theirs."""
KICKER = 20.0
"""A line nearer than this above a heading, in points, belongs to it."""
LEAVES = frozenset[PageKind]({"index", "cover", "back cover", "contacts"})
"""Kinds of page that end a section whatever the size of their heading."""


@dataclass(frozen=True, slots=True)
class DocumentLayout:
    """All sheets of a document with what only the whole tells."""

    sheets: tuple[PageLayout, ...]
    family: Mapping[Style, Style]
    shunned: frozenset[Mark]
    kinds: Mapping[int, PageKind | None]
    body: float  # points
    starts: frozenset[tuple[int, str]]  # page, folded title: what the outline announces there
    headings: tuple[tuple[int, float, float, str], ...] = ()  # page, top, size, name ("" for "Contents" and its like)

    def is_heading(self, text: Text, sheet: PageLayout) -> bool:
        """Whether a text stands out from body text and can be a name; words such as "Contents" are headings too."""
        style = self.family[text.style]
        return (style[0] >= LARGER * self.body or style[1]) and is_name(text, self.shunned, sheet)


@dataclass(slots=True)
class Section:
    """A heading and what it speaks for: (page, region) in reading order, with the evidence found there."""

    head: Text
    name: str
    leads: bool  # is the largest text of its page
    regions: list[tuple[int, Box]] = field(default_factory=list)
    found: list[tuple[int, Attribute]] = field(default_factory=list)  # page, known attribute
    prices: int = 0
    codes: int = 0
    pictures: int = 0

    @property
    def pages(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(page for page, _ in self.regions))

    @property
    def is_described(self) -> bool:
        """Whether a known label other than a code's has its value here."""
        return any(a.key != "code" for _, a in self.found)

    @property
    def is_specified(self) -> bool:
        """Whether something only goods have stands here: a known label with its value, a code, or a priced picture
        (more prices than that are amounts of a report)."""
        return bool(self.found or self.codes or 0 < self.prices <= PRICES_A_PICTURE * self.pictures)


def layout_document(
    sheets: Sequence[PageLayout], kinds: Mapping[int, PageKind | None], outline: Sequence[OutlineEntry]
) -> DocumentLayout:
    """The book of a document's sheets, given in order."""
    starts = frozenset((entry.page, fold(entry.title)) for entry in outline)
    family = families(t for s in sheets for t in s.texts)
    book = DocumentLayout(tuple(sheets), family, furniture(sheets), kinds, body_size(sheets), starts)
    headings = [
        (s.number, t.box[1], family[t.style][0], "" if heading_kind(t.text) else clean_name(t))
        for s in sheets
        if kinds.get(s.number) not in LEAVES
        for t in s.texts
        if book.is_heading(t, s) and not is_label(t.text)
    ]
    return replace(book, headings=tuple(sorted(headings)))


def heading_styles(book: DocumentLayout) -> list[Style]:
    """Families whose texts can be headings, the largest first."""
    styles = {book.family[t.style] for s in book.sheets for t in s.texts if book.is_heading(t, s)}
    return sorted(styles, key=lambda s: (-s[0], not s[1]))


def sections(book: DocumentLayout, style: Style) -> list[Section]:
    """Sections of the headings of one family, in reading order.

    They end at the next heading of the family or of a larger one, and before pages of another kind. Texts above the
    first heading of a page belong to the section running in; pictures alone belong to the heading below them.
    """
    made: list[Section] = []
    running: Section | None = None
    for sheet in book.sheets:
        heads = _heads(book, sheet, style)
        if _ends(book, sheet, style):
            running = None
            continue
        top = min((h.box[1] for h in heads), default=sheet.box[3])
        alone = not _has_text_above(book, sheet, top)
        if running is not None and not (heads and alone) and not _is_empty(sheet):
            region = (sheet.box[0], sheet.box[1], sheet.box[2], top)
            running.regions.append((sheet.number, region))
            _collect(running, sheet, region)
        for head in heads:
            region = _region(head, heads, sheet, open_top=alone and head.box[1] <= top + head.size)
            if book.family[head.style] != style or heading_kind(head.text):
                running = None
                continue
            name = clean_name(head)
            if made and running is made[-1] and fold(_bare(made[-1].name)) == fold(_bare(name)):
                section = made[-1]
            else:
                section = Section(head, name, leads=head.size >= max(t.size for t in sheet.texts))
                made.append(section)
            section.regions.append((sheet.number, region))
            _collect(section, sheet, region)
            running = section
    return _without_labels(made)


def category_before(book: DocumentLayout, style: Style, page: int, y: float) -> str | None:
    """The last heading of a larger family before a place: what a category's divider or header says."""
    for n in range(bisect(book.headings, (page, y, inf, "")) - 1, -1, -1):
        _, _, size, text = book.headings[n]
        if size > style[0] * LARGER:
            return text or None
    return None


def _heads(book: DocumentLayout, sheet: PageLayout, style: Style) -> list[Text]:
    """Headings of the family or a larger one on a page, and what the outline announces there, in reading order (the
    left half of a spread first)."""
    middle = (sheet.box[0] + sheet.box[2]) / 2
    heads = [
        t
        for t in sheet.texts
        if book.is_heading(t, sheet)
        and not is_label(t.text)
        and (
            book.family[t.style] == style
            or book.family[t.style][0] > style[0] * 1.02
            or ((t.page, fold(t.text)) in book.starts and t.size >= BESIDE * style[0])
        )
    ]
    return sorted(
        heads, key=lambda t: (sheet.spread and t.box[0] >= middle, round(t.box[1] / max(t.size, 1)), t.box[0])
    )


def _ends(book: DocumentLayout, sheet: PageLayout, style: Style) -> bool:
    kind = book.kinds.get(sheet.number)
    if kind is None or kind == "blank":
        return False
    largest = max((t.size for t in sheet.texts), default=0.0)
    return kind in LEAVES or largest >= 0.92 * style[0]


def _is_empty(sheet: PageLayout) -> bool:
    return not (sheet.texts or sheet.attributes or sheet.pictures)


def _has_text_above(book: DocumentLayout, sheet: PageLayout, top: float) -> bool:
    """Whether there is more above a heading at `top` than running heads and the line that belongs to it."""
    edge = sheet.box[1] + MARGIN * sheet.height
    boxes = [t.box for t in sheet.texts if mark(t, sheet) not in book.shunned and len(t.text) > 2]
    return any(edge < box[3] <= top - KICKER for box in (*boxes, *(a.box for a in sheet.attributes)))


def _region(head: Text, heads: Sequence[Text], sheet: PageLayout, *, open_top: bool) -> Box:
    """From the heading (or the page's top) down to the next one in its column; headings in one row part the page."""
    x0, top, x1, y1 = sheet.box
    if sheet.spread:
        middle = (x0 + x1) / 2
        x0, x1 = (x0, middle) if head.box[0] < middle else (middle, x1)
    row = [h for h in heads if h is not head and abs(h.box[1] - head.box[1]) < 2 * head.size]
    x0 = max([x0] + [head.box[0] - 0.5 * head.size for h in row if h.box[0] < head.box[0]])
    x1 = min([x1] + [h.box[0] - 0.5 * head.size for h in row if h.box[0] > head.box[0]])
    below = [h.box[1] for h in heads if h.box[1] > head.box[1] + head.size and h.box[0] < x1 and h.box[2] > x0]
    return x0, top if open_top else head.box[1] - 1, x1, min([y1, *below])


def _collect(section: Section, sheet: PageLayout, region: Box) -> None:
    section.found += [(sheet.number, a) for a in sheet.attributes if a.known and inside(a.box, region)]
    section.prices += sum(inside(p, region) for p in sheet.prices)
    section.codes += sum(inside(c.box, region) and fold(c.code) != fold(section.name) for c in sheet.codes)
    section.pictures += sum(inside(p, region) for p in sheet.pictures)


def _bare(name: str) -> str:
    return name.casefold().replace("continued", "").replace("fortsetzung", "").strip(" ()….-–")


def _without_labels(made: Collection[Section]) -> list[Section]:
    """Drops headings repeated in every fourth section or more that do not lead their pages: parts of a product's page,
    where the same name at the head of several pages is that of goods in several categories."""
    count = Counter(fold(s.name) for s in made if not s.leads)
    return [s for s in made if count[fold(s.name)] < max(3, len(made) / 4)]
