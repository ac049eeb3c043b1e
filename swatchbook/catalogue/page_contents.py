"""What each page shows, as a reader would say, and why: cover, contents, text, products (or their continuation), table,
scene, divider, contact, back or blank. Nothing is skipped for it: `plan.py` decides that, on more evidence.

Measured on the 24 catalogues that have every page labelled (`docs/quality.md`).
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from swatchbook.catalogue.attributes import fact_key
from swatchbook.catalogue.kinds import PageKind, count_contacts, heading_kind, is_label
from swatchbook.catalogue.page_layout import PageLayout, Text, is_name
from swatchbook.geometry import area
from swatchbook.records import Line, PageContent, fold

Said = tuple[PageContent, str]
"""What a page shows, and why."""

LETTERS_OF_A_COVER = 400
"""A first page with more is about something."""
LETTERS_OF_A_DIVIDER, TEXTS_OF_A_DIVIDER = 200, 4
LETTERS_OF_A_SCENE = 300
"""A caption and a line of praise; more is a text with a picture."""
LARGE = 0.4
"""A picture with this share of the page fills it."""
HEADING = 1.35
"""A heading is at least so many times as large as the names of products, or as the body of the document."""
TITLE = 1.8
"""The title of a divider is at least so many times as large as the body of the document."""
CELLS = 4
"""A row of a table has at least so many short texts side by side; cards of a page are seldom so many."""
FEWEST_ROWS = 3
TABULAR = 0.4
"""A table holds at least this share of the lines of its page."""
ALL_LARGE = 0.6
"""So do several pictures with this share of it together."""
TITLE_OF_A_TABLE = 2.5
"""A larger title is that of a product with its specifications, or of a group of products."""
TABULAR_WITHOUT_TITLE = 0.2
"""A page without a title is a table from this share: cells with long texts leave few lines in its rows."""
SMALL = 0.15
"""The pictures in the cells of a table cover at most this share of the page together: cards have larger ones."""
OF_CONTACTS = 0.4
"""A page of contacts has this share of addresses, numbers and names of sites among its texts."""
FEWEST_LABELS, FEWEST_PRICES, FEWEST_CONTACTS = 3, 3, 2

FEWEST_ENTRIES, LISTED, WORDS = 4, 0.15, 8
"""A page of contents lists so many titles of later pages, which are this share of its texts of so many words."""
AS_LARGE = 0.9
"""A title has at least this share of the size of names."""
LETTERS_OF_A_PICTURE = 30
"""A page with fewer letters, which a picture fills, says nothing of the product that goes on."""

_ENTRY = re.compile(r"^[\d\s.)–-]+|[\s.…_]*\d*\s*$")
"""The number before and the page behind an entry of the contents."""
_CONTINUED = re.compile(
    r"\bcont(?:inued|inuation|d|\.)|\bfortsetzung|\bsuite\b|\(suite\)|\bcontinua(?:ción|ção|zione)?\b|\bsegue\b|"
    r"\bvervolg|\bпродолжение|\bdevam[ıi]|续",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is known of a page: its layout, its texts without running heads, its kind by its words, the products that it
    names and those of them that begin here, and the share of its lines that stand in the rows of a table.
    """

    layout: PageLayout
    texts: Sequence[Text]
    kind: PageKind | None
    names: Sequence[str]
    begin: Sequence[str]
    tabular: float
    shows_products: bool  # by prices, codes or names at pictures


def listed(names: Sequence[str]) -> str:
    """Return the first three names, and how many more there are."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def tabular_share(lines: Iterable[Line]) -> float:
    """Return the share of lines that stand in rows of `CELLS` or more."""
    ordered = sorted((line for line in lines if line.text), key=lambda line: line.bbox[1] + line.bbox[3])
    rows: list[list[Line]] = []
    for line in ordered:
        middle = (line.bbox[1] + line.bbox[3]) / 2
        first = rows[-1][0] if rows else None
        if first and middle - (first.bbox[1] + first.bbox[3]) / 2 <= 0.5 * max(first.size, line.size):
            rows[-1].append(line)
        else:
            rows.append([line])
    whole = [row for row in rows if len(row) >= CELLS]
    return sum(map(len, whole)) / len(ordered) if len(whole) >= FEWEST_ROWS else 0.0


def say_contents(pages: Sequence[PageFacts], body: float) -> list[Said]:
    """Return what each page of a document shows. `body`: size of its body text in points."""
    said: list[Said] = []
    has_sections = any(facts.begin and _section(facts, body) for facts in pages)
    name_size = _name_size(pages)
    titles = [fold(main.text) if (main := _largest(facts.texts)) else "" for facts in pages]
    for n, facts in enumerate(pages):
        goes_on = has_sections and bool(said) and said[-1][0] in ("products", "products_continued")
        lists = _count_listed(facts, {*titles[n + 1 :]})
        if lists >= FEWEST_ENTRIES and not facts.begin:
            said.append(("contents", f"lists {lists} titles of later pages"))
            continue
        kind, why = _say(facts, len(pages), body, goes_on=goes_on)
        if kind == "products_continued" and not facts.begin and (title := _other_title(facts, name_size)):
            kind, why = "products", f"its title is {title}"
        said.append((kind, why))
    return said


def _name_size(pages: Sequence[PageFacts]) -> float:
    """Return the usual size of type of the names of products where they begin; 0 where no text is one."""
    sizes = [text.size for facts in pages for text in facts.texts if fold(text.text) in map(fold, facts.begin)]
    return median(sizes) if sizes else 0.0


def _other_title(facts: PageFacts, size: float) -> str | None:
    """Return the largest text of a page that is set as large as names are, and is no part of those that go on."""
    main = _largest(facts.texts)
    if main is None or not size or not is_name(main) or main.size < AS_LARGE * size or is_label(main.text):
        return None
    said = fold(main.text)
    return None if any(said in fold(name) or fold(name) in said for name in facts.names) else main.text


def _count_listed(facts: PageFacts, later: Collection[str]) -> int:
    """Count the titles of later pages that a page lists, if these are many of its short texts."""
    lines = {fold(_ENTRY.sub("", line)) for text in facts.texts for line in text.lines if len(line.split()) <= WORDS}
    found = len(lines & {title for title in later if title})
    return found if found >= LISTED * len(lines) else 0


def _say(facts: PageFacts, pages: int, body: float, *, goes_on: bool) -> Said:
    """Return what a page shows. `goes_on`: the page before has products, and sections have headings."""
    if facts.kind == "blank":
        return "blank", "nothing is on it"
    if facts.kind == "index" and not facts.begin:
        return "contents", "names with rising page numbers, or its heading"
    number, letters = facts.layout.number, sum(len(text.text) for text in facts.texts)
    is_cover = letters <= LETTERS_OF_A_COVER or (facts.kind == "cover" and _picture(facts.layout) >= LARGE)
    if number == 1 < pages and not facts.begin and is_cover and facts.tabular < TABULAR:
        return "cover", "the first page, with few words or a large picture"
    is_full = facts.shows_products and facts.tabular >= TABULAR_WITHOUT_TITLE
    if number == pages > 1 and not (facts.names or is_full):
        return _last(facts)
    if facts.names:
        return _products(facts, letters, body, goes_on=goes_on)
    return _other(facts, letters, body)


def _last(facts: PageFacts) -> Said:
    contacts = count_contacts(text.text for text in facts.texts)
    main = _largest(facts.texts)
    named = main is not None and (count_contacts([main.text]) > 0 or heading_kind(main.text) == "contacts")
    crowded = contacts >= max(FEWEST_CONTACTS, OF_CONTACTS * len(facts.texts))
    if named or (crowded and _picture(facts.layout) < LARGE):
        return "contact", f"the last page, with {contacts} addresses and numbers"
    return "back", "the last page"


def _products(facts: PageFacts, letters: int, body: float, *, goes_on: bool) -> Said:
    names = listed(facts.begin or facts.names)
    if _is_table(facts, body) or (facts.tabular >= TABULAR and len(facts.begin) >= CELLS and _are_small(facts)):
        return "table", f"rows of {CELLS} cells or more name {names}"
    if len(facts.layout.prices) >= max(FEWEST_PRICES, len(facts.names)) and _are_small(facts):
        return "table", f"a price list of {names}"
    if not facts.begin:
        if _is_divider(facts, letters, body):
            return "divider", "a large title and little else"
        if letters <= LETTERS_OF_A_PICTURE and _picture(facts.layout) >= LARGE:
            return "scene", "a picture fills it, and nothing is said of a product"
        return "products_continued", f"goes on with {names}"
    if goes_on:
        if any(_CONTINUED.search(text.text) for text in facts.texts if len(text.text) <= 40):
            return "products_continued", "its heading says so"
        if _heading(facts, body) is None and not facts.layout.ocr:
            return "products_continued", "no heading stands above its products"
    return "products", f"names {names}"


def _other(facts: PageFacts, letters: int, body: float) -> Said:
    layout, main = facts.layout, _largest(facts.texts)
    if main and heading_kind(main.text) == "contacts":
        return "contact", "its heading"
    if facts.tabular >= TABULAR or (main and main.size >= HEADING * body and is_label(main.text)):
        return "table", f"rows of {CELLS} cells or more" if facts.tabular >= TABULAR else "its heading"
    if _is_table(facts, body):
        return "table", f"rows of {CELLS} cells or more, and no title"
    if facts.shows_products:
        return "products", "prices, codes or names stand at pictures"
    if (
        _picture(layout) >= LARGE
        and main
        and _is_title(main, body)
        and any(fact_key(a.label) for a in layout.attributes)
    ):
        return "products", "a title, a picture and labels with values"
    if sum(a.known for a in layout.attributes) >= FEWEST_LABELS or len(layout.prices) >= FEWEST_PRICES:
        return "table", "labels with values, or prices"
    if (
        (_picture(layout) >= LARGE or _pictures(layout) >= ALL_LARGE)
        and letters <= LETTERS_OF_A_SCENE
        and not (layout.ocr and main and _is_title(main, body))
    ):
        return "scene", "a picture fills it"
    if _is_divider(facts, letters, body):
        return "divider", "a large title and little else"
    return "text", "none of the other kinds"


def _is_table(facts: PageFacts, body: float) -> bool:
    """Whether a page has rows of a table, small pictures, and no title above them."""
    main = _largest(facts.texts)
    untitled = main is not None and main.size < TITLE_OF_A_TABLE * body
    return untitled and facts.tabular >= TABULAR_WITHOUT_TITLE and _are_small(facts)


def _are_small(facts: PageFacts) -> bool:
    return _pictures(facts.layout) <= SMALL


def _is_divider(facts: PageFacts, letters: int, body: float) -> bool:
    main = _largest(facts.texts)
    few = letters <= LETTERS_OF_A_DIVIDER and len(facts.texts) <= TEXTS_OF_A_DIVIDER
    return few and main is not None and _is_title(main, body) and (facts.layout.ocr or _pictures(facts.layout) < LARGE)


def _is_title(text: Text, body: float) -> bool:
    return text.size >= TITLE * body


def _heading(facts: PageFacts, body: float) -> Text | None:
    """Return the largest text of a page if it stands out from the body of the document."""
    main = _largest(facts.texts)
    return main if main and main.size >= HEADING * body else None


def _section(facts: PageFacts, body: float) -> Text | None:
    """Return the heading of a page if it names no product: that of a section."""
    heading = _heading(facts, body)
    return None if heading is None or fold(heading.text) in map(fold, facts.names) else heading


def _largest(texts: Sequence[Text]) -> Text | None:
    """Return the largest text that is more than a number or a letter."""
    worded = (text for text in texts if sum(c.isalpha() for c in text.text) > 1)
    return max(worded, key=lambda text: text.size, default=None)


def _pictures(layout: PageLayout) -> float:
    """Return the share of the page that its pictures cover together."""
    return sum(area(box) for box in layout.pictures) / max(area(layout.box), 1.0)


def _picture(layout: PageLayout) -> float:
    """Return the share of the page that its largest picture covers."""
    return max((area(box) for box in layout.pictures), default=0.0) / max(area(layout.box), 1.0)
