"""Divide a document into sections, the regions below its headings, over pages, columns and headings in one row."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from swatchbook_base.geometry import centre_inside, gaps
from swatchbook_base.records import Box, fold
from swatchbook_catalogue.attributes import Attribute, fact_key
from swatchbook_catalogue.kinds import PageKind, is_label
from swatchbook_catalogue.measures import says_price
from swatchbook_catalogue.page_layout import (
    EDGE_BAND,
    LARGER,
    PageLayout,
    Style,
    Text,
    body_size,
    is_name,
    style_families,
)
from swatchbook_catalogue.running_text import TextPlace, find_repeated_places, text_place

KICKER = 20.0  # the distance in points within which a line above a heading belongs to the heading
_CONTINUED = re.compile(
    r"[\s,;(–—-]+(?:continued|cont\.|contd\.?|fortsetzung|suite|segue|continuaci[oó]n|continuação|продолжение|devam[ıi])\)?$",
    re.IGNORECASE,
)
ENDING_KINDS = frozenset[PageKind]({"index", "cover", "back cover", "contacts"})
"""Kinds of page that end a section, whatever the size of their heading."""
ENDING_SIZE = 0.8  # the least size of a heading with which pages of other kinds do, as a share of the names' size

Place = tuple[int, Box]  # page and box of a text


@dataclass(frozen=True, slots=True)
class DocumentLayout:
    """The layouts of all pages, with facts that only the whole document shows."""

    layouts: tuple[PageLayout, ...]
    family: Mapping[Style, Style]
    repeated_places: frozenset[TextPlace]
    kinds: Mapping[int, PageKind | None]
    body: float  # font size of body text, points

    def is_heading(self, text: Text, layout: PageLayout) -> bool:
        """Whether a text is larger or bolder than body text and can be a name. "Contents" is a heading, too."""
        style = self.family[text.style]
        stands_out = style[0] >= LARGER * self.body or style[1]
        return stands_out and is_name(text) and text_place(text, layout) not in self.repeated_places


@dataclass(slots=True)
class Section:
    """A heading and its (page, region) pairs in reading order, with the known labels in them."""

    head: Text
    name: str
    regions: list[tuple[int, Box]] = field(default_factory=list)
    attributes: list[tuple[int, Attribute]] = field(default_factory=list)  # page, known attribute

    @property
    def pages(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(page for page, _ in self.regions))


def layout_document(layouts: Sequence[PageLayout], kinds: Mapping[int, PageKind | None]) -> DocumentLayout:
    """Combine the layouts of a document's pages, which are in order."""
    family = style_families(t for s in layouts for t in s.texts)
    return DocumentLayout(tuple(layouts), family, find_repeated_places(layouts), kinds, body_size(layouts))


def heading_styles(document: DocumentLayout) -> list[Style]:
    """Return the style families whose texts can be headings, the largest first."""
    styles = {document.family[t.style] for s in document.layouts for t in s.texts if document.is_heading(t, s)}
    return sorted(styles, key=lambda s: (-s[0], not s[1]))


def find_sections(
    document: DocumentLayout, styles: Collection[Style], names: Mapping[Place, str], dividing: Collection[Place] = ()
) -> list[Section]:
    """Return the sections of the texts that are `names` (by page and box), in families of `styles`, in reading order.

    A section ends at the next name, at a heading that is `dividing`, of these families or larger, and before a page of
    a kind without products. Texts above the first heading of a page continue the section before, unless its name is set
    like body text; pictures without text belong to the heading below them.
    """
    found: list[Section] = []
    running: Section | None = None
    style, known = min(styles, default=(0.0, False)), {*names, *dividing}
    for layout in document.layouts:
        heads = _heads(document, layout, styles, known)
        if _ends_section(document, layout, style):
            running = None
            continue
        top = min((h.box[1] for h in heads), default=layout.box[3])
        alone = not _has_text_above(document, layout, top)
        if running is not None and not (heads and alone) and (layout.texts or layout.attributes or layout.pictures):
            _add_region(running, layout, (*layout.box[:3], top))
        for head in heads:
            region = _region(head, heads, layout, open_top=alone and head.box[1] <= top + head.size)
            name = names.get((layout.number, head.box))
            if name is None:
                running = None
                continue
            alike = running and fold(without_continued(running.name)) == fold(without_continued(name))
            if running and alike and head.box not in layout.row_codes:
                section = running
            else:
                section = Section(head, name)
                found.append(section)
            _add_region(section, layout, region)
            running = section
        if running is not None and not document.is_heading(running.head, layout):
            running = None
    return found


def _heads(
    document: DocumentLayout, layout: PageLayout, styles: Collection[Style], known: Collection[Place]
) -> list[Text]:
    """Return the known heads and other headings of a page in reading order; on a spread the left half comes first.

    Headings have a family of the names or a larger one. A price in large type is no heading, nor a label: it continues
    the product before.
    """
    middle = (layout.box[0] + layout.box[2]) / 2
    size = min(styles, default=(0.0, False))[0]
    heads = [
        t
        for t in layout.texts
        if (t.page, t.box) in known
        or (
            document.is_heading(t, layout)
            and not (is_label(t.text) or says_price(t.text) or (t.text.endswith(":") and fact_key(t.text)))
            and (document.family[t.style] in styles or document.family[t.style][0] > size * 1.02)
        )
    ]
    return sorted(
        heads, key=lambda t: (layout.spread and t.box[0] >= middle, round(t.box[1] / max(t.size, 1)), t.box[0])
    )


def _ends_section(document: DocumentLayout, layout: PageLayout, style: Style) -> bool:
    """Whether a page of a kind without products ends the section before it."""
    kind = document.kinds.get(layout.number)
    if kind is None or kind == "blank":
        return False
    return kind in ENDING_KINDS or max((t.size for t in layout.texts), default=0.0) >= ENDING_SIZE * style[0]


def _has_text_above(document: DocumentLayout, layout: PageLayout, top: float) -> bool:
    """Whether a page has text above a heading at `top`, apart from running heads and a line that belongs to it."""
    edge = layout.box[1] + EDGE_BAND * layout.height
    return any(edge < a.box[3] <= top - KICKER for a in layout.attributes) or any(
        edge < t.box[3] <= top - KICKER and len(t.text) > 2 and text_place(t, layout) not in document.repeated_places
        for t in layout.texts
    )


def _region(head: Text, heads: Sequence[Text], layout: PageLayout, *, open_top: bool) -> Box:
    """Return the region from a heading to the next one in its column; headings in one row divide the page."""
    x0, top, x1, y1 = layout.box
    if layout.spread:
        middle = (x0 + x1) / 2
        x0, x1 = (x0, middle) if head.box[0] < middle else (middle, x1)
    row = [
        h for h in heads if abs(h.box[1] - head.box[1]) < 2 * head.size and gaps(h.box, head.box)[0] >= -0.5 * head.size
    ]
    x0 = max([x0] + [head.box[0] - 0.5 * head.size for h in row if h.box[0] < head.box[0]])
    x1 = min([x1] + [h.box[0] - 0.5 * head.size for h in row if h.box[0] > head.box[0]])
    below = [h.box[1] for h in heads if h.box[1] > head.box[1] + head.size and h.box[0] < x1 and h.box[2] > x0]
    return x0, top if open_top else head.box[1] - 1, x1, min([y1, *below])


def _add_region(section: Section, layout: PageLayout, region: Box) -> None:
    """Add a region and its labels to a section."""
    section.regions.append((layout.number, region))
    section.attributes += [(layout.number, a) for a in layout.attributes if a.known and centre_inside(a.box, region)]


def without_continued(name: str) -> str:
    """Return a heading without "(continued)"."""
    return _CONTINUED.sub("", name)
