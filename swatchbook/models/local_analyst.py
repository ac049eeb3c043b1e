"""The local analyst as a model: its tag, and the size to which it shrinks pictures.

Its rules for colours, pattern, contrast and quality are in `models/images/local_analysis.py`. It also names what the
carried image network recognises (`image_words.py`). With SWATCHBOOK_OCR=always it also reads the print on a picture
(`pdf/ocr_engine.py`), once for its content key, whichever pages show it.
"""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from swatchbook.domain.records import Analysis
from swatchbook.models import image_network

if TYPE_CHECKING:
    from swatchbook.catalogue_reader import PrintReader
    from swatchbook.store.ledger.calls import CallContext
    from swatchbook_base.arrays import Pixels

SIDE: Final = 160  # pixels, as for the descriptors: of colours, pattern, contrast and quality
PRINT_SIDE: Final = 640  # pixels, at which letters are read: 0.2 s a picture
MOST_PRINT: Final = 300.0  # heights of a line: 600 letters, 1.5 s


def tag(*, reads_print: bool) -> str:
    """Return the tag of the analyst that reads printed text or not."""
    return f"local-analyst@2/{SIDE}-words-{image_network.SIDE}" + (f"-print-{PRINT_SIDE}" if reads_print else "")


class LocalAnalyst:
    """An `Analyst`. Only what it recognises, and the printed text that it reads, comes from learned weights."""

    def __init__(self, network: image_network.Network, *, reads_print: bool = False) -> None:
        from swatchbook.models.image_words import ImageWords
        from swatchbook.models.images import local_analysis  # imports numpy, which reading a tag does not need
        from swatchbook.models.images.pixels import shrink

        self.tag = tag(reads_print=reads_print)
        self._turn = threading.Lock()
        self.side = PRINT_SIDE if reads_print else image_network.SIDE
        self._describe, self._shrink = local_analysis.analyse, shrink
        self._color_names = local_analysis.ColorNames()
        self._network, self._words = network, ImageWords()
        self._recogniser = _load_print_reader() if reads_print else None

    def analyse(self, pictures: "Sequence[Pixels]", context: "CallContext | None" = None) -> list[Analysis]:
        """Return one analysis per picture, in input order. It costs nothing, so `context` is not used.

        One thread at a time measures: side by side, their many small steps would only take turns with each other.
        """
        with self._turn:
            analyses = [self._describe(self._shrink(picture, SIDE), self._color_names) for picture in pictures]
        recognised = [self._words.recognise(seen.logits) for seen in self._network.see(pictures)]
        return [
            self._with_print(analysis.model_copy(update={"recognised": words}), picture)
            for analysis, words, picture in zip(analyses, recognised, pictures, strict=True)
        ]

    def _with_print(self, analysis: Analysis, picture: "Pixels") -> Analysis:
        if self._recogniser is None:
            return analysis
        printed = self._recogniser.read(self._shrink(picture, PRINT_SIDE), dpi=72, most=MOST_PRINT)
        return analysis.model_copy(update={"printed_text": "\n".join(line.text for line in printed.lines) or None})


def _load_print_reader() -> "PrintReader":
    from swatchbook.catalogue_reader import catalogue_reader

    return catalogue_reader().print_reader()
