"""A scanned catalogue, and a fake vision model that can read it."""

import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pymupdf
from PIL import Image

from swatchbook.domain.records import Page, Reading
from swatchbook.domain.settings import Settings
from swatchbook.store.files.file_store import open_files
from swatchbook_base.reading import iter_pages
from swatchbook_catalogue.llm.excerpt import PICTURE, page_excerpts
from swatchbook_catalogue.llm.scans import PAGE_SIDE
from swatchbook_catalogue.pdf import reader


class Scanned:
    """The small sample as a scan: one picture a page. `says` returns the text of the page that a picture shows."""

    def __init__(self, original: Path, folder: Path) -> None:
        self.path, self.settings = folder / "scan.pdf", Settings(home=folder)
        files = open_files(folder / "files")
        original_pages = iter_pages(files, reader.read(original, files, self.settings))
        self._texts = [_lines(excerpt.shown) for excerpt in page_excerpts(original_pages)]
        with pymupdf.open(original) as document, pymupdf.open() as copy:
            jpegs = [page.get_pixmap(dpi=60).tobytes("jpeg") for page in document]
            for page, jpeg in zip(document, jpegs, strict=True):
                copy.new_page(width=page.rect.width, height=page.rect.height).insert_image(page.rect, stream=jpeg)
            copy.save(self.path)
        self._looks = [_look(jpeg) for jpeg in jpegs]
        self.reading: Reading = reader.read(self.path, files, self.settings)
        self.pages: list[Page] = list(iter_pages(files, self.reading))
        self.render = partial(reader.render, self.path, settings=self.settings, side=PAGE_SIDE)

    def says(self, texts: Sequence[str], pictures: Sequence[bytes]) -> Any:
        differences = [float(np.abs(look - _look(pictures[0])).mean()) for look in self._looks]
        return {"lines": self._texts[int(np.argmin(differences))]}


def _look(jpeg: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("L").resize((24, 34)), np.float32)


def _lines(shown: str) -> list[str]:
    return shown.replace(f" {PICTURE}", "").splitlines()[1:]
