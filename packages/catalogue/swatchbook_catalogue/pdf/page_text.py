"""Read the text of a page as a person sees it: lines with their styles (in the child process).

Ligatures become letters, and letter-spaced words are joined; what is not visible is left out.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from statistics import median
from typing import Any

from swatchbook_base.geometry import FARTHEST, Box, finite_box
from swatchbook_catalogue.pdf.transforms import Transform, transform_box

BOLD, ITALIC = 16, 2  # bits of a span's flags
BOLD_NAMES = ("bold", "black", "heavy", "demi")
MOST_LINES = 5_000  # lines kept of a page, ten times a dense one; later stages compare all pairs of lines
LONGEST_LINE = 1_000  # characters; a longer line is split, because the rules compare each part of a line with all
FEWEST_LETTERS, LETTER_SHARE = 4, 0.6
"""The least number of single letters among a line's words, and the least share of single characters, to be
letter-spaced: kerned pairs such as "TA" stay together."""
WORD_GAP = 1.7
"""The least gap between letter-spaced words, in gaps between letters. Measured: at least 2.1 between words, at most 1.5
between letters."""
_CONTROLS = dict.fromkeys({*range(0x20), *range(0x7F, 0xA0)} - {ord("\t"), ord("\n")})


def limit_lines(blocks: list[Any]) -> tuple[list[Any], tuple[str, ...]]:
    """Return the first blocks with at most `MOST_LINES` lines in all, and a warning if lines were cut."""
    ends = tuple(accumulate(len(block["lines"]) for block in blocks))
    if not ends or ends[-1] <= MOST_LINES:
        return blocks, ()
    whole_blocks = bisect_right(ends, MOST_LINES)
    lines_left = MOST_LINES - (ends[whole_blocks - 1] if whole_blocks else 0)
    cut = {**blocks[whole_blocks], "lines": blocks[whole_blocks]["lines"][:lines_left]}
    kept = [*blocks[:whole_blocks], cut] if lines_left else blocks[:whole_blocks]
    return kept, (f"Its text has {ends[-1]} lines; the first {MOST_LINES} are read.",)


def blocks_of(found: Iterable[dict[str, Any]], as_shown: Transform) -> Iterator[dict[str, Any]]:
    for block in found:
        lines = [
            {"bbox": finite_box(transform_box(line["bbox"], as_shown)), "spans": spans}
            for line in block["lines"]
            for spans in _of_length([_span(span) for span in line["spans"] if span["text"]])
            if any(not span["text"].isspace() for span in spans)
        ]
        if lines:
            yield {"bbox": finite_box(transform_box(block["bbox"], as_shown)), "lines": lines}


def _of_length(spans: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the spans of a line, in several lists if they have more than `LONGEST_LINE` characters."""
    line, length = list[dict[str, Any]](), 0
    for span in spans:
        text = span["text"]
        for start in range(0, len(text), LONGEST_LINE):
            piece = {**span, "text": text[start : start + LONGEST_LINE]}
            if line and length + len(piece["text"]) > LONGEST_LINE:
                yield line
                line, length = [], 0
            line.append(piece)
            length += len(piece["text"])
    yield line


def _span(span: dict[str, Any]) -> dict[str, Any]:
    font = strip_control_characters(span["font"])
    return {
        "text": strip_control_characters(span["text"]),
        "bbox": finite_box(span["bbox"]),
        "size": round(min(span["size"], FARTHEST), 2),
        "font": font,
        "bold": bool(span["flags"] & BOLD) or any(name in font.lower() for name in BOLD_NAMES),
        "italic": bool(span["flags"] & ITALIC),
        "color": span["color"] & 0xFFFFFF,
    }


def text_of_line(line: dict[str, Any]) -> str:
    return "".join(span["text"] for span in line["spans"])


# --- letter-spaced words ----------------------------------------------------------------------------------------------


def is_letter_spaced(text: str) -> bool:
    """Return whether a line is set with spaces between the letters of its words ("A L D E R")."""
    words = text.split()
    single = [word for word in words if len(word) == 1]
    return len(single) >= max(FEWEST_LETTERS, LETTER_SHARE * len(words)) and (
        sum(map(str.isalpha, single)) >= FEWEST_LETTERS
    )


def join_letters(found: Sequence[dict[str, Any]], letters: Sequence[dict[str, Any]]) -> None:
    """Join the words of letter-spaced lines. `letters` are the same blocks with a box for each character."""
    for block, raw_block in zip(found, letters, strict=True):
        for line, raw in zip(block["lines"], raw_block["lines"], strict=True):
            if is_letter_spaced(text_of_line(line)):
                for span, text in zip(line["spans"], _joined(raw), strict=True):
                    span["text"] = text


def _joined(line: dict[str, Any]) -> list[str]:
    """Return the text of each span, with a space only where the gap between two characters is that between words."""
    along, down = line["dir"]
    axis, forward = (0, along > 0) if abs(along) >= abs(down) else (1, down > 0)
    characters = [
        (n, char["c"], *(char["bbox"][axis::2] if forward else [-edge for edge in char["bbox"][axis::2]][::-1]))
        for n, span in enumerate(line["spans"])
        for char in span["chars"]
        if not char["c"].isspace()
    ]
    gaps = [0.0, *(start - end for (*_, end), (_, _, start, _) in pairwise(characters))]
    word_gap = WORD_GAP * median(gaps[1:])
    texts = [""] * len(line["spans"])
    for (n, char, *_), gap in zip(characters, gaps, strict=True):
        texts[n] += f" {char}" if gap > word_gap else char
    return texts


def strip_control_characters(text: str) -> str:
    """Return text that JSON, UTF-8 and PostgreSQL accept: no lone surrogates, no control characters.

    All else stays as the page has it, also what is invisible: later stages compare it with other texts of the page.
    """
    return text if text.isprintable() else text.encode("utf-8", "replace").decode().translate(_CONTROLS)


# --- tables -----------------------------------------------------------------------------------------------------------


ROWS = 3  # successive rows with shared columns that make a table
SAME_LINE = 3.0  # points between the tops of cells of one row
SAME_EDGE = 4.0  # points between the left edges of cells of one column
ROW_GAP = 60.0  # points; rows further apart belong to different tables


def looks_tabular(boxes: Iterable[Box]) -> bool:
    """Return whether `ROWS` successive rows of text share two columns. `boxes` are those of the page's lines."""
    rows: list[tuple[float, list[float]]] = []
    for x0, y0, _, _ in sorted(boxes, key=lambda box: (box[1], box[0])):
        if rows and y0 - rows[-1][0] <= SAME_LINE:
            rows[-1][1].append(x0)
        else:
            rows.append((y0, [x0]))
    matching_rows = 1
    for (above, upper), (below, lower) in pairwise(rows):
        shared_area = sum(any(abs(x - other) <= SAME_EDGE for other in upper) for x in lower)
        matching_rows = matching_rows + 1 if shared_area >= 2 and len(upper) >= 2 and below - above <= ROW_GAP else 1
        if matching_rows >= ROWS:
            return True
    return False
