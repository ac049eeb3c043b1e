"""Write pages that are made from the program."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"

Pages = Mapping[Path, str]
"""Path of a page -> its Markdown."""


def write(pages: Pages) -> None:
    """Write the pages."""
    for path, text in pages.items():
        path.write_text(text)


def stored(pages: Pages) -> Pages:
    """Return what is in the files of the pages, "" for one that is absent."""
    return {path: path.read_text() if path.is_file() else "" for path in pages}


def cell(text: str) -> str:
    """Return a text for a cell of a table: on one line, with its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
