"""Files of shops with one record in each line, in XML and JSON: line ends in texts are written as characters."""

import re
from collections.abc import Iterator
from typing import BinaryIO
from xml.sax.saxutils import escape, quoteattr  # nosec: only escapes

from swatchbook.domain.errors import InvalidReference
from swatchbook_shops.offers import clean
from swatchbook_shops.shop_file import only_changes

_CHARACTERS = {"\n": "&#10;", "\t": "&#9;"}
_MOST_LINE = 1 << 24  # bytes
_ADVICE = "Give a file that an export in this format wrote."


def element(name: str, text: str, **attributes: str) -> str:
    """Return an XML element with a text, on one line; "" without a text."""
    return f"{opening(name, **attributes)}{escape(clean(text), _CHARACTERS)}</{name}>" if text else ""


def parent(name: str, *children: str, **attributes: str) -> str:
    """Return an XML element with these children; "" without any."""
    inside = "".join(children)
    return f"{opening(name, **attributes)}{inside}</{name}>" if inside else ""


def opening(name: str, **attributes: str) -> str:
    """Return the beginning of an element."""
    return f"<{name}{''.join(f' {key}={quoteattr(value)}' for key, value in attributes.items())}>"


def read_lines(file: BinaryIO, *, marker: str, record: re.Pattern[str], changes: str) -> Iterator[re.Match[str]]:
    """Yield the lines that `record` matches, as these matches. `changes`: what only a file of changes has.

    Raises InvalidReference for such a file, and if no `marker` is before the lines.
    """
    is_ours = False
    try:
        while line := file.readline(_MOST_LINE).decode():
            text = line.rstrip("\r\n")
            is_ours = is_ours or marker in text
            if is_ours and changes in text:
                raise only_changes()
            if found := record.match(text):
                if not is_ours:
                    break
                yield found
    except UnicodeError:
        is_ours = False
    if not is_ours:
        raise InvalidReference(f"The earlier file has no {marker}.", advice=_ADVICE)


def write_lines(out: BinaryIO, *lines: str) -> None:
    """Write lines in UTF-8."""
    out.writelines(f"{line}\n".encode() for line in lines)
