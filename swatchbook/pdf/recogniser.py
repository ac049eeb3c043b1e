"""Read printed text from pixels: lines with boxes, confidence, and the turn in which a page is to be read. One thread,
at most 300 lines a page; pages are rendered at 144 dpi (2,400 pixels at most) and searched for lines at 80 dpi.

The models come with the package `rapidocr` and read Latin, Greek, Chinese and Japanese letters. Lines of other scripts
come out empty, as nonsense of low confidence, or as the digits and look-alikes in them; what is left out is counted, so
that the page says so.
"""

from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swatchbook.pdf.ocr import Printed, PrintedLine

Pixels = NDArray[np.uint8]
"""Height × width × 3: red, green, blue."""

READ_DPI, FIND_DPI = 144, 80  # letters of 6 pt are 12 pixels high; lines are found on less, which halves the time
MOST_SIDE = 2_400  # pixels of a rendered page
MOST_LINES = 300  # read of a page: 10 s
LEAST_CONFIDENCE = 0.6  # of a line that is kept; dishes and handles are "letters" of less
SURE = 0.85  # mean confidence of lines that stand upright; upside down they have about 0.5
SLENDER = 2.0  # times as long as wide, as lines are; pictures that are taken for text are not
SAMPLE = 6  # lines by which the turn of a page is told


def fitting_dpi(width: float, height: float) -> float:
    """Return the resolution at which a page of this size, in points, is rendered to be read."""
    return min(READ_DPI, 72 * MOST_SIDE / max(width, height, 1.0))


class Recogniser:
    """The models, loaded when a first page needs them (1 s, 300 MB)."""

    def __init__(self) -> None:
        self._engine: Any = None

    def read(self, pixels: Pixels, dpi: float) -> Printed:
        """Return the lines printed on a page of `dpi` pixels an inch."""
        quads = self._find(pixels, dpi)
        if not len(quads):
            return Printed((), 0, 0)
        slender = [quad for quad in quads if _slenderness(quad) >= SLENDER]
        turn = self._turn(pixels, np.stack(sorted(slender, key=_slenderness)[-SAMPLE:])) if slender else 0
        turned = np.rot90(pixels, -turn // 90)
        if turn % 180:  # sideways, half of the lines are not found
            quads = self._find(turned, dpi)
        elif turn:
            quads = turn_quads(quads, turn, *pixels.shape[:2])
        kept = quads[:MOST_LINES]
        lines, unread = [], len(quads) - len(kept)
        for quad, (text, confidence) in zip(kept, self._recognise(turned, kept), strict=True):
            if confidence >= LEAST_CONFIDENCE and text.strip():
                corners = turn_quads(quad, -turn % 360, *turned.shape[:2]) * (72 / dpi)
                left, top, right, bottom = (float(value) for value in (*corners.min(axis=0), *corners.max(axis=0)))
                box = (round(left, 2), round(top, 2), round(right, 2), round(bottom, 2))
                lines.append(PrintedLine(text.strip(), box, round(confidence, 2)))
            else:
                unread += _slenderness(quad) >= SLENDER
        return Printed(tuple(lines), turn, unread)

    def _find(self, pixels: Pixels, dpi: float) -> Any:
        """Return the corners of the lines of text, from the top: an array of shape (lines, 4, 2), in pixels."""
        import cv2  # beside `rapidocr` a fifth of a second: only where a page needs it

        shrink = min(1.0, FIND_DPI / dpi)
        small = cv2.resize(pixels, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
        found = self._models()(small[:, :, ::-1], use_det=True, use_rec=False, use_cls=False)
        boxes = getattr(found, "boxes", None)
        return np.zeros((0, 4, 2), np.float32) if boxes is None else np.asarray(boxes, np.float32) / np.float32(shrink)

    def _turn(self, pixels: Pixels, quads: Any) -> int:
        """Return the turn in which these lines are read with the highest confidence.

        Lines that are taller than wide lie sideways; among the two turns that lay them flat, the letters decide.
        """
        sizes = quads.max(axis=1) - quads.min(axis=1)
        sideways = 2 * sum(height > width for width, height in sizes) > len(quads)
        turns = (90, 270) if sideways else (0, 180)
        best = (-1.0, 0)
        for turn in turns:
            turned = np.rot90(pixels, -turn // 90)
            found = self._recognise(turned, turn_quads(quads, turn, *pixels.shape[:2]))
            confidence = mean(score for _, score in found)
            if confidence >= SURE:
                return turn
            best = max(best, (confidence, -turn))
        return -best[1]

    def _recognise(self, pixels: Pixels, quads: Any) -> list[tuple[str, float]]:
        """Return the text and confidence of each line."""
        if not len(quads):
            return []
        crops = self._models().crop_text_regions(np.ascontiguousarray(pixels[:, :, ::-1]), quads)
        found = self._models().recognize_txt(crops)
        return [(text, float(score)) for text, score in zip(found.txts, found.scores, strict=True)]

    def _models(self) -> Any:
        if self._engine is None:
            import rapidocr

            models = Path(rapidocr.__file__).parent / "models"
            one_thread = {
                f"EngineConfig.onnxruntime.{name}_op_num_threads": 1 for name in ("intra", "inter")
            }  # other processes have the other cores
            self._engine = rapidocr.RapidOCR(
                params={
                    **one_thread,
                    "Global.log_level": "critical",
                    "Det.limit_type": "max",  # `_find` has made it small enough
                    "Det.limit_side_len": MOST_SIDE,
                    "Det.model_path": str(models / "PP-OCRv6_det_small.onnx"),  # a path: nothing is ever downloaded
                    "Rec.model_path": str(models / "PP-OCRv6_rec_small.onnx"),
                    "Rec.rec_img_shape": [
                        3,
                        48,
                        96,
                    ],  # lines alone, each as wide as it is: half the time of padded ones
                    "Rec.rec_batch_num": 1,
                }
            )
        return self._engine


def turn_quads(quads: Any, turn: int, height: int, width: int) -> Any:
    """Return corners of lines, in pixels, after the page of this size is turned by 0, 90, 180 or 270 degrees clockwise.
    The corners of a line stay in clockwise order from its top left, as it stands then.
    """
    x, y = quads[..., 0], quads[..., 1]
    places = {0: (x, y), 90: (height - y, x), 180: (width - x, height - y), 270: (y, width - x)}
    return np.roll(np.stack(places[turn], axis=-1), turn // 90, axis=-2).astype(np.float32)


def _slenderness(quad: Any) -> float:
    """Return how many times longer than wide a line is."""
    short, long = sorted(float(np.linalg.norm(quad[0] - quad[corner])) for corner in (1, 3))
    return long / max(short, 1.0)
