"""Summarise a page: its lines joined into texts of one style, and its pictures, article codes and entries of an index.

Sizes and distances are points. Thresholds were measured on real catalogues; the score table in
packages/catalogue/tests/test_discover.py checks them.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product

from swatchbook_base.geometry import area, bounding_box, clip, is_broad, shared_area, turn_box
from swatchbook_base.printed_prices import price_in
from swatchbook_base.records import SOFT_HYPHEN, Box, Line, Page, fold, normalise_line
from swatchbook_catalogue.attributes import Attribute, code_of, is_measure, match_attributes
from swatchbook_catalogue.bands import Bands, line_bands
from swatchbook_catalogue.grid import LONGEST_CELL, codes_of_rows, find_tables, lines_of_rows, with_whole_prices
from swatchbook_catalogue.measures import labelled_code
from swatchbook_catalogue.table_rows import is_head

STEP = 1.35  # the longest distance between lines of a paragraph, as a multiple of the usual distance in that style
IN_ROW = 0.4  # the largest difference between the middles of lines of a row, as a share of the font size
FEWEST_ROWS, LONGEST_VALUE = 3, 16  # rows of a table without a number in each cell; characters of a value
CODE_STEP = 2.2  # the longest distance between a code and its name above or below, in font sizes
COLUMN = 6.0  # points by which the edges of a column may differ
SAME_FONT_SIZE = 0.08  # share by which font sizes of one family may differ: layouts shrink a long title to fit its line
EDGE_BAND = 0.09  # share of the page's height, at the top and at the bottom, that has page numbers and running heads
LONGEST_NAME = 80  # the most characters of a name, which has at most nine words; longer texts are prose
LARGER = 1.12  # the least size of a heading that is not bold, as a multiple of body text
MOST_WORDS_OF_A_PRICE = 6  # words of a line; a price in a longer one may be that of anything
_BETWEEN = {"and", "or", "und", "oder", "bzw", "bis", "et", "ou", "y", "o", "e", "i", "en", "of", "и", "или", "to"}
"""Words after a hyphen that replaces the end of the next compound: "Innen- und Außentüren"."""

_NAME_WORD = re.compile(r"(?<!\S)[^\W\d_]{4,}(?!\S)")
"""A word behind the label of a code that makes it a name: "REF: POLO B", but not "REF: HFE"."""

Style = tuple[float, bool]  # font size in points, and whether it is bold


@dataclass(frozen=True, slots=True)
class Text:
    """Lines in one style that belong together: a heading, a caption, a paragraph."""

    page: int
    box: Box
    lines: tuple[str, ...]
    size: float
    bold: bool

    @property
    def text(self) -> str:
        return " ".join(self.lines)

    @property
    def style(self) -> Style:
        return self.size, self.bold


@dataclass(frozen=True, slots=True)
class Code:
    """A line that is an article code; `name` is the nearest text in its row, or directly above or below."""

    code: str
    box: Box
    size: float
    name: str | None


@dataclass(frozen=True, slots=True)
class PageLayout:
    """The summary of a page. Its size is bounded, so that thousands of pages fit into memory."""

    number: int
    box: Box
    texts: tuple[Text, ...]
    pictures: tuple[Box, ...]
    attributes: tuple[Attribute, ...]
    codes: tuple[Code, ...]
    has_table: bool
    prices: tuple[Box, ...]
    entries: tuple[str, ...]
    last_entry: int  # the highest page number among the entries, 0 without any
    sizes: Mapping[int, int]  # font size in whole points -> number of characters
    spread: bool
    ocr: bool  # some of its texts were read from its pixels: their sizes are measured, and vary
    turn: int = 0  # degrees clockwise by which the page must be turned to be read
    columns: Mapping[Box, int] = field(default_factory=dict)  # box of each cell of a table -> number of its column
    row_codes: Mapping[Box, str] = field(default_factory=dict)  # box of each name that rows share -> its row's code

    @property
    def width(self) -> float:
        return self.box[2] - self.box[0]

    @property
    def fold_at(self) -> float | None:
        """Return where the two pages of a spread meet, None on other pages."""
        return (self.box[0] + self.box[2]) / 2 if self.spread else None

    @property
    def height(self) -> float:
        return self.box[3] - self.box[1]


def normalise_lines(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the normalised lines of a paragraph; a word that is split over two lines moves to the first.

    A soft hyphen is removed. Another hyphen stays, because the print does not distinguish "up-to-date" from
    "photo-graph". After it the word goes on if the next line begins with a small letter and not with a word such as
    "and" ("Innen- und").
    """
    lines: list[str] = []
    for text in texts:
        words = text.split()
        above = lines[-1] if lines else ""
        if words and (_goes_on(above, words[0])):
            lines[-1] = above + words.pop(0)
        if words:
            lines.append(" ".join(words))
    return tuple(normalise_line(line) for line in lines)


def _goes_on(line: str, word: str) -> bool:
    if line.endswith(SOFT_HYPHEN):
        return True
    hyphenated = line.endswith(("-", "\u2010")) and line[-2:-1].isalpha()
    return hyphenated and word[0].islower() and fold(word) not in _BETWEEN


def summarise_page(page: Page) -> PageLayout:
    """Return the layout of a page. Lines that are labels and values go to `attributes`, all others to `texts`.

    Words behind the label of a code ("REF: POLO B") may name a product, so they are in both. The head of a column in a
    table of articles is no label of the cell below it.
    """
    lines = [line for line in page.lines if line.text]
    width = page.box[2] - page.box[0]
    grid = find_tables(with_whole_prices(lines))
    columns = [column.cells.values() for table in grid for column in table.columns]
    bands = line_bands(lines)
    cells = {cell.bbox for column in columns for cell in column}
    cells |= {line.bbox for table in grid for line in lines_of_rows(table, bands)}
    pairs = [
        (pair, indices)
        for pair, indices in match_attributes(lines, width)
        if len(indices) == 1 or not all(lines[i].bbox in cells for i in indices)
    ]
    used = {i for pair, indices in pairs if pair.known for i in _without_named(pair, indices)}
    free = [line for i, line in enumerate(lines) if i not in used]
    texts = join_paragraphs(page.number, free, cells)
    entries, last_entry = _entries(lines)
    pictures = picture_boxes(page)
    found = [code_of(line.text) for line in lines]
    names = line_bands(
        [line for line, code in zip(lines, found, strict=True) if not code and _may_name_code(line.text)]
    )
    return PageLayout(
        number=page.number,
        box=page.box,
        texts=tuple(_short(t) for t in texts),
        pictures=pictures,
        attributes=tuple(a for a, _ in pairs),
        codes=tuple(
            Code(code, line.bbox, round(line.size, 1), _name_beside(line, names))
            for line, code in zip(lines, found, strict=True)
            if code
        ),
        has_table=page.has_table,
        prices=tuple(line.bbox for line in lines if _may_price(line.text) and price_in(line.text)),
        entries=entries,
        last_entry=last_entry,
        sizes=_sizes(lines),
        spread=_is_spread(page, lines),
        ocr=page.ocr,
        turn=page.turn,
        columns={cell.bbox: n for n, column in enumerate(columns) for cell in column},
        row_codes=codes_of_rows(grid),
    )


def _without_named(pair: Attribute, indices: Sequence[int]) -> Sequence[int]:
    """Return the lines of a label and its value, without the value's if it is words behind the label of a code."""
    is_named = pair.key == "code" and not code_of(pair.value) and _NAME_WORD.search(pair.value)
    return indices if not is_named else indices[: len(indices) > 1]


def upright(page: Page) -> Page:
    """Return a sideways page with its boxes turned upright, so that "below" and "right" are those of the reader."""

    def turned(box: Box) -> Box:
        return turn_box(box, page.box, page.turn)

    if not page.turn:
        return page
    blocks = tuple(
        block.model_copy(
            update={
                "bbox": turned(block.bbox),
                "lines": tuple(line.model_copy(update={"bbox": turned(line.bbox)}) for line in block.lines),
            }
        )
        for block in page.blocks
    )
    drawn = tuple(each.model_copy(update={"bbox": turned(each.bbox)}) for each in page.drawn)
    return page.model_copy(update={"box": turned(page.box), "blocks": blocks, "drawn": drawn})


def join_paragraphs(page: int, lines: Sequence[Line], cells: Collection[Box] = ()) -> list[Text]:
    """Join lines of the same style and spacing down their columns into texts, in the order of their first lines.

    Lines of a table (`cells` are known ones), heads of columns, and short lines that begin with one word, are separate
    texts. A style's usual step, the lower quartile, separates a name from its description in the same style, and keeps
    loosely set prose together.
    """
    order = sorted(range(len(lines)), key=lambda i: (lines[i].bbox[1], lines[i].bbox[0]))
    above = {i: _line_above(i, order[max(0, n - 80) : n], lines) for n, i in enumerate(order)}
    known = frozenset(i for i in order if lines[i].bbox in cells)
    tables = (known, _cells_of_columns(order, lines))
    steps: dict[Style, list[float]] = defaultdict(list)
    for i, j in above.items():
        if j is not None:
            steps[_style(lines[i])].append(lines[i].bbox[1] - lines[j].bbox[1])
    usual = {style: sorted(values)[len(values) // 4] for style, values in steps.items()}
    head: dict[int, int] = {}
    groups: dict[int, list[int]] = {}
    tails: set[int] = set()
    for i in order:
        j = above[i]
        step = lines[i].bbox[1] - lines[j].bbox[1] if j is not None else 0.0
        rows = any(i in cells and j in cells for cells in tables)
        own = rows or (j is not None and (is_head(lines[j].text) or _begins_item(lines[i].text, lines[j].text)))
        if j is not None and j not in tails and not own and step <= STEP * usual[_style(lines[i])]:
            head[i] = head[j]
            groups[head[i]].append(i)
            tails.add(j)
        else:
            head[i] = i
            groups[i] = [i]
    ordered = [(min(group), group) for group in groups.values()]
    return [_text(page, [lines[i] for i in group]) for _, group in sorted(ordered)]


def _begins_item(line: str, above: str) -> bool:
    """Whether a short line begins with the same word as the one above: "Controller 10 A", "Controller 20 A"."""
    words, before = line.casefold().split(), above.casefold().split()
    if max(len(line), len(above)) > LONGEST_CELL or min(len(words), len(before)) < 2 or words == before:
        return False
    return words[0] == before[0] and sum(map(str.isalpha, words[0])) >= 3


def _cells_of_columns(order: Sequence[int], lines: Sequence[Line]) -> frozenset[int]:
    """Return the short lines with a value in their row, and the values, if three rows have them at one place."""
    short = [i for i in order if len(lines[i].text) <= LONGEST_CELL]
    values = [i for i in short if len(lines[i].text) <= LONGEST_VALUE and _begins_value(lines[i].text)]
    rows: dict[tuple[float, ...], set[tuple[int, int]]] = defaultdict(set)
    for name, value in _pairs_in_rows(short, values, lines):
        begin = lines[name].bbox[2 if is_right_to_left([lines[name].text]) else 0]
        for places in _places_in_grids(begin, lines[value].bbox):
            rows[places].add((name, value))
    tables = [found for found in rows.values() if len({value for _, value in found}) >= FEWEST_ROWS]
    return frozenset(
        i for found in tables if len({name for name, _ in found}) >= FEWEST_ROWS for row in found for i in row
    )


def _pairs_in_rows(names: Sequence[int], values: Sequence[int], lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Yield each name with each value at its height."""

    def middle(i: int) -> float:
        return (lines[i].bbox[1] + lines[i].bbox[3]) / 2

    values = sorted(values, key=middle)
    middles = [middle(i) for i in values]
    for name in names:
        reach = IN_ROW * lines[name].size
        beside = values[bisect_left(middles, middle(name) - reach) : bisect_right(middles, middle(name) + reach)]
        if sum(map(str.isalpha, lines[name].text)) >= 3 and not _goes_on_from_above(lines[name].text):
            yield from ((name, value) for value in beside if _is_before(lines[name], lines[value]))


def _is_before(name: Line, value: Line) -> bool:
    """Whether a name is read before its value."""
    first, then = (value, name) if is_right_to_left([name.text]) else (name, value)
    return then.bbox[0] >= first.bbox[2]


def _begins_value(text: str) -> bool:
    """Whether a text may be a number with its unit, or a price: names with numbers in them begin with letters."""
    return not text[0].isalpha() and text[0] != "(" and any(map(str.isdigit, text))


def _goes_on_from_above(text: str) -> bool:
    return text[0].islower() or text[0] == "("


def _places_in_grids(begin: float, value: Box) -> Iterator[tuple[float, ...]]:
    """Yield a row's column steps in two grids shifted by half a step: edges of one column agree in at least one."""
    for edge, shifted, other in product((0, 2), (0.0, 0.5), (0.0, 0.5)):
        yield edge, shifted, other, (begin / COLUMN + shifted) // 1, (value[edge] / COLUMN + other) // 1


def _line_above(i: int, candidates: Sequence[int], lines: Sequence[Line]) -> int | None:
    """Return the index of the nearest line above in the same style, aligned at the left, the middle or the right."""
    x0, y0, x1, _ = lines[i].bbox
    style = _style(lines[i])
    size = style[0]
    for j in reversed(candidates):
        ox0, oy0, ox1, _ = lines[j].bbox
        if y0 - oy0 > 2.2 * size:
            break
        aligned = abs(ox0 - x0) <= 0.7 * size or abs(ox0 + ox1 - x0 - x1) <= size or abs(ox1 - x1) <= 0.5 * size
        other = _style(lines[j])
        if y0 - oy0 > 0.5 * size and aligned and min(x1, ox1) > max(x0, ox0) and same_family(style, other):
            return j
    return None


def _style(line: Line) -> Style:
    return round(line.size, 1), line.bold


def _text(page: int, lines: Sequence[Line]) -> Text:
    size, bold = _style(lines[0])
    return Text(
        page, bounding_box(line.bbox for line in lines), normalise_lines(line.text for line in lines), size, bold
    )


def _short(text: Text) -> Text:
    if len(text.text) <= 2 * LONGEST_NAME:
        return text
    return Text(text.page, text.box, (text.text[: 2 * LONGEST_NAME],), text.size, text.bold)


def same_family(a: Style, b: Style, tolerance: float = SAME_FONT_SIZE) -> bool:
    """Whether two styles are both bold or both not, and differ in size by at most a share of `tolerance`."""
    return a[1] == b[1] and abs(a[0] - b[0]) <= tolerance * max(a[0], b[0])


def style_families(texts: Iterable[Text], tolerance: float = SAME_FONT_SIZE) -> Mapping[Style, Style]:
    """Map each style to the most frequent style of its family."""
    count = Counter(t.style for t in texts)
    heads: list[Style] = []
    family: dict[Style, Style] = {}
    for style, _ in sorted(count.items(), key=lambda item: (-item[1], item[0])):
        head = next((h for h in heads if same_family(h, style, tolerance)), None)
        if head is None:
            heads.append(style)
        family[style] = head or style
    return family


def body_size(layouts: Iterable[PageLayout]) -> float:
    """Return the font size of most characters, in points; 10 without text."""
    count: Counter[int] = Counter()
    for layout in layouts:
        count.update(layout.sizes)
    return count.most_common(1)[0][0] if count else 10.0


def _sizes(lines: Iterable[Line]) -> Counter[int]:
    count: Counter[int] = Counter()
    for line in lines:
        count[round(line.size)] += len(line.text)
    return count


_BULLET = re.compile(r"^[•·▪■●○◦*✓✔➤>»–—-]\s*|^\d{1,2}[.)]\s+")


def is_name(text: Text) -> bool:
    """Whether a text can be a name: short, with letters, no sentence, price or list item."""
    return len(text.lines) <= 3 and _looks_like_name(text.text)


@lru_cache(maxsize=65_536)  # each reading of a catalogue asks about all of its texts
def _looks_like_name(words: str) -> bool:
    if len(words) > LONGEST_NAME or len(words.split()) > 9:
        return False
    if sum(c.isalpha() for c in words) < 2 and code_of(words) is None:
        return False
    if "@" in words or _BULLET.match(words) or price_in(words) == words.strip() or is_measure(words):
        return False
    small = sum(word[0].islower() for word in words.split())
    lowered = words[:1].islower() and len(words.split()) > 4 and 2 * small > len(words.split())
    ended = words.endswith((".", ",", ";", "!", "?", "…")) and len(words.split()) > 2
    numbered = re.match(
        r"(?:fig(?:ure)?|abb(?:ildung)?|table?|tabelle|photo|foto)\b\.?\s*\d|©|www\.|https?:", words, re.I
    )
    return not (lowered or ended or numbered)


def clean_name(text: Text) -> str:
    """Return a name without bullets, trailing signs, and the lines below it that are codes or prices."""
    kept = [line for line in text.lines if not (price_in(line) or code_of(line))] or list(text.lines[:1])
    return _BULLET.sub("", normalise_line(" ".join(kept))).strip(" :：–—-|·•") or text.text


def picture_boxes(page: Page) -> tuple[Box, ...]:
    """Return the boxes of pictures large enough for a product, clipped to the page; only the top one of a stack."""
    width, height = page.box[2] - page.box[0], page.box[3] - page.box[1]
    boxes: list[Box] = []
    for drawn in page.drawn:
        box = clip(drawn.bbox, page.box)
        w, h = box[2] - box[0], box[3] - box[1]
        if drawn.gradient or min(w, h) < 24 or w * h < 0.004 * width * height or max(w, h) > 8 * min(w, h):
            continue
        boxes = _stack(boxes, box)
    return tuple(boxes)


def _stack(boxes: list[Box], box: Box) -> list[Box]:
    """Add a box, replacing those that it covers: designers reuse a template by laying the new picture over the old."""
    return [b for b in boxes if shared_area(b, box) < 0.7 * min(area(b), area(box)) or area(b) > 2.5 * area(box)] + [
        box
    ]


def is_right_to_left(texts: Iterable[str]) -> bool:
    """Whether most letters of some texts belong to a script that is written from right to left."""
    letters = [unicodedata.bidirectional(c) in ("R", "AL") for text in texts for c in text if c.isalpha()]
    return 2 * sum(letters) > len(letters)


def _may_name_code(words: str) -> bool:
    return len(words) <= LONGEST_NAME and sum(c.isalpha() for c in words) >= 3


def _name_beside(code: Line, names: Bands[Line]) -> str | None:
    """Return the name next to a code: to its right in the row (a table), else directly above or below (a card)."""
    x0, y0, x1, y1 = code.bbox
    size = code.size
    best: list[tuple[int, float, str]] = []
    reach, middle = CODE_STEP * size, (y0 + y1) / 2
    for other in names.near(min(y0, middle) - reach, max(y0, middle) + reach):
        words = other.text
        ox0, oy0, _, oy1 = other.bbox
        if abs(oy0 + oy1 - y0 - y1) < size and 0 <= ox0 - x1 < 220:
            best.append((0, ox0 - x1, words))
        elif abs(ox0 - x0) < size and 0 < abs(oy0 - y0) < CODE_STEP * size:
            best.append((1, abs(oy0 - y0), words))
    return normalise_line(min(best)[2]) if best else None


_LEADER = re.compile(
    r"^\W*+(?P<name>\w.*?)(?:\s*+[.·…_]{2,}+\s*+|\s{2,}+|\t)(?:p(?:age)?\.?|s\.)?\s*+(?P<page>\d{1,4})$", re.IGNORECASE
)
FEWEST_ENTRIES = 4
RISING = 0.8  # least share of an index's numbers that are higher than the one before; those of a price table are not


def _entries(lines: Sequence[Line]) -> tuple[tuple[str, ...], int]:
    """Return the names followed by page numbers, and the highest; none if they are few or the numbers do not rise."""
    led = [m for line in lines if (m := _LEADER.match(line.text))]
    names, pages = [m["name"] for m in led], [int(m["page"]) for m in led]
    numbers = [line for line in lines if re.fullmatch(r"\d{1,4}", line.text)]
    worded = [line for line in lines if sum(map(str.isalpha, line.text)) >= 2]
    for number in numbers if len(numbers) >= FEWEST_ENTRIES else ():
        middle, reach = number.bbox[1] + number.bbox[3], number.bbox[0] + 2
        left = [line for line in worded if line.bbox[2] <= reach]
        cells = [line.text for line in left if abs(line.bbox[1] + line.bbox[3] - middle) < line.size]
        pages += [int(number.text)] if cells else []
        names += cells
    rising = sum(a < b for a, b in pairwise(pages)) + 1
    if len(pages) < FEWEST_ENTRIES or rising < RISING * len(pages):
        return (), 0
    return tuple(dict.fromkeys(normalise_line(name).rstrip(" .·…_") for name in names)), max(pages)


def _may_price(text: str) -> bool:
    """Return whether a price in a line is that of a product, as the line is short or has a labelled code."""
    return len(text.split()) <= MOST_WORDS_OF_A_PRICE or labelled_code(text) is not None


def _is_spread(page: Page, lines: Sequence[Line]) -> bool:
    """Whether a page shows two printed pages: numbers n and n + 1 at the left and right in the margins."""
    x0, y0, x1, y1 = page.box
    if not is_broad(page.box):
        return False
    edge = EDGE_BAND * (y1 - y0)
    middle = (x0 + x1) / 2
    numbers = [line for line in lines if line.text.isdigit() and (line.bbox[1] > y1 - edge or line.bbox[3] < y0 + edge)]
    left = {int(line.text) for line in numbers if line.bbox[2] < middle}
    right = {int(line.text) for line in numbers if line.bbox[0] > middle}
    return any(n + 1 in right for n in left)
