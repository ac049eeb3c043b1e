"""Groups of texts that may be the names of a document's products: texts in one style, in the rows of tables or outside
them; what is measured of each group. Which group names the products: `choose_names.py`.

All measures are numbers without units: shares, logarithms of counts, and sizes relative to body text.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log, log1p
from statistics import fmean, median

from swatchbook.catalogue.attributes import code_of, inline_label, is_measure, price_in, without_values
from swatchbook.catalogue.kinds import PageKind, count_contacts, heading_kind, is_label, names_a_catalogue
from swatchbook.catalogue.page_layout import PageLayout, Style, Text, clean_name, is_name, style_families
from swatchbook.catalogue.running_text import FEWEST_PAGES, divide_margins, text_place
from swatchbook.catalogue.sections import DocumentLayout
from swatchbook.geometry import area, centre_inside, gaps
from swatchbook.records import Box, fold

BACKGROUND = 0.7
"""A picture that covers at least this share of the page is a background."""
SPACED = 0.7
"""A name is printed with space between its letters when at least this share of its words are single letters."""
PROSE = 100
"""A text with more characters is prose."""
LETTERS = 3
"""A name that is no code has at least so many letters; shorter words are units."""
MEASURED_SIZE = 0.24
"""Sizes of one style that are measured in pixels differ by at most this share."""
APART = 1.5
"""Texts of one block are at most this multiple of the larger one's font size apart."""
CELLS = 2
"""A text with this many numbers in its row is in a table."""
IN_TWO_WEIGHTS = 1.5
"""A name in two weights is at least so many times as large as body text: smaller ones have descriptions below them."""
MANY = 40
"""More texts of one style are no likelier to be names."""
ONE_A_PAGE = 1.0
"""A document with more codes or labels on a page is no likelier to be a catalogue."""
ALIGNED = 3.0
"""Texts in one line down differ by at most so many points."""
WORDLESS_KINDS = frozenset[PageKind]({"about", "legal", "contacts"})
"""Kinds of pages whose texts name no products."""
RELATIONS = ("below", "above", "left", "right", "inside")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A text that may be a product's name, with what stands around it."""

    text: Text
    name: str
    picture: int | None  # index of the nearest picture of the page
    relation: str | None
    described: bool
    priced: bool
    coded: bool
    leads: bool
    follows: bool  # a text in larger or bolder type stands directly above it


@dataclass(frozen=True, slots=True)
class NameGroup:
    """Texts in one style that may be the names of the products, with its features by name."""

    style: Style
    in_table: bool
    candidates: tuple[Candidate, ...]
    features: Mapping[str, float]


def find_name_groups(document: DocumentLayout, announced: Collection[str]) -> list[NameGroup]:
    """Return the groups of a document. `announced` are folded names of the outline and of index pages."""
    by_style: dict[tuple[Style, bool], list[Candidate]] = defaultdict(list)
    running = _running_texts(document)
    family = _families(document)
    for layout in document.layouts:
        for in_table, candidate in _candidates(layout, document, running):
            by_style[family[candidate.text.style], in_table].append(candidate)
    of_document = _document_features(document.layouts)
    split = [(key, part) for key, found in sorted(by_style.items()) for part in _codes_apart(found)]
    counts = [(style, len(found)) for (style, _), found in split]
    groups = []
    for (style, in_table), found in split:
        larger = sum(n for other, n in counts if other[0] > 1.12 * style[0])
        features = _features(found, document, announced) | of_document
        features["larger"] = log1p(larger / len(found))
        groups.append(NameGroup(style, in_table, tuple(found), features))
    return groups


def find_oddities(group: NameGroup) -> list[dict[str, float]]:
    """Return for each text of a group how far it is from the others, by feature, each 0 (like them) to about 1."""
    found = group.candidates
    relations = Counter(c.relation for c in found)
    times = Counter(fold(c.name) for c in found)
    size = _usual_size(found)
    crowd = _crowds(found)
    return [
        {
            "relation": 1 - relations[c.relation] / len(found),
            "coded": abs(c.coded - group.features["coded"]),
            "size": _off_size(c, size),
            "crowded": max(crowd[c.text.page], 0.0),
            "lonely": max(-crowd[c.text.page], 0.0),
            "unaligned": float(not any(o is not c and _is_aligned(o.text, c.text) for o in found)),
            "words": min(abs(len(c.name.split()) - group.features["words"]), 4) / 4,
            "again": log(times[fold(c.name)]),
        }
        for c in found
    ]


def _crowds(found: Sequence[Candidate]) -> dict[int, float]:
    """Return for each page how many of the texts it has beside the other pages, -1 to 1; 0 is as usual."""
    on_page = Counter(c.text.page for c in found)
    usual = median(on_page.values())
    return {page: min(max(log(count / usual), -2.0), 2.0) / 2 for page, count in on_page.items()}


def _usual_size(found: Sequence[Candidate]) -> float:
    return median(max(c.text.size, 1.0) for c in found)


def _off_size(candidate: Candidate, usual: float) -> float:
    return min(abs(log(max(candidate.text.size, 1.0) / usual)), 1.0)


def _is_aligned(a: Text, b: Text) -> bool:
    """Whether two texts, of any pages, begin, end or have their middle in one line down."""
    (x0, _, x1, _), (o0, _, o1, _) = a.box, b.box
    return min(abs(x0 - o0), abs(x1 - o1), abs(x0 + x1 - o0 - o1) / 2) <= ALIGNED


def _families(document: DocumentLayout) -> Mapping[Style, Style]:
    """Return the style families of a document; wider ones where half of its texts are read from pixels."""
    texts = [t for s in document.layouts for t in s.texts]
    measured = sum(len(s.texts) for s in document.layouts if s.ocr)
    return style_families(texts, MEASURED_SIZE) if 2 * measured > len(texts) else document.family


def _codes_apart(found: Sequence[Candidate]) -> list[list[Candidate]]:
    """Return the candidates of one style; names and codes apart where most codes have a name in their row."""
    codes = [c for c in found if code_of(c.name)]
    names: dict[int, list[Candidate]] = defaultdict(list)
    for c in found:
        if not code_of(c.name):
            names[c.text.page].append(c)
    if codes and 2 * sum(any(_same_row(c.text, n.text) for n in names[c.text.page]) for c in codes) > len(codes):
        return [codes, [c for c in found if not code_of(c.name)]]
    return [list(found)]


def _running_texts(document: DocumentLayout) -> frozenset[tuple[int, Box]]:
    """Return page and box of texts that repeat at the same place, with the same words or but for the page's number."""
    numbers = {layout.number: layout.number for layout in document.layouts}
    margins = divide_margins(document.layouts, document.repeated_places, numbers)
    numbered = {(t.page, t.box) for t in margins.running if any(map(str.isdigit, t.text))}
    places: dict[object, set[int]] = defaultdict(set)
    found: dict[object, list[tuple[int, Box]]] = defaultdict(list)
    for layout in document.layouts:
        for text in layout.texts:
            place = text_place(text, layout)
            if place in document.repeated_places:
                key = (place, fold(text.text))
                places[key].add(layout.number)
                found[key].append((layout.number, text.box))
    total = len(document.layouts)
    return frozenset(
        at
        for key, boxes in found.items()
        if len(places[key]) >= FEWEST_PAGES and (_is_scattered(places[key]) or 2 * len(places[key]) >= total)
        for at in boxes
    ) | frozenset(numbered)


def _is_scattered(pages: Collection[int]) -> bool:
    """Whether pages do not follow each other: those of one product do."""
    return max(pages) - min(pages) >= len(pages)


def _candidates(
    layout: PageLayout, document: DocumentLayout, running: Collection[tuple[int, Box]]
) -> Iterator[tuple[bool, Candidate]]:
    """Return the candidates of a page, each with whether it is in a table."""
    if document.kinds.get(layout.number) in WORDLESS_KINDS:
        return
    pictures = [p for p in layout.pictures if area(p) < BACKGROUND * area(layout.box)]
    largest = max((t.size for t in layout.texts), default=0.0)
    known = [a.box for a in layout.attributes if a.known and a.key not in ("code", "price")]
    codes = [c.box for c in layout.codes]
    tails = _second_lines(layout, document)
    for text in layout.texts:
        name = product_name(text)
        if text in tails.values():
            continue
        if text in tails:
            name = f"{name} {product_name(tails[text])}"
        if not may_be_name(text, name) or (layout.number, text.box) in running:
            continue
        row = [t for t in layout.texts if t is not text and _same_row(t, text)]
        numbers = [t for t in row if _is_cell(t.text)]
        others = [t for t in layout.texts if t is not text and not _is_cell(t.text)]
        in_table = len(numbers) >= CELLS
        words = [t for t in row if not _is_cell(t.text)]
        if in_table and any(len(t.text) > len(text.text) for t in words):
            continue
        picture, relation = _nearest(text.box, pictures, layout)
        x0, y0, x1, y1 = text.box
        reach = (x0 - 20, y0 - 2, max(x1, x0 + 0.3 * layout.width) + 20, y1 + 0.15 * layout.height)
        yield (
            in_table,
            Candidate(
                text=text,
                name=name,
                picture=picture,
                relation=relation,
                described=any(centre_inside(box, reach) for box in known),
                priced=any(centre_inside(box, reach) for box in layout.prices),
                coded=any(box != text.box and centre_inside(box, reach) for box in codes),
                leads=text.size >= largest - 0.05,
                follows=any(_stands_on(t, text) and _outranks(t, text) for t in others),
            ),
        )


def product_name(text: Text) -> str:
    """Return a name without the labels and values below or after it ("Scale: 1:50"), and without space between its
    letters."""
    kept = text.lines
    for n, line in enumerate(text.lines):
        if n and inline_label(line):
            kept = text.lines[:n]
            break
    name = without_values(clean_name(Text(text.page, text.box, kept, text.size, text.bold)))
    words = name.split()
    spaced = len(words) >= 4 and sum(len(word) == 1 for word in words) >= SPACED * len(words)
    return "".join(words) if spaced else name


def may_be_name(text: Text, name: str) -> bool:
    """Whether a text can be the name of a product: short words or a code, and none that name a page or a label."""
    short = Text(text.page, text.box, (name,), text.size, text.bold)
    letters = sum(c.isalpha() for c in name)
    named = (is_name(short) and letters >= LETTERS) or (is_measure(name) and letters >= 6) or is_code(name)
    if not named or heading_kind(name) or is_label(name) or names_a_catalogue(name) or count_contacts([name]):
        return False
    return not (price_in(name) or _is_cell(name))


def is_code(name: str) -> bool:
    """Whether a name is only a code, which may be short ("A-1")."""
    return code_of(name) is not None or _SHORT_CODE.fullmatch(name) is not None


_SHORT_CODE = re.compile(r"[A-Z]{1,3}[- ]?\d{1,4}")


def _second_lines(layout: PageLayout, document: DocumentLayout) -> dict[Text, Text]:
    """Return the headings that go on in another weight, directly below or in their row, each with its other part."""
    heads = [t for t in layout.texts if t.size >= IN_TWO_WEIGHTS * document.body and is_name(t)]
    found: dict[Text, Text] = {}
    for text in heads:
        near = [
            t
            for t in heads
            if t.bold != text.bold and abs(t.size - text.size) <= 0.05 * text.size and _goes_on(text, t)
        ]
        if len(near) == 1 and near[0] not in found:
            found[text] = near[0]
    return found


def _goes_on(text: Text, other: Text) -> bool:
    """Whether another text is the next line of a text, or stands behind it in its row."""
    across, down = gaps(text.box, other.box)
    if abs(text.box[0] - other.box[0]) <= text.size / 4 and other.box[1] > text.box[1]:
        return down <= 0.3 * text.size
    return other.box[0] > text.box[0] and across <= 0.6 * text.size and _same_row(text, other)


def _is_cell(text: str) -> bool:
    """Whether a text is mostly a number or a price."""
    return (2 * sum(c.isdigit() for c in text) >= len(text) and code_of(text) is None) or price_in(text) is not None


def _same_row(a: Text, b: Text) -> bool:
    return abs(a.box[1] + a.box[3] - b.box[1] - b.box[3]) < max(a.size, b.size)


def _stands_on(upper: Text, lower: Text) -> bool:
    """Whether a text stands directly above another one."""
    across, down = gaps(upper.box, lower.box)
    return upper.box[1] < lower.box[1] and across < 0 and down <= APART * max(upper.size, lower.size)


def _outranks(text: Text, other: Text) -> bool:
    return (round(text.size, 1), text.bold) > (round(other.size, 1), other.bold)


def _nearest(box: Box, pictures: Sequence[Box], layout: PageLayout) -> tuple[int | None, str | None]:
    """Return the nearest picture, and how the box stands to it."""
    near = [(found[1], k, found[0]) for k, picture in enumerate(pictures) if (found := _relation(box, picture, layout))]
    if not near:
        return None, None
    _, k, relation = min(near)
    return k, relation


def _relation(text: Box, picture: Box, layout: PageLayout) -> tuple[str, float] | None:
    x0, y0, x1, y1 = text
    a0, b0, a1, b1 = picture
    x, y = (x0 + x1) / 2, (y0 + y1) / 2
    if a0 <= x <= a1 and b0 + 3 <= y <= b1 - 3:
        return "inside", 0.0
    if min(x1, a1) - max(x0, a0) >= 0.3 * min(x1 - x0, a1 - a0):
        if y > (b0 + b1) / 2:
            return "below", max(0.0, y0 - b1) / layout.height
        return "above", max(0.0, b0 - y1) / layout.height
    if min(y1, b1) > max(y0, b0):
        if x > (a0 + a1) / 2:
            return "right", max(0.0, x0 - a1) / layout.width
        return "left", max(0.0, a0 - x1) / layout.width
    return None


def _features(found: Sequence[Candidate], document: DocumentLayout, announced: Collection[str]) -> dict[str, float]:
    """Return the features of a group that follow from its texts."""
    a_page = Counter(c.text.page for c in found)
    pages = len(a_page)
    pages_of: dict[str, set[int]] = defaultdict(set)
    for c in found:
        pages_of[fold(c.name)].add(c.text.page)
    labelled = {
        s.number: sum(a.known and a.key not in ("code", "price") for a in s.attributes) for s in document.layouts
    }
    filled = [s for s in document.layouts if s.texts]
    pictures = Counter((c.text.page, c.picture) for c in found if c.picture is not None)
    size, crowd = _usual_size(found), _crowds(found)

    def share(values: Iterator[bool]) -> float:
        return fmean(map(float, values))

    relations = {r: share(c.relation == r for c in found) for r in RELATIONS}
    return {
        "count": log1p(min(len(found), MANY)),
        "few": min(len(found), 6) / 6,
        "pages": pages / max(1, len(filled)),
        "one_to_one": share(c.picture is not None and pictures[c.text.page, c.picture] == 1 for c in found),
        "apart": share(c.picture is None for c in found),
        **relations,
        "described": share(c.described for c in found),
        "labelled": share(labelled[c.text.page] >= a_page[c.text.page] for c in found),
        "priced": share(c.priced for c in found),
        "coded": share(c.coded for c in found),
        "announced": share(fold(c.name) in announced for c in found),
        "words": fmean(min(len(c.name.split()), 8) for c in found),
        "signs": share(_has_signs(c.name) for c in found),
        "leads": share(c.leads for c in found),
        "follows": share(c.follows for c in found),
        "repeated": log(fmean(len(pages_of[fold(c.name)]) for c in found)),
        "uneven": fmean(abs(crowd[c.text.page]) for c in found),
        "sizes": fmean(_off_size(c, size) for c in found),
    }


def _has_signs(name: str) -> bool:
    return any(sign in name for sign in ",:;!?%=")


def _document_features(layouts: Sequence[PageLayout]) -> dict[str, float]:
    """Return the features of a document, which say whether it is a catalogue at all."""
    if not layouts:
        return {}
    return {
        "document_pictures": log1p(fmean(len(s.pictures) for s in layouts)),
        "document_codes": log1p(min(fmean(len(s.codes) for s in layouts), ONE_A_PAGE)),
        "document_labels": log1p(min(fmean(sum(a.known for a in s.attributes) for s in layouts), ONE_A_PAGE)),
        "document_prose": fmean(sum(len(t.text) > PROSE for t in s.texts) / max(1, len(s.texts)) for s in layouts),
    }
