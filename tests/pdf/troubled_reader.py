"""The real PDF child, but for pages that say LOOP, ABORT, SLOW or RAISE: there it really does."""

import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from swatchbook.pdf import child
from swatchbook.runtime.child import Frame, serve


def troubled(page: Any) -> None:
    text = page.get_text()
    if "LOOP" in text:
        re.match(r"(a+)+$", "a" * 64 + "b")  # for ever, holding the interpreter
    if "ABORT" in text:
        print("free(): invalid pointer", file=sys.stderr, flush=True)
        os.abort()
    if "SLOW" in text:
        time.sleep(0.9)
    if "RAISE" in text:
        raise RuntimeError("cannot find page object")


real_page, real_tables, real_embedded = child.read_page, child.read_tables, child.embedded


def read_page(document: Any, number: int) -> Iterator[Frame]:
    troubled(document[number - 1])
    yield from real_page(document, number)


def read_tables(document: Any, number: int) -> Iterator[Frame]:
    """A page that says ODD has no layout reader."""
    troubled(document[number - 1])
    missing = {"pymupdf4llm": None} if "ODD" in document[number - 1].get_text() else {}
    with patch.dict(sys.modules, missing):
        yield from real_tables(document, number)


def embedded(document: Any, xref: int, *rest: Any) -> Any:
    """A picture 13 pixels wide takes the process with it, one of 17 is never done, one of 19 meets a mistake."""
    width = document.xref_get_key(xref, "Width")[1]
    if width == "13":
        os.abort()
    if width == "17":
        time.sleep(60)
    if width == "19":
        raise IndexError("list index out of range")
    return real_embedded(document, xref, *rest)


if __name__ == "__main__":
    child.read_page, child.read_tables, child.embedded = read_page, read_tables, embedded
    serve(child.handle)
