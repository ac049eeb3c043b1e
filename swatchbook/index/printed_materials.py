"""Printed materials as values to filter by: the list "Porcelain stoneware, glazed" is one material and how it is made,
"Brass, copper or stainless steel" are three, and "100 % new wool, jute back" is wool and jute.
"""

import re

from swatchbook.index.words import names_material

_SEPARATOR = re.compile(r"\s*(?:[,;|·\n]|/(?!\s*(?:m|ft)[2²]))\s*")  # not of "420 g/m2"
_MEASURE = re.compile(r"\s*\d[\d.,]*\s*(?:g|kg|mm|cm|m|m[2²]|oz)(?:\s*/\s*(?:m|ft)[2²])?\s*", re.IGNORECASE)
_SHARE = re.compile(r"(?:\d{1,3}(?:[.,]\d+)?\s?[-–]\s?)?\d{1,3}(?:[.,]\d+)?\s?%(?:\s(?:of|de)\s)?")
_EITHER = re.compile(r"\s+(?:or|and|oder|und|ou|et|o|e|y|of|en|&)\s+")
_OF_PART = re.compile(
    r"(?<=^\S)(?P<rest>\S*)\s+(?:back|backing|base|body|core|cover|face|filling|frame|legs?|lining|shell|sole|top|upper|"
    r"rücken|rahmen|füllung|futter|gestell|kern)$",
    re.IGNORECASE,
)
"""What a material of one word is of: "jute back"."""


def materials_in(printed: str) -> list[str]:
    """Return the materials of a printed list, without shares and measures.

    What begins in lower case and names no material ("glazed") belongs to the material before it, where the list begins
    otherwise and some part of it is known.
    """
    values = list[str]()
    parts = [bare for part in split_list(_SHARE.sub(";", printed)) if (bare := part.strip(" :"))]
    known = {part for part in parts if names_material(part)}
    for part in parts:
        if part in known:
            pieces = _EITHER.split(part)
            both = pieces if all(map(names_material, pieces)) else [part]
            values += [_OF_PART.sub(r"\g<rest>", piece) for piece in both]
        elif values and known and part[0].islower() and not parts[0][0].islower():
            values[-1] = f"{values[-1]}, {part}"
        else:
            values.append(part)
    return values


def split_list(printed: str) -> list[str]:
    """Return the parts of a printed list, without measures: of "linen, 420 g/m2" the linen."""
    return [part for part in _SEPARATOR.split(printed) if part and not _MEASURE.fullmatch(part)]
