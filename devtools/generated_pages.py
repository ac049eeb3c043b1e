"""Write pages that are made from the program, and delete those that are made no longer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
DOCS: Final = ROOT / "docs"

Pages = Mapping[Path, str]
"""Path of a page -> its Markdown."""


def write(pages: Pages, folder: Path | None = None) -> None:
    """Write the pages. `folder` holds nothing but such pages: others in it are deleted."""
    if folder:
        folder.mkdir(exist_ok=True)
        for stale in {*folder.glob("*.md")} - pages.keys():
            stale.unlink()
    for path, text in pages.items():
        path.write_text(text)


def stored(pages: Pages, folder: Path | None = None) -> Pages:
    """Return what is in the files of the pages and in the other pages of the folder; "" for one that is absent."""
    paths = {*pages, *(folder.glob("*.md") if folder else ())}
    return {path: path.read_text() if path.is_file() else "" for path in paths}


def cell(text: str) -> str:
    """Return a text for a cell of a table: on one line, with its bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
