"""Settle prices such as "9.500" by their column: where others have cents behind a comma, a point groups thousands.

A number with three digits behind a point is a decimal only in a column that has other prices with three decimals.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from swatchbook.domain.records import NO_MAPPING, BatchMapping
from swatchbook.ingest.sources.item_files import FileRecord
from swatchbook_shops.items.batch_fields import VARIANTS, is_price_field

_OPEN = re.compile(r"[1-9]\d{0,2}([.,])\d{3}")
_NUMBER = re.compile(r"(?<![\d.,])\d+(?:[.,]\d+)+(?![\d.,]*\d)")


def settle_prices(read: Callable[[], Iterator[FileRecord]], mapping: BatchMapping) -> Iterator[FileRecord]:
    """Yield the records of a file, with prices that can be read in two ways written as their columns are.

    `read` yields the records from the first on; they are read once more if there is such a price.
    """
    signs: Mapping[str, str] | None = None
    for found in read():
        if any(_OPEN.fullmatch(text) for _, text in _prices(found.record, mapping)):
            signs = _signs_of_columns(read(), mapping) if signs is None else signs
            yield replace(found, record=_settled(found.record, signs))
        else:
            yield found


def _prices(record: Any, mapping: BatchMapping) -> Iterator[tuple[str, str]]:
    """Yield (column, text) of the prices of a record, and of its variants, that are texts."""
    given = {name for kind in ("price", "regular_price") for name in mapping.names.get(kind, ())}
    for name, value in record.items() if isinstance(record, dict) else ():
        if isinstance(value, str) and (name in given or is_price_field(str(name))):
            yield name, value.strip()
        elif name in VARIANTS and isinstance(value, list):
            yield from ((f"{name}.{inner}", text) for each in value for inner, text in _prices(each, NO_MAPPING))


def _signs_of_columns(records: Iterator[FileRecord], mapping: BatchMapping) -> dict[str, str]:
    """Return column -> its decimal sign, with "3" behind it where prices have three decimals; none if it has both."""
    signs, thirds = dict[str, set[str]](), set[str]()
    for found in records:
        for name, text in _prices(found.record, mapping):
            for number in _NUMBER.findall(text):
                sign, decimals = _sign_of(number)
                if sign:
                    signs.setdefault(name, set()).add(sign)
                    thirds |= {name} if decimals >= 3 else set()
    return {name: min(found) + "3" * (name in thirds) for name, found in signs.items() if len(found) == 1}


def _sign_of(number: str) -> tuple[str, int]:
    """Return the decimal sign of a number and how many decimals it has; "" if that is open."""
    signs, decimals = re.sub(r"\d", "", number), len(re.split("[.,]", number)[-1])
    if len({*signs}) > 1:
        return signs[-1], decimals
    if len(signs) > 1:  # it groups, so that the other is the decimal sign
        return ("," if signs[0] == "." else "."), 0
    return ("", 0) if _OPEN.fullmatch(number) else (signs, decimals)


def _settled(record: Mapping[str, Any], signs: Mapping[str, str], within: str = "") -> dict[str, Any]:
    found = dict(record)
    for name, value in record.items():
        sign = signs.get(f"{within}{name}", "")
        if name in VARIANTS and isinstance(value, list):
            found[name] = [_settled(each, signs, f"{name}.") if isinstance(each, dict) else each for each in value]
        elif sign and isinstance(value, str) and (number := _OPEN.fullmatch(value.strip())):
            is_decimal = number[1] == sign[0]  # without other decimals like these it stays unclear
            plain = number[0].replace(number[1], "." if is_decimal else "")
            found[name] = plain + "0" * (is_decimal and sign.endswith("3"))
    return found
