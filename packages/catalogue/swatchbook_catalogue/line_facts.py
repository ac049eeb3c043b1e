"""Read the facts that lines of a page give by themselves: next to labels, in short lines and as shares."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from swatchbook_base.geometry import bounding_box, gap, gaps
from swatchbook_base.records import Box, Fact, Line, normalise_line
from swatchbook_catalogue.attributes import (
    WORDS_OF,
    Attribute,
    find_attributes,
    labels_within,
    nearest_key,
    with_unit_of_head,
)
from swatchbook_catalogue.kinds import count_contacts
from swatchbook_catalogue.measures import (
    ean_in,
    is_designation,
    key_of_value,
    labelled_code,
    share_of,
    shares_in,
    size_goes_on,
    values_in,
    with_grams,
)

SHORT = 4  # an unknown label is accepted if its value has at most this many words
LABEL_DISTANCE = 30.0  # an unknown label is accepted if a known one is within this distance, in points


def labelled_facts(lines: Sequence[Line], page: int, width: float) -> Iterator[Fact]:
    """Yield the values next to and below labels, and those behind labels within a line (for example after a name)."""
    for a in _plausible(find_attributes(lines, width)):
        value = normalise_line(a.value)
        value = value[: next((start for start, *_ in labels_within(value)), None)].partition(" | ")[0].rstrip(" ,;|-–—")
        key = nearest_key(a.label)
        key = key if key in WORDS_OF else key_of_value(value) or key
        yield make_fact(key, with_unit_of_head(value, key, a.label), a.label, page, a.box, "label")
    for line in lines:
        for _, key, label, value in labels_within(normalise_line(line.text)):
            yield make_fact(key, with_unit_of_head(value, key, label), label, page, line.bbox, "label")


def unlabelled_facts(lines: Sequence[Line], page: int) -> Iterator[Fact]:
    """Yield the values of short lines without a label, and compositions whose shares are below their materials."""
    for text, box in _whole_lists(lines):
        for key, value in values_in(normalise_line(text)):
            yield make_fact(key, value, "", page, box, "pattern")
    yield from _compositions(lines, page)


def _plausible(pairs: Sequence[Attribute]) -> list[Attribute]:
    """Return the pairs that are known, near a known one, or have a short or recognised value: prose has colons, too."""
    known = [a.box for a in pairs if a.known]
    return [
        a
        for a in pairs
        if a.known
        or nearest_key(a.label) in WORDS_OF
        or key_of_value(normalise_line(a.value))
        or (len(a.value.split()) <= SHORT and not count_contacts([f"{a.label}: {a.value}"]))
        or any(gap(a.box, box) <= LABEL_DISTANCE for box in known)
    ]


def _whole_lists(lines: Sequence[Line]) -> Iterator[tuple[str, Box]]:
    """Yield each line with its box, joined with the next line if it ends with a comma or within a size."""
    joined = set[int]()
    for i, line in enumerate(lines):
        if i in joined:
            continue
        text, box = line.text, line.bbox
        for k in range(i + 1, len(lines)):
            below = lines[k]
            step = below.bbox[1] - box[3]
            if abs(step) > line.size or abs(below.bbox[0] - box[0]) > line.size:
                break
            if not (text.rstrip().endswith(",") or size_goes_on(text, below.text)):
                break
            joined.add(k)
            text, box = f"{text} {below.text}", bounding_box((box, below.bbox))
        yield text, box


def _compositions(lines: Sequence[Line], page: int) -> Iterator[Fact]:
    """Yield compositions: shares that add up to 100 %, each with the word above it, in the same order."""
    shares = sorted((line for line in lines if shares_in(line.text)), key=lambda line: (line.bbox[1], line.bbox[0]))
    for _, group in groupby(shares, key=lambda line: round(line.bbox[1] / max(line.size, 1))):
        row = sorted(group, key=lambda line: line.bbox[0])
        box = bounding_box(line.bbox for line in row)
        words = [
            line
            for line in lines
            if 0 < box[1] - line.bbox[1] <= 2 * row[0].size and gaps(line.bbox, box)[0] < 0 and not shares_in(line.text)
        ]
        parts = [share for line in row for share in shares_in(line.text)]
        names = [line.text for line in sorted(words, key=lambda line: line.bbox[0])]
        if len(parts) == len(names) > 1 and sum(map(share_of, parts)) == 100:
            value = ", ".join(f"{name} {part}" for name, part in zip(names, parts, strict=True))
            yield make_fact("material", value, "", page, bounding_box([box, *(line.bbox for line in words)]), "pattern")


def make_fact(key: str, value: str, label: str, page: int, box: Box | None, rule: str) -> Fact:
    if key == "code" and rule != "label" and ean_in(value) == value.strip():
        key = "ean"
    if key == "type" and is_designation(value):
        key = "code"
    if key == "code":
        value = labelled_code(value) or value
    if key in ("weight", "packaging"):
        value = with_grams(value)
    return Fact(key=key, value=value.strip().rstrip("*").strip(), label=label, page=page, bbox=box, rule=rule)
