"""Find labels with their values ("Size: 60 x 120 cm") in lines, rows and columns; recognise article codes and measures.

Labels are known words in many languages (`name_labels.toml`), or any short text before a colon.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final

from swatchbook_base.geometry import bounding_box
from swatchbook_base.printed_prices import price_in
from swatchbook_base.records import Box, Line
from swatchbook_catalogue.bands import Bands


def read_words(file: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return key -> language (or another part) -> words, from a file of lists of words with commas between them."""
    given = tomllib.loads((Path(__file__).parent / file).read_text(encoding="utf-8"))
    return {
        key: {language: tuple(each.strip() for each in words.split(",")) for language, words in languages.items()}
        for key, languages in given.items()
    }


LABELS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = read_words("name_labels.toml")
"""Normalised key -> language -> words. A hyphen within a word also matches a space."""
NOUN_FIRST: Final = frozenset({"fr", "it", "es", "pt", "pl", "ru", "uk", "vi", "id", "ar"})
"""Languages in which a label's noun comes first: "peso netto", but "net weight"."""

KeyOf = Callable[[str], str | None]  # the normalised key of a label that is known, else None

_CYRILLIC = re.compile("[а-ӿ]")
_LOOKALIKES = str.maketrans("aceiopxy", "асеіорху")
"""Latin letters that are typed for Cyrillic ones: "цiна" with a Latin i."""
_EDGE_SIGNS = " \t\u00a0:：.·•*–—-=|"


def _by_word(labels: Mapping[str, Mapping[str, tuple[str, ...]]]) -> dict[tuple[bool, str], str]:
    """Return (whether its noun comes first, word) -> normalised key."""
    return {
        (language in NOUN_FIRST, word.replace("-", " ").strip(_EDGE_SIGNS)): key
        for key, languages in labels.items()
        for language, words in languages.items()
        for word in words
    }


_WORDS = _by_word(LABELS)
_KEYS = {word: key for (_, word), key in _WORDS.items()}
_MORE_KEYS = {word: key for (_, word), key in _by_word(read_words("fact_labels.toml")).items()}
_FACT_KEYS = _KEYS | _MORE_KEYS
LABEL_WORDS: Final = frozenset(_KEYS)
WORDS_OF: Final[Mapping[str, frozenset[str]]] = {
    key: frozenset(word for word, other in _FACT_KEYS.items() if other == key) for key in _FACT_KEYS.values()
}
"""Normalised key -> all words for it."""
_LAST_WORDS = {word: key for (noun_first, word), key in _WORDS.items() if not noun_first}
_FIRST_WORDS = {word: key for (noun_first, word), key in _WORDS.items() if noun_first and word not in _LAST_WORDS}
_UNIT = re.compile(r"[\[(].{0,80}?[\])]|\b(?:in )?(?:mm|cm|kg|inch|inches|g)\s*$", re.IGNORECASE)
_WORD = re.compile(r"\S+")
_HEAD_WORD = re.compile(r"[^\W\d_]{2,}")
_LIQUID = re.compile(r"(?<!\w)(?:ml|cl|мл)(?!\w)", re.IGNORECASE)  # units that only contents have
_LABEL_UNIT = re.compile(
    r"[\[(]\s*(?:in )?(?P<bracketed>mm|cm|m|kg|g|lbs?|oz|l|ml|inch(?:es)?|in|мм|см|м|кг|г|л)\.?\s*[\])]"
    r"|\b(?:in|en|в) (?P<behind>mm|cm|m|kg|g|inch(?:es)?|мм|см|кг)\s*:?\s*$",
    re.IGNORECASE,
)
_HEAD_UNIT = re.compile(r"[,\s]\s*(мм|см|м|кг|г|л|мл|mm|cm|m|kg|g|ml|cl|l)\.?\s*$", re.IGNORECASE)
_ABOUT = re.compile(r"\b(?:c?ca\.|approx\.|около)\s?", re.IGNORECASE)
"""Words such as "about" before the unit in a head: "Weight (ca. kg)"."""
_ONLY_NUMBERS = re.compile(r"\d+(?:[.,]\d+)?(?:\s?[x×*х/–-]\s?\d+(?:[.,]\d+)?)*")
_PER_UNIT = (
    r"\s(?:para|por|per|pro|je|par|al|на|в|за)\s(?:1\s?)?(?:m[2²]?|м[2²]?|sqm|kg|кг|unit|piece|pcs?|stück|st|шт)\b\.?"
)
"""The unit to which a quantity or price refers: "Quantidade para 1 m2" is a quantity."""


def _inline_pattern(after_label: str) -> re.Pattern[str]:
    """Return the pattern of a label, a sign and its value in one line."""
    return re.compile(
        rf"^\s*(?P<label>[^\d:：\s][^\d:：]{{1,31}}?{after_label})\s*(?P<sign>[:：=]|\s[–—-]\s|[–—-]\s)\s*(?P<value>\S.*)$",
        re.IGNORECASE,
    )


_INLINE = _inline_pattern("")
_INLINE_FACT = _inline_pattern(f"(?:{_PER_UNIT})?")
_END_PER_UNIT = re.compile(rf"{_PER_UNIT}\s*[:：]?\s*$", re.IGNORECASE)
_PAGE_WORDS = "page ", "pag ", "pag. ", "seite ", "pg "
_CODE = re.compile(
    r"(?:[A-Z]{1,6}[-./ ]?\d{2,}[A-Z0-9]*|\d{2,}[A-Z]{1,4}\d*|\d{2,}[-./][A-Z0-9]{2,}|\d{5,8})(?:[-./][A-Z0-9]+)*"
)
_MEASURE = re.compile(
    r"^[\d.,]+\s?(?:[X×*]\s?[\d.,]+|(?:MM|CM|M|KG|G|L|W|V|K|ML)(?!\w)|%)|^(?:19|20)\d\d$|^\d{1,2}[./]\d{1,2}[./]\d{2,4}$"
)

_AMOUNT = re.compile(r"[\d.,' ]+[.,]\d{1,3}")  # a number with a fraction, or grouped by thousands, which is no code
_SHORT_CODE = re.compile(r"[A-Z]{1,3}(?: ?- ?| )?\d{1,4}")
_DESIGNATION = re.compile(r"[A-Z]{1,4}(?:\d{0,2}[A-Z]{1,2})?[-./]?\d{1,5}(?:[-./,xX×]\d{1,5}[A-Z]{0,2}){1,5}")
LONGEST_LABEL = 100  # the number of characters before a colon in which its label and the word before it are searched
ROW = 0.6  # the share of the font size by which the middles of lines of a row may differ
BELOW = 2.2  # the longest distance of a value below its label, in font sizes
LONGEST_HEAD = 5  # the most words of a column's head; more are a sentence
REACH = 0.3  # the longest distance of a value to the right of its label, as a share of the page's width
HEADS = 1.6  # a word in type larger than this multiple of the line below it is a heading, not that line's label


@dataclass(frozen=True, slots=True)
class Attribute:
    """A label with its value, and the box around both. `known` labels are in LABELS; others have a derived key."""

    key: str
    label: str
    value: str
    box: Box
    known: bool


def key_of(label: str) -> str | None:
    """Return the normalised key of a known label, else None."""
    return _KEYS.get(_strip_label(label))


def fact_key(label: str) -> str | None:
    """Return the key of a label known here or in `fact_labels.toml`, else None; names were fitted with `key_of`."""
    bare = _strip_label(label).rstrip(" #№º°.")
    return _FACT_KEYS.get(bare) or _FACT_KEYS.get(_strip_label(_END_PER_UNIT.sub("", label)))


def nearest_key(label: str) -> str:
    """Return the key of a label, or of its noun if that is known ("Gross weight", "Peso netto"), else a derived key."""
    words = _strip_label(label).split() or [""]
    return fact_key(label) or _LAST_WORDS.get(words[-1]) or _FIRST_WORDS.get(words[0]) or derive_key(label)


def head_key(label: str) -> str | None:
    """Return the key of a column's head; None for prose and unknown heads.

    The head is a known label, has one among its words ("Gross weight", "Цена с НДС", "Расчетная масса m, кг"; the first
    counts), or has a unit of liquids ("Cap ml").
    """
    words = _HEAD_WORD.findall(_strip_label(label))
    if (key := fact_key(label)) or len(words) > LONGEST_HEAD:
        return key
    parts = label.split()
    pairs = map(" ".join, pairwise(parts))
    return next(filter(None, map(fact_key, (*pairs, *words))), None) or ("capacity" if _LIQUID.search(label) else None)


def unit_in(label: str) -> str | None:
    """Return the unit that a label gives for its values, as in "Size (cm)" or "Weight in kg"."""
    match = _LABEL_UNIT.search(label)
    return (match["bracketed"] or match["behind"]).strip(".") if match else None


def with_unit_of_head(value: str, key: str, head: str) -> str:
    """Return a value, with the unit in its column's head if it is only numbers: "Box size (inches)", "Mass m, kg".

    The unit at the end of a price's head is skipped: it is the unit of sale.
    """
    behind = _HEAD_UNIT.search(head) if key != "price" else None
    unit = unit_in(_ABOUT.sub("", head)) or (behind[1] if behind else None)
    return f"{value} {unit}" if unit and _ONLY_NUMBERS.fullmatch(value) else value


def labels_within(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Yield start, key, label and value of each known label with a colon within a text: "Polo - Size: 23 x 18" has one.

    A sign or a number must be before it: in "Shatter pack: 23 x 18" no label begins at "pack".
    """
    found = []
    for colon in re.finditer(r"(?<!\s)\s*[:：]\s*", text):
        words = list(_WORD.finditer(text, max(0, colon.start() - LONGEST_LABEL), colon.start()))
        for n in (3, 2, 1):
            label = text[words[-n].start() : colon.start()] if len(words) > n else ""
            if label[:1].isalnum() and (key := fact_key(label)):
                if re.search(r"[\d,;|/)\u2013\u2014-]|(?:mm|cm|kg|[€$£₹”\"])$", words[-n - 1].group()):
                    found.append((words[-n].start(), colon, key))
                break
    ends = [*(start for start, _, _ in found), len(text)][1:]
    for (start, colon, key), end in zip(found, ends, strict=True):
        if value := text[colon.end() : end].strip(" ,;|-–—"):
            yield start, key, text[start : colon.start()], value


def code_of(text: str) -> str | None:
    """Return the text without signs around it if it is an article code (no price, measure, year or date), else None."""
    bare = text.strip(_EDGE_SIGNS)
    is_other = is_measure(bare) or price_in(bare) == bare or bare.casefold().startswith(_PAGE_WORDS)
    return bare if _CODE.fullmatch(bare) and not is_other else None


def is_code(name: str) -> bool:
    """Whether a name is only a code, which may be short ("A-1"), or a designation with sizes ("СП-300-8,5/10,5")."""
    if _AMOUNT.fullmatch(name):
        return False
    latin = "".join("A" if c.isalpha() and c.isupper() else c for c in name)
    return code_of(name) is not None or any(p.fullmatch(latin) for p in (_SHORT_CODE, _DESIGNATION))


def is_measure(text: str) -> bool:
    """Whether a text begins with a number and a unit, or is a year or a date: "1500mm", "60 x 120", "2024"."""
    return _MEASURE.match(text.strip().upper()) is not None


def find_attributes(lines: Sequence[Line], width: float) -> tuple[Attribute, ...]:
    """Return the labels with values of a page `width` points wide, including the labels of `fact_labels.toml`."""
    return tuple(a for a, _ in match_attributes(lines, width, facts=True))


def match_attributes(
    lines: Sequence[Line], width: float, *, facts: bool = False
) -> list[tuple[Attribute, tuple[int, ...]]]:
    """Return each attribute with the indices of its lines; a value wrapped over several lines is joined.

    With `facts` the labels of `fact_labels.toml` are known, too.
    """
    known = fact_key if facts else key_of
    labels = {i: key for i, line in enumerate(lines) if (key := _cell_label(line.text, known))}
    inline = {i: m for i, line in enumerate(lines) if i not in labels and (m := _inline_of(line.text, known))}
    used, others = set[int](), {*labels, *inline}
    bands = Bands(range(len(lines) if labels else 0), lambda i: (lines[i].bbox[1], lines[i].bbox[3]))
    pairs: list[tuple[Attribute, tuple[int, ...]]] = []
    for i, line in enumerate(lines):
        if i in labels:
            j = _value_of(i, lines, bands, labels, used, width)
            if j is None:
                continue
            label, key, values = line.text.strip(_EDGE_SIGNS), labels[i], [j]
            text = lines[j].text.strip()
        elif i in inline and i not in used:
            key, label, text = inline[i]
            values = []
        else:
            continue
        values += _wrapped(i, values[0] if values else i, lines, others)
        used.update(values)
        others.update(values)
        text = " ".join([text, *(lines[k].text.strip() for k in values if k != i and lines[k].text.strip() != text)])
        indices = tuple(dict.fromkeys((i, *values)))
        is_known = known(label) is not None or key != derive_key(label)
        pairs.append((Attribute(key, label, text, bounding_box(lines[k].bbox for k in indices), is_known), indices))
    return pairs


def inline_label(text: str) -> bool:
    """Whether a line has a label, a colon and its value."""
    return _inline_of(text) is not None


def without_values(text: str) -> str:
    """Return a text up to the first known label with a colon: "Polo set - Size: 23 x 18" is "Polo set"."""
    for colon in re.finditer(r"(?<!\s)\s*[:：]", text):
        words = text[: colon.start()].split()
        for n in (1, 2):
            if len(words) > n and key_of(" ".join(words[-n:])):
                return " ".join(words[:-n]).rstrip(_EDGE_SIGNS)
    return text


def _inline_of(text: str, known: KeyOf = key_of) -> tuple[str, str, str] | None:
    """Return key, label and value of a line that has a label and its value, else None."""
    m = (_INLINE_FACT if known is fact_key else _INLINE).match(text)
    key = _inline_key(m["label"], m["sign"], known) if m else None
    return (key, m["label"].strip(_EDGE_SIGNS), m["value"].strip()) if m and key else None


def _wrapped(label: int, value: int, lines: Sequence[Line], others: Collection[int]) -> list[int]:
    """Return the indices of the lines that continue a value: directly below, of the same size, in mid-sentence."""
    indices: list[int] = []
    last = lines[value]
    for k in range(value + 1, min(value + 3, len(lines))):
        below = lines[k]
        step, size = below.bbox[1] - last.bbox[1], last.size
        follows = 0.5 * size <= step <= 1.6 * size and abs(below.bbox[0] - last.bbox[0]) <= 0.5 * size
        if k == label or k in others or not follows or abs(below.size - size) > 0.5 or not _continues(last, below):
            break
        indices.append(k)
        last = below
    return indices


def _continues(line: Line, below: Line) -> bool:
    """Whether a line ends, or the next begins, in the middle of a sentence."""
    return line.text.rstrip().endswith((",", " and", " und", " et", " e", " y", "/", "&")) or below.text[:1].islower()


@lru_cache(maxsize=16_384)  # each product of a page asks about all of its lines
def _strip_label(label: str) -> str:
    """Return a label in lower case, without units, brackets and signs around it, each word in one alphabet."""
    words = _UNIT.sub("", label.casefold().replace("-", " ")).strip(_EDGE_SIGNS).split()
    return " ".join(word.translate(_LOOKALIKES) if _CYRILLIC.search(word) else word for word in words)


def derive_key(label: str) -> str:
    """Return a key for a label that is not known: its words in lower case, joined by underscores."""
    return re.sub(r"\W+", "_", _strip_label(label)).strip("_")


def _cell_label(text: str, known: KeyOf) -> str | None:
    """Return the key of a line that is only a label: a known word, or up to three words before a final colon."""
    if key := known(text):
        return key
    bare = _strip_label(text)
    if text.rstrip().endswith((":", "：")) and 0 < len(bare.split()) <= 3 and not re.search(r"\d", bare):
        words = bare.split()
        return derive_key(text) if words[0] in _KEYS or words[-1] in _KEYS else None
    return None


def _inline_key(label: str, sign: str, known: KeyOf) -> str | None:
    """Return the key of the text before a sign. A dash counts only after a known label: names have dashes, too."""
    if key := known(label):
        return key
    words = _strip_label(label).split()
    return derive_key(label) if sign in ":：=" and 0 < len(words) <= 3 and derive_key(label) else None


def _heads_columns(i: int, lines: Sequence[Line], bands: Bands[int], labels: Mapping[int, str]) -> bool:
    """Whether a label without a colon is in a row with other labels: its values are then below."""
    y0, y1 = lines[i].bbox[1], lines[i].bbox[3]
    if lines[i].text.rstrip().endswith((":", "：")):
        return False
    near = bands.near((y0 + y1 - lines[i].size) / 2, (y0 + y1 + lines[i].size) / 2)
    return any(
        j != i and j in labels and abs(lines[j].bbox[1] + lines[j].bbox[3] - y0 - y1) < lines[i].size for j in near
    )


def _value_of(
    i: int, lines: Sequence[Line], bands: Bands[int], labels: Mapping[int, str], used: set[int], width: float
) -> int | None:
    """Return the index of the value: the nearest line to the right in the label's row, else the line below."""
    x0, y0, x1, y1 = lines[i].bbox
    size = lines[i].size or y1 - y0
    beside: list[tuple[float, int]] = []
    below: list[tuple[float, int]] = []
    middle = (y0 + y1) / 2
    for j in bands.near(min(y0, middle - ROW * size), max(y0 + BELOW * size, middle + ROW * size)):
        other = lines[j]
        if j == i or j in used or not other.text:
            continue
        ox0, oy0, _, oy1 = other.bbox
        if abs((oy0 + oy1) - (y0 + y1)) / 2 < ROW * size and x1 - 2 <= ox0 <= x1 + REACH * width:
            beside.append((ox0 - x1, j))
        elif (
            0.4 * size <= oy0 - y0 <= BELOW * size
            and abs(ox0 - x0) <= 0.8 * size
            and j not in labels
            and size <= HEADS * other.size
        ):
            below.append((oy0, j))
    right = min(beside, default=None)
    if below and _heads_columns(i, lines, bands, labels):
        return min(below)[1]
    if right is not None and right[1] not in labels:
        return right[1]
    if lines[i].text.rstrip().endswith((":", "：")) and right is not None:
        return None
    return min(below)[1] if below else None
