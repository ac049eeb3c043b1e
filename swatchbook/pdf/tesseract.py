"""Read lines of print in the languages whose data are installed for Tesseract (`swatchbook/ocr_languages.py`).

The library comes with the package `tesserocr`, without data.
"""

import os

os.environ["OMP_THREAD_LIMIT"] = "1"  # before the library is loaded: other processes have the other cores

import tesserocr

from swatchbook.ocr_languages import data_folder
from swatchbook.pdf.ocr_models import Corners, Pixels, cut_line

ENDS = 0.15  # share of a line's height cut off at both ends: what is next to a line, such as rules, is read as signs
MARKS = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))  # signs of direction


class TesseractReader:
    """Reads lines of text in one language (0.1 s to load)."""

    def __init__(self, language: str) -> None:
        self._api = tesserocr.PyTessBaseAPI(
            path=str(data_folder()), lang=language, psm=tesserocr.PSM.RAW_LINE, oem=tesserocr.OEM.LSTM_ONLY
        )

    def read(self, pixels: Pixels, corners: Corners) -> tuple[str, float]:
        """Return a line's text, and the mean confidence in its words (0 to 1)."""
        line = cut_line(pixels, corners, shorter=ENDS)
        height, width, channels = line.shape
        self._api.SetImageBytes(line.tobytes(), width, height, channels, channels * width)
        text = " ".join(self._api.GetUTF8Text().translate(MARKS).split())
        return text, self._api.MeanTextConf() / 100
