"""Stage 4: text as sections and the chunks cut from them, tables as rows kept whole, entities beside.

Chunks fit MiniLM's window of 256 word pieces. Every text of the shown pages stands in exactly one chunk that gets a
vector; running lines stand once for all their pages, in chunks of their own; bare page numbers stand nowhere; a table's
header stands in each part of it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import or_
from typing import Literal

from swatchbook.catalogue.attributes import Attribute, match
from swatchbook.catalogue.cards import find_cards
from swatchbook.catalogue.entities import certificates, specifications
from swatchbook.catalogue.kinds import certificates_in, is_label
from swatchbook.catalogue.layout import Mark, PageLayout, Style, Text, mark, paragraphs, summarise_page, tidy
from swatchbook.catalogue.layout import reading_order as in_order
from swatchbook.catalogue.sections import DocumentLayout, heading_styles, layout_document
from swatchbook.geometry import inside, shared
from swatchbook.records import Box, Chunk, Chunks, Line, Page, Plan, Reading, Table, chunk_id, fold, text_key

MOST_PIECES = 220
"""Word pieces of a chunk as `word_pieces` estimates them: below MiniLM's 256, with room for the estimate's error."""
FEWEST_PAGES = 3
"""On so many pages a number in the margin follows the number of the page by design, not by chance."""
SHORT_PIECES = 40
"""A text so short before a table is its title and stays with it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a page's text that is cut only if it alone is too long; `rows` are a table's."""

    page: int
    box: Box
    text: str
    rows: tuple[str, ...] = ()
    header: bool = False
    labelled: bool = False  # a known label with its value


@dataclass(slots=True)
class Branch:
    """A heading (the last of `path`, and the first unit) with what follows, down to the next of its rank or above."""

    path: tuple[str, ...]
    level: int
    parent: int | None
    units: list[Unit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Margins:
    """Texts that stand at one place in the margins of page after page: those that run, and those that look alike but
    say something of their own page, such as a price."""

    running: frozenset[Text]
    own: frozenset[Text]


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A page's text as read: texts outside pairs and tables, and the units that pairs and tables make."""

    sheet: PageLayout
    units: tuple[Unit, ...]
    loose: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk to be."""

    kind: Literal["section", "text", "table", "running"]
    text: str
    pages: tuple[int, ...]


def chunk(document_id: str, reading: Reading, pages: Iterable[Page], plan: Plan, tables: Sequence[Table]) -> Chunks:
    """Sections and chunks in reading order, and the document's entities.

    Headings are what stands out in print, what the outline announces, and names at pictures.
    """
    shown = set(plan.shown)
    leaves: list[TextBlock] = []
    named: dict[str, list[int]] = {}
    labels: dict[int, int] = {}
    for page in pages:
        if page.number in shown:
            labels[page.number] = int(page.label) if _SHORT_NUMBER.fullmatch(page.label) else page.number
            leaves.append(_text_block(page, [t for t in tables if t.page == page.number]))
            for name in certificates_in(page.text):
                named.setdefault(name, []).append(page.number)
    sheets = [leaf.sheet for leaf in leaves]
    book = layout_document(sheets, {}, reading.outline)
    margins = _margins(sheets, book.shunned, labels)
    branches = _branches(leaves, book, _small_headings(leaves, book, reading), margins)
    made = tuple(_chunks(document_id, branches, _running_units(sheets, margins)))
    names = _headings_by_page(branches)
    loose = {leaf.sheet.number: leaf.loose for leaf in leaves}
    own = [t for t in tables if t.page in shown]
    return Chunks(
        chunks=made,
        entities=(*specifications(document_id, own, loose, names), *certificates(document_id, named)),
    )


# --- pages to units ---------------------------------------------------------------------------------------------------


def _text_block(page: Page, tables: Sequence[Table]) -> TextBlock:
    lines = [line for line in page.lines if line.text]
    units: list[Unit] = []
    for table in tables:
        rows = tuple(filter(None, (" | ".join(c for cell in row if (c := tidy(cell))) for row in table.rows)))
        rest = [line for line in lines if not _in_table(line, table)]
        if len(rest) < len(lines):
            box = table.bbox or page.box
            units.append(Unit(page.number, box, "\n".join(rows), rows, table.header and len(rows) > 1))
            lines = rest
    pairs = [(a, used) for a, used in match(lines, page.box[2] - page.box[0]) if a.known]
    units += [Unit(page.number, a.box, tidy(" ".join(lines[i].text for i in used)), labelled=True) for a, used in pairs]
    paired = {i for _, used in pairs for i in used}
    texts = paragraphs(page.number, [line for i, line in enumerate(lines) if i not in paired])
    sheet = replace(summarise_page(page), texts=tuple(texts))
    return TextBlock(sheet, tuple(units), tuple(a for a, _ in pairs))


def _in_table(line: Line, table: Table) -> bool:
    """Whether a table says all of a line: it stands there, and each of its words is a word of the cells."""
    if table.bbox is not None and not inside(line.bbox, table.bbox):
        return False
    words = {fold(word) for row in table.rows for cell in row for word in tidy(cell).split()}
    return all(fold(word) in words for word in tidy(line.text).split())


def _small_headings(leaves: Sequence[TextBlock], book: DocumentLayout, reading: Reading) -> set[tuple[int, Box]]:
    """(page, box) of texts that are headings though they are set like any other: captions and outline entries."""
    cards = find_cards(book.sheets, book.family, book.shunned)
    announced = {(entry.page, fold(entry.title)) for entry in reading.outline}
    titles = {(t.page, t.box) for leaf in leaves for t in leaf.sheet.texts if (t.page, fold(t.text)) in announced}
    return titles | {(c.text.page, c.text.box) for captions in cards.values() for c in captions}


def _branches(
    leaves: Sequence[TextBlock], book: DocumentLayout, small: set[tuple[int, Box]], margins: Margins
) -> list[Branch]:
    """The document as a list of headings with their units; the first has no heading."""
    levels = {style: n for n, style in enumerate(heading_styles(book))}
    branches = [Branch(path=(), level=-1, parent=None)]
    stack = [0]
    for leaf in leaves:
        sheet = leaf.sheet
        texts = [t for t in sheet.texts if t not in margins.running]
        headed: list[tuple[Unit, int | None]] = [(u, None) for u in leaf.units]
        headed += [(Unit(t.page, t.box, "\n".join(t.lines)), _level(t, sheet, book, levels, small)) for t in texts]
        own = {t.box for t in texts if t in margins.own}
        order = _behind_headings([headed[i] for i in in_order([unit.box for unit, _ in headed])], own)
        boxes, above = [unit.box for unit, _ in order], list[Unit]()
        for (unit, level), (following, below) in zip(order, [*order, (None, None)][1:], strict=True):
            outranked = below is not None and (level is None or below < level)
            if outranked and following and _is_overline(unit, following, [*sheet.pictures, *boxes]):
                above.append(unit)
                continue
            if level is not None:
                while branches[stack[-1]].level >= level:
                    stack.pop()
                path = (*branches[stack[-1]].path, tidy(unit.text))
                branches.append(Branch(path, level, stack[-1]))
                stack.append(len(branches) - 1)
            branches[stack[-1]].units += [unit, *above]
            above = []
    return branches


def _behind_headings(order: list[tuple[Unit, int | None]], margin: set[Box]) -> list[tuple[Unit, int | None]]:
    """Units of a page in order, with what the top margin says of this page behind the page's first headings."""
    start = next((n for n, (_, level) in enumerate(order) if level is not None), 0)
    end = next((n for n in range(start, len(order)) if order[n][1] is None), len(order))
    early = [one for one in order[:start] if one[0].box in margin]
    return [one for one in order[:start] if one not in early] + order[start:end] + early + order[end:]


def _is_overline(unit: Unit, heading: Unit, others: Iterable[Box]) -> bool:
    """Whether a line stands right above a heading, closer than to anything above itself: what a product is, over its
    name."""
    height = (heading.box[3] - heading.box[1]) / len(heading.text.splitlines())
    aside = min(abs(unit.box[0] - heading.box[0]), abs(sum(unit.box[::2]) - sum(heading.box[::2])) / 2)
    gap = heading.box[1] - unit.box[3]
    if unit.rows or unit.labelled or "\n" in unit.text or abs(gap) > height or aside > height:
        return False
    reach = (unit.box[0], unit.box[1] - gap - 1, unit.box[2], unit.box[1])
    return not any(box[3] <= unit.box[1] + 1 and shared(box, reach) for box in others)


def _headings_by_page(branches: Sequence[Branch]) -> dict[int, str]:
    """Page -> the heading of its first specification, passing over labels such as "Technical data"."""
    names: dict[int, str] = {}
    for branch in branches:
        name = next((h for h in reversed(branch.path) if not is_label(h)), None)
        for unit in branch.units:
            if name and (unit.labelled or unit.rows):
                names.setdefault(unit.page, name)
    return names


def _level(
    text: Text, sheet: PageLayout, book: DocumentLayout, levels: Mapping[Style, int], small: set[tuple[int, Box]]
) -> int | None:
    """Rank of a heading, 0 the top; one that is set like body text ranks below all; None for other texts."""
    if book.is_heading(text, sheet):
        return levels[book.family[text.style]]
    return len(levels) if (text.page, text.box) in small else None


# --- margins ----------------------------------------------------------------------------------------------------------


def _margins(sheets: Sequence[PageLayout], shunned: frozenset[Mark], labels: Mapping[int, int]) -> Margins:
    """What stands at one place in the margins of page after page, parted into what runs and what each page says of
    itself. `labels`: page -> the number printed on it as far as the PDF knows."""
    alike: dict[Mark, list[Text]] = defaultdict(list)
    for sheet in sheets:
        for text in sheet.texts:
            if (m := mark(text, sheet))[3] and m in shunned:
                alike[m].append(text)
    running = frozenset(text for texts in alike.values() for text in _running(texts, labels))
    return Margins(running, frozenset(text for texts in alike.values() for text in texts) - running)


def _running(texts: Sequence[Text], labels: Mapping[int, int]) -> Iterator[Text]:
    """Of texts that differ in their digits at most, those that say nothing of their own: numbers alone, the same words
    everywhere, or the same but for the number of the page."""
    if len({t.text for t in texts}) == 1:
        yield from texts
        return
    shapes: dict[str, list[Text]] = defaultdict(list)
    for text in texts:
        shapes[_DIGITS.sub("#", text.text)].append(text)
    for same in shapes.values():
        pages = [text.page for text in same]
        columns = list(zip(*(_numbers(text) for text in same), strict=True))
        numbered = [_page_numbers(column, pages, labels) for column in columns]
        constant = [len(set(column)) == 1 for column in columns]
        for n, text in enumerate(same):
            paged = [column[n] for column in numbered]
            if not paged or text.text.isdecimal() or (any(paged) and all(map(or_, paged, constant))):
                yield text


def _page_numbers(values: Sequence[int], pages: Sequence[int], labels: Mapping[int, int]) -> list[bool]:
    """Which of the values are numbers of their pages: as far from these (or, on spreads, from twice these) as most."""
    for counted in ([labels[page] for page in pages], pages, [2 * page for page in pages]):
        offsets = [value - number for value, number in zip(values, counted, strict=True)]
        usual, times = Counter(offsets).most_common(1)[0]
        if times >= FEWEST_PAGES and 2 * times >= len(offsets):
            return [offset == usual for offset in offsets]
    return [False] * len(values)


def _numbers(text: Text) -> list[int]:
    return [int(digits[-9:]) for digits in _DIGITS.findall(text.text)]


def _running_units(sheets: Sequence[PageLayout], margins: Margins) -> list[Unit]:
    """What runs in the margins, each once; numbers of pages are left out."""
    once: dict[str, Unit] = {}
    for sheet in sheets:
        for text in sheet.texts:
            if text in margins.running and (words := mark(text, sheet)[0]).strip("#"):
                once.setdefault(words, Unit(text.page, text.box, text.text))
    return list(once.values())


# --- units to chunks --------------------------------------------------------------------------------------------------


def _chunks(document_id: str, branches: Sequence[Branch], running: Sequence[Unit]) -> Iterator[Chunk]:
    """A branch with branches below it, or with several pieces, is a section and its pieces' parent. What runs in the
    margins comes last."""
    parents = {b.parent for b in branches}
    counted = _Counted(document_id)
    sections: dict[int, str] = {}
    for n, (branch, units) in enumerate(zip(branches, _with_lone_headings_moved(branches), strict=True)):
        pieces = list(_pieces(units))
        above = sections.get(branch.parent) if branch.parent is not None else None
        if branch.path and (n in parents or len(pieces) > 1):
            text = "\n".join(p.text for p in pieces) or branch.path[-1]
            pages = {u.page for u in units} | {u.page for u in branch.units}
            section = counted.chunk(Piece("section", text, tuple(sorted(pages))), branch.path, above)
            sections[n] = above = section.id
            yield section
        for piece in pieces:
            yield counted.chunk(piece, branch.path, above)
    for piece in _pieces(running):
        yield counted.chunk(replace(piece, kind="running"), (), None)


class _Counted:
    """Makes chunks with their place in the document, and with ids that count equals."""

    def __init__(self, document_id: str) -> None:
        self.document_id = document_id
        self.equals: Counter[str] = Counter()

    def chunk(self, piece: Piece, headings: tuple[str, ...], parent: str | None) -> Chunk:
        key = text_key(piece.text)
        place, ordinal = self.equals.total(), self.equals[key]
        self.equals[key] += 1
        return Chunk(
            id=chunk_id(self.document_id, key, ordinal),
            parent=parent,
            ordinal=place,
            kind=piece.kind,
            text=piece.text,
            text_key=key,
            headings=headings,
            pages=piece.pages,
            embed=piece.kind != "section",
        )


def _with_lone_headings_moved(branches: Sequence[Branch]) -> list[list[Unit]]:
    """The units of each branch; a heading with nothing but a smaller heading below it goes along with that one."""
    units: list[list[Unit]] = []
    carried: list[Unit] = []
    for n, branch in enumerate(branches):
        own = [*carried, *branch.units]
        lone = branch.path and len(branch.units) == 1 and n + 1 < len(branches) and branches[n + 1].parent == n
        carried = own if lone else []
        units.append([] if lone else own)
    return units


def _pieces(units: Sequence[Unit]) -> Iterator[Piece]:
    """Units filled into pieces in order; a table begins a new one unless only a heading or so waits before it."""
    waiting: list[tuple[str, int]] = []
    for unit in units:
        if unit.rows:
            head = waiting if sum(word_pieces(text) for text, _ in waiting) <= SHORT_PIECES else []
            if not head:
                yield from _flushed(waiting)
            yield from _of_table(unit, head)
            waiting = []
            continue
        for text in _cut_to_fit(unit.text):
            if waiting and sum(word_pieces(t) for t, _ in waiting) + word_pieces(text) > MOST_PIECES:
                yield from _flushed(waiting)
                waiting = []
            waiting.append((text, unit.page))
    yield from _flushed(waiting)


def _flushed(waiting: Sequence[tuple[str, int]]) -> Iterator[Piece]:
    if waiting:
        yield Piece("text", "\n".join(t for t, _ in waiting), tuple(sorted({page for _, page in waiting})))


def _of_table(unit: Unit, head: Sequence[tuple[str, int]]) -> Iterator[Piece]:
    """Whole rows, the header in front of each part; `head` goes before the first."""
    header = unit.rows[:1] if unit.header else ()
    part: list[str] = [text for text, _ in head]
    pages = tuple(sorted({unit.page, *(page for _, page in head)}))
    part += header
    fresh = True
    for row in unit.rows[len(header) :]:
        if not fresh and word_pieces("\n".join((*part, row))) > MOST_PIECES:
            yield Piece("table", "\n".join(part), pages)
            part, pages = list(header), (unit.page,)
        part.append(row)
        fresh = False
    yield Piece("table", "\n".join(part), pages)


def _cut_to_fit(text: str) -> Iterator[str]:
    """A text in parts of at most MOST_PIECES, cut between sentences, else between words, else anywhere."""
    if word_pieces(text) <= MOST_PIECES:
        yield text
        return
    sentences, words = re.split(r"(?<=[.!?。！？])\s+|\n", text), text.split()
    ways = (("\n", sentences), (" ", words), ("", list(text)))
    joint, parts = next((j, p) for j, p in ways if all(word_pieces(part) <= MOST_PIECES for part in p))
    full: list[str] = []
    size = 0
    for part in parts:
        if full and size + word_pieces(part) > MOST_PIECES:
            yield joint.join(full)
            full, size = [], 0
        full.append(part)
        size += word_pieces(part)
    yield joint.join(full)


_DIGITS = re.compile(r"\d+")
_SHORT_NUMBER = re.compile(r"\d{1,9}")
_TOKENS = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")


def word_pieces(text: str) -> int:
    """About how many word pieces MiniLM's vocabulary makes of a text; on the high side for names, codes, and scripts
    without spaces, where each character counts."""
    return sum(
        1 if len(t) == 1 else len(t) if ord(t[0]) > 0x2E7F else 1 + (len(t) - 1) // (6 if t.isascii() else 3)
        for t in _TOKENS.findall(text)
    )
