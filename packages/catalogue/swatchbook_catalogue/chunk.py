"""Stage 4: cut the text of all pages without boilerplate into a hierarchy of sections and chunks.

Every text of these pages is in exactly one chunk that gets a vector; a row of a table is never cut.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from swatchbook_base.geometry import centre_inside, shared_area
from swatchbook_base.records import (
    Box,
    Chunk,
    Chunks,
    Line,
    Page,
    Plan,
    Reading,
    Table,
    chunk_id,
    fold,
    normalise_line,
    text_key,
)
from swatchbook_catalogue.attributes import Attribute, match_attributes
from swatchbook_catalogue.cards import find_cards
from swatchbook_catalogue.entities import find_certificates, find_specifications
from swatchbook_catalogue.kinds import certificates_in, is_label
from swatchbook_catalogue.page_layout import (
    PageLayout,
    Style,
    Text,
    is_right_to_left,
    join_paragraphs,
    summarise_page,
)
from swatchbook_catalogue.reading_order import mark_spreads, reading_order
from swatchbook_catalogue.running_text import Margins, divide_margins, page_label, text_place
from swatchbook_catalogue.sections import DocumentLayout, heading_styles, layout_document

MOST_PIECES = 220  # word pieces of a chunk by `word_pieces`: far below what text encoders read at once
SHORT_PIECES = 40  # the most word pieces of a text before a table that is the table's title and stays with it


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a page's text that is cut only if it is too long for a chunk. `rows` are those of a table."""

    page: int
    box: Box
    text: str
    rows: tuple[str, ...] = ()
    header: bool = False
    labelled: bool = False  # a known label with its value


@dataclass(slots=True)
class Branch:
    """A heading (the last of `path`, and the first unit) with the units down to the next one of its rank or above."""

    path: tuple[str, ...]
    level: int
    parent: int | None
    units: list[Unit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TextBlock:
    """A page's text: `units` of its tables and labels with values; its layout has all other texts."""

    layout: PageLayout
    units: tuple[Unit, ...]
    loose: tuple[Attribute, ...]
    skipped: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of a chunk before it gets an id."""

    kind: Literal["section", "text", "table", "running"]
    text: str
    pages: tuple[int, ...]


def chunk(document_id: str, reading: Reading, pages: Iterable[Page], plan: Plan, tables: Sequence[Table]) -> Chunks:
    """Return the sections and chunks in reading order, and the document's entities."""
    shown, searched = set(plan.shown), set(plan.searched)
    blocks: list[TextBlock] = []
    pages_by_certificate: dict[str, list[int]] = {}
    labels: dict[int, int] = {}
    for page in pages:
        if page.number in searched:
            labels[page.number] = page_label(page)
            own_tables = [t for t in tables if t.page == page.number]
            blocks.append(_text_block(page, own_tables, skipped=page.number not in shown))
            for name in certificates_in(page.text) if page.number in shown else ():
                pages_by_certificate.setdefault(name, []).append(page.number)
    layouts = mark_spreads([block.layout for block in blocks], reading.page_boxes)
    blocks = [replace(block, layout=layout) for block, layout in zip(blocks, layouts, strict=True)]
    document = layout_document(layouts, {})
    margins = divide_margins(layouts, document.repeated_places, labels)
    # Names of cards and outline entries are headings without standing out.
    cards = find_cards(document.layouts, document.family, document.repeated_places)
    announced = {(entry.page, fold(entry.title)) for entry in reading.outline}
    titles = {(t.page, t.box) for block in blocks for t in block.layout.texts if (t.page, fold(t.text)) in announced}
    branches = _branches(
        blocks, document, titles | {(c.text.page, c.text.box) for on_page in cards.values() for c in on_page}, margins
    )
    chunks = tuple(_chunks(document_id, branches, _running_units(layouts, margins)))
    heading_by_page = _headings_by_page(branches)
    loose = {block.layout.number: block.loose for block in blocks if block.layout.number in shown}
    shown_tables = [t for t in tables if t.page in shown]
    return Chunks(
        chunks=chunks,
        entities=(
            *find_specifications(document_id, shown_tables, loose, heading_by_page),
            *find_certificates(document_id, pages_by_certificate),
        ),
    )


def _text_block(page: Page, tables: Sequence[Table], *, skipped: bool) -> TextBlock:
    lines = [line for line in page.lines if line.text]
    units: list[Unit] = []
    for table in tables:
        rows = tuple(filter(None, (" | ".join(c for cell in row if (c := normalise_line(cell))) for row in table.rows)))
        words = frozenset(fold(word) for row in table.rows for cell in row for word in normalise_line(cell).split())
        rest = [line for line in lines if not _in_table(line, table, words)]
        if len(rest) < len(lines):
            box = table.bbox or page.box
            units.append(Unit(page.number, box, "\n".join(rows), rows, table.header and len(rows) > 1))
            lines = rest
    pairs = [(a, used) for a, used in match_attributes(lines, page.box[2] - page.box[0]) if a.known]
    units += [
        Unit(page.number, a.box, normalise_line(" ".join(lines[i].text for i in used)), labelled=True)
        for a, used in pairs
    ]
    paired = {i for _, used in pairs for i in used}
    layout = summarise_page(page)
    texts = join_paragraphs(page.number, [line for i, line in enumerate(lines) if i not in paired], layout.columns)
    layout = replace(layout, texts=tuple(texts))
    return TextBlock(layout, tuple(units), tuple(a for a, _ in pairs), skipped)


def _in_table(line: Line, table: Table, words: Collection[str]) -> bool:
    """Whether a line is part of a table: it lies in the table's box and all of its words are in the cells."""
    if table.bbox is not None and not centre_inside(line.bbox, table.bbox):
        return False
    return all(fold(word) in words for word in normalise_line(line.text).split())


def _branches(
    blocks: Sequence[TextBlock], document: DocumentLayout, small: set[tuple[int, Box]], margins: Margins
) -> list[Branch]:
    """Return the document as a list of headings with their units.

    The first branch has no heading, nor has the first one of each skipped page: the text of such a page is under none
    of the headings before it, and its headings are over nothing else.
    """
    levels = {style: n for n, style in enumerate(heading_styles(document))}
    branches = [Branch(path=(), level=-1, parent=None)]
    stack_of_shown = [0]
    for block in blocks:
        layout, stack = block.layout, stack_of_shown
        if block.skipped:
            branches.append(Branch(path=(), level=-1, parent=None))
            stack = [len(branches) - 1]
        texts = [t for t in layout.texts if t not in margins.running]
        headed: list[tuple[Unit, int | None]] = [(u, None) for u in block.units]
        headed += [(Unit(t.page, t.box, "\n".join(t.lines)), _level(t, layout, document, levels, small)) for t in texts]
        page_specific = {t.box for t in texts if t in margins.page_specific}
        mirrored = is_right_to_left(unit.text for unit, _ in headed)
        in_order = reading_order([unit.box for unit, _ in headed], layout.fold_at, right_to_left=mirrored)
        order = _move_behind_headings([headed[i] for i in in_order], page_specific)
        boxes, above = [unit.box for unit, _ in order], list[Unit]()
        for (unit, level), (following, below) in zip(order, [*order, (None, None)][1:], strict=True):
            outranked = below is not None and (level is None or below < level)
            if outranked and following and _is_overline(unit, following, [*layout.pictures, *boxes]):
                above.append(unit)
                continue
            if level is not None:
                while branches[stack[-1]].level >= level:
                    stack.pop()
                path = (*branches[stack[-1]].path, normalise_line(unit.text))
                branches.append(Branch(path, level, stack[-1]))
                stack.append(len(branches) - 1)
            branches[stack[-1]].units += [unit, *above]
            above = []
    return branches


def _move_behind_headings(order: list[tuple[Unit, int | None]], margin: set[Box]) -> list[tuple[Unit, int | None]]:
    """Return the units of a page, with page-specific texts of the top margin moved behind the first headings."""
    start = next((n for n, (_, level) in enumerate(order) if level is not None), 0)
    end = next((n for n in range(start, len(order)) if order[n][1] is None), len(order))
    from_margin = [entry for entry in order[:start] if entry[0].box in margin]
    return [entry for entry in order[:start] if entry not in from_margin] + order[start:end] + from_margin + order[end:]


def _is_overline(unit: Unit, heading: Unit, others: Iterable[Box]) -> bool:
    """Whether a line is directly above a heading, nearer to it than to all above, as the kind of product is."""
    height = (heading.box[3] - heading.box[1]) / len(heading.text.splitlines())
    aside = min(abs(unit.box[0] - heading.box[0]), abs(sum(unit.box[::2]) - sum(heading.box[::2])) / 2)
    gap = heading.box[1] - unit.box[3]
    if unit.rows or unit.labelled or "\n" in unit.text or abs(gap) > height or aside > height:
        return False
    reach = (unit.box[0], unit.box[1] - gap - 1, unit.box[2], unit.box[1])
    return not any(box[3] <= unit.box[1] + 1 and shared_area(box, reach) for box in others)


def _headings_by_page(branches: Sequence[Branch]) -> dict[int, str]:
    """Return page -> the heading of its first specification, ignoring labels such as "Technical data"."""
    names: dict[int, str] = {}
    for branch in branches:
        name = next((h for h in reversed(branch.path) if not is_label(h)), None)
        for unit in branch.units:
            if name and (unit.labelled or unit.rows):
                names.setdefault(unit.page, name)
    return names


def _level(
    text: Text, layout: PageLayout, document: DocumentLayout, levels: Mapping[Style, int], small: set[tuple[int, Box]]
) -> int | None:
    """Return the rank of a heading (0 is the highest), None for other texts; a heading set like body text is lowest."""
    if document.is_heading(text, layout):
        return levels[document.family[text.style]]
    return len(levels) if (text.page, text.box) in small else None


def _running_units(layouts: Sequence[PageLayout], margins: Margins) -> list[Unit]:
    """Return the running heads and feet, each once, without page numbers."""
    once: dict[str, Unit] = {}
    for layout in layouts:
        for text in layout.texts:
            if text in margins.running and (words := text_place(text, layout).words).strip("#"):
                once.setdefault(words, Unit(text.page, text.box, text.text))
    return list(once.values())


def _chunks(document_id: str, branches: Sequence[Branch], running: Sequence[Unit]) -> Iterator[Chunk]:
    """Yield the chunks of branches, with sections as parents of several pieces, then the running heads and feet."""
    parents = {b.parent for b in branches}
    builder = _ChunkBuilder(document_id)
    sections: dict[int, str] = {}
    for n, (branch, units) in enumerate(zip(branches, _with_lone_headings_moved(branches), strict=True)):
        pieces = list(_pieces(units))
        above = sections.get(branch.parent) if branch.parent is not None else None
        if branch.path and (n in parents or len(pieces) > 1):
            text = "\n".join(p.text for p in pieces) or branch.path[-1]
            pages = {u.page for u in units} | {u.page for u in branch.units}
            section = builder.chunk(Piece("section", text, tuple(sorted(pages))), branch.path, above)
            sections[n] = above = section.id
            yield section
        for piece in pieces:
            yield builder.chunk(piece, branch.path, above)
    for piece in _pieces(running):
        yield builder.chunk(replace(piece, kind="running"), (), None)


class _ChunkBuilder:
    """Build chunks with their position in the document; chunks of equal text get ids with increasing ordinals."""

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
    """Return the units of each branch; a heading without text moves to the smaller heading below it."""
    units: list[list[Unit]] = []
    carried: list[Unit] = []
    for n, branch in enumerate(branches):
        own = [*carried, *branch.units]
        lone = branch.path and len(branch.units) == 1 and n + 1 < len(branches) and branches[n + 1].parent == n
        carried = own if lone else []
        units.append([] if lone else own)
    return units


def _pieces(units: Sequence[Unit]) -> Iterator[Piece]:
    """Fill units into pieces in order; a table begins a new piece unless only a short text precedes it."""
    waiting: list[tuple[str, int]] = []
    for unit in units:
        if unit.rows:
            head = waiting if sum(word_pieces(text) for text, _ in waiting) <= SHORT_PIECES else []
            if not head:
                yield from _flush(waiting)
            yield from _table_pieces(unit, head)
            waiting = []
            continue
        for text in _cut_to_fit(unit.text):
            if waiting and sum(word_pieces(t) for t, _ in waiting) + word_pieces(text) > MOST_PIECES:
                yield from _flush(waiting)
                waiting = []
            waiting.append((text, unit.page))
    yield from _flush(waiting)


def _flush(waiting: Sequence[tuple[str, int]]) -> Iterator[Piece]:
    if waiting:
        yield Piece("text", "\n".join(t for t, _ in waiting), tuple(sorted({page for _, page in waiting})))


def _table_pieces(unit: Unit, head: Sequence[tuple[str, int]]) -> Iterator[Piece]:
    """Return the pieces of a table: whole rows, each part with the header; `head` precedes the first part."""
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
    """Cut a text into parts of at most `MOST_PIECES`: between sentences, else between words, else anywhere."""
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


_TOKENS = re.compile(r"[^\W\d_]+|\d|[^\w\s]|_")


def word_pieces(text: str) -> int:
    """Estimate the word pieces of a text: high for names, codes and scripts without spaces."""
    return sum(
        1 if len(t) == 1 else len(t) if ord(t[0]) > 0x2E7F else 1 + (len(t) - 1) // (6 if t.isascii() else 3)
        for t in _TOKENS.findall(text)
    )
