"""What is measured of a page to tell what it shows: its place, its words, its pictures, its prices and labels, the
products that are found on it, and the same of the document. What it is taken for by these
measures: `page_contents.py`.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log, log1p
from statistics import fmean, median

from swatchbook.catalogue.kinds import (
    PageKind,
    count_contacts,
    heading_kind,
    is_label,
    main_heading_kind,
    names_a_catalogue,
)
from swatchbook.catalogue.page_layout import PageLayout, Text
from swatchbook.geometry import area
from swatchbook.records import Line, fold

CELLS = 4
"""A row of a table has at least so many short texts side by side; cards of a page are seldom so many."""
FEWEST_ROWS = 3
LARGE = 0.4
"""A picture with this share of the page fills it."""
SMALL = 0.15
"""The pictures in the cells of a table cover at most this share of the page together: cards have larger ones."""
TABULAR = 0.3
"""A table holds about this share of the lines of its page: cells with long texts leave few lines in its rows."""
HEADING = 1.35
"""A heading is at least so many times as large as the body of the document."""
LETTERS_OF_A_CAPTION, LETTERS_OF_A_PICTURE, LETTERS_OF_PROSE = 300, 30, 120
FEWEST_PRICES = 3
WORDS_OF_A_TITLE, LETTERS_OF_A_TITLE = 8, 25
LISTED = 0.15
"""The titles of later pages are this share of the texts of a page of contents."""

_ENTRY = re.compile(r"^[\d\s.)–-]+|[\s.…_]*\d*\s*$")
"""The number before and the page behind an entry of the contents."""


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


def measure_pages(pages: Sequence[PageFacts], body: float) -> list[dict[str, float]]:
    """Return what is measured of each page of a document, about 0 to 1. `body`: size of its body text in points."""
    titles = [fold(main.text) if (main := _largest(facts.texts)) else "" for facts in pages]
    own = [
        _of_texts(facts, body)
        | _of_pictures(facts)
        | _of_products(facts)
        | {
            "first": float(facts.layout.number == 1),
            "second": float(facts.layout.number == 2),
            "last": float(facts.layout.number == len(pages)),
            "lists": min(1.0, _count_listed(facts, {*titles[n + 1 :]}) / 8),
        }
        for n, facts in enumerate(pages)
    ]
    document = {
        "document_begins": fmean(page["begins"] for page in own),
        "document_shows": fmean(page["shows"] for page in own),
        "document_tables": fmean(page["tabular"] for page in own),
        "document_pages": log1p(len(pages)) / 4,
    } if own else {}  # fmt: skip
    usual = median(page["letters"] for page in own) if own else 0.0
    return [page | document | {"more_letters": page["letters"] - usual} | _together(page) for page in own]


def _of_texts(facts: PageFacts, body: float) -> dict[str, float]:
    letters, main = sum(len(text.text) for text in facts.texts), _largest(facts.texts)
    contacts = count_contacts(text.text for text in facts.texts)
    kind = main_heading_kind(facts.layout)
    return {
        "letters": log1p(letters) / 8,
        "wordless": float(letters <= LETTERS_OF_A_PICTURE),
        "brief": float(letters <= LETTERS_OF_A_CAPTION),
        "texts": log1p(len(facts.texts)) / 4,
        "prose": sum(len(t.text) for t in facts.texts if len(t.text) > LETTERS_OF_PROSE) / max(letters, 1),
        "contacts": min(2.0, log1p(contacts)),
        "of_contacts": min(1.0, contacts / max(1, len(facts.texts))),
        "title": min(1.5, log(max(main.size, 1.0) / body) / 1.6) if main and body else -0.3,
        "headed": float(main is not None and main.size >= HEADING * body),
        "short_title": float(main is not None and len(main.text) <= LETTERS_OF_A_TITLE),
        "label_title": float(main is not None and is_label(main.text)),
        "named_title": float(main is not None and fold(main.text) in map(fold, facts.names)),
        "contents_words": float("index" in (facts.kind, kind)),
        "about_words": float(kind == "about"),
        "contact_words": float(main is not None and heading_kind(main.text) == "contacts"),
        "notes_words": float(kind in ("legal", "notes")),
        "catalogue_words": float(facts.layout.number == 1 and any(names_a_catalogue(t.text) for t in facts.texts)),
        "ocr": float(facts.layout.ocr),
    }


def _of_pictures(facts: PageFacts) -> dict[str, float]:
    size = max(area(facts.layout.box), 1.0)
    areas = [area(box) / size for box in facts.layout.pictures]
    largest = max(areas, default=0.0)
    return {
        "largest": min(1.0, largest),
        "filled": float(largest >= LARGE),
        "covered": min(1.5, sum(areas)),
        "pictures": log1p(len(areas)) / 3,
        "no_picture": float(not areas),
    }


def _of_products(facts: PageFacts) -> dict[str, float]:
    layout = facts.layout
    return {
        "tabular": facts.tabular,
        "prices": log1p(len(layout.prices)) / 3,
        "codes": log1p(len(layout.codes)) / 3,
        "labels": log1p(sum(a.known for a in layout.attributes)) / 2,
        "values": log1p(len(layout.attributes)) / 3,
        "named": float(bool(facts.names)),
        "names": log1p(len(facts.names)) / 3,
        "begins": float(bool(facts.begin)),
        "begin": log1p(len(facts.begin)) / 3,
        "shows": float(facts.shows_products),
    }


def _together(page: Mapping[str, float]) -> dict[str, float]:
    """Return what two measures tell together."""
    return {
        "first_brief": page["first"] * page["brief"],
        "first_begins": page["first"] * page["begins"],
        "last_contacts": page["last"] * min(1.0, page["contacts"]),
        "last_shows": page["last"] * max(page["shows"], page["named"]),
        "filled_brief": page["filled"] * page["brief"],
        "titled_brief": page["brief"] * (page["title"] > log(1.8) / 1.6) * (1 - page["filled"]),
        "named_small": page["named"] * (page["covered"] <= SMALL),
        "named_tabular": page["named"] * (page["tabular"] >= TABULAR),
        "named_prices": page["named"] * (page["prices"] >= log1p(FEWEST_PRICES) / 3),
        "begins_pictured": page["begins"] * (page["covered"] > SMALL),
        "unnamed_shows": (1 - page["named"]) * page["shows"],
        "quiet": (1 - page["named"]) * (1 - page["shows"]),
    }


def _count_listed(facts: PageFacts, later: Collection[str]) -> int:
    """Count the titles of later pages that a page lists, if these are many of its short texts."""
    short = (line for text in facts.texts for line in text.lines if len(line.split()) <= WORDS_OF_A_TITLE)
    lines = {fold(_ENTRY.sub("", line)) for line in short}
    found = len(lines & {title for title in later if title})
    return found if found >= LISTED * len(lines) else 0


def _largest(texts: Sequence[Text]) -> Text | None:
    """Return the largest text that is more than a number or a letter."""
    worded = (text for text in texts if sum(c.isalpha() for c in text.text) > 1)
    return max(worded, key=lambda text: text.size, default=None)
