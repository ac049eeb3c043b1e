"""Run the two networks that read printed text: one finds lines in pixels, the other reads a line; and Tesseract.

Of the package `rapidocr` only its PP-OCR models are used: its import and its handling of a page cost as much as a page.
All use one thread, because other processes have the other cores.
"""

import os
from collections.abc import Iterator
from importlib.metadata import distribution
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from swatchbook_catalogue.pdf.ocr_languages import data_folder

Pixels = NDArray[np.uint8]  # height × width × 3: red, green, blue

Corners = NDArray[np.float32]  # corners of a line in pixels: (4, 2), clockwise from its top left; or (lines, 4, 2)

CELL = 32  # pixels; the sides of the finder's input are multiples of it
TEXT = 0.3  # probability that a pixel is text; of a line's box the mean is LINE at least
LINE = 0.5
LEAST_SIDE = 3.0  # pixels; the least side of a line's core
GROWTH = 1.6  # the finder marks the core of a line: its box is larger by this × area / circumference on each side
MOST_FOUND = 1_000  # the most parts of a page that may be lines
HEIGHT = 48  # pixels of a line that the reader sees
LINE_MARGIN = 0.25  # share of a line's height added to it: smaller letters and a shorter line save a fifth of the time
LEAST_WIDTH = 96  # pixels; the least width of the reader's input
TALL = 1.5  # height over width of a line that is on its end, its top to the left


class LineFinder:
    """Finds lines of text in pixels (0.1 s to load, 0.4 s for a page of 0.6 megapixels)."""

    def __init__(self) -> None:
        self._session = _session("PP-OCRv6_det_small.onnx")

    def find(self, pixels: Pixels, shrink: float) -> Corners:
        """Return the corners of the lines, from the top; they are looked for in smaller pixels (`shrink` ≤ 1)."""
        height, width = pixels.shape[:2]
        wide, high = (max(CELL, round(side * shrink / CELL) * CELL) for side in (width, height))
        seen = cv2.resize(pixels, (wide, high), interpolation=cv2.INTER_AREA)
        (heat,) = self._session.run(None, {self._session.get_inputs()[0].name: _as_input(seen)})
        lines = sorted(_boxes(heat[0, 0]), key=lambda corners: float(corners[0, 1]))
        found = np.stack(lines) if lines else np.zeros((0, 4, 2), np.float32)
        return np.clip(
            found * np.array((width / wide, height / high), np.float32), 0, np.array((width, height), np.float32)
        )


class LineReader:
    """Reads lines of text (0.1 s to load, 0.1 s for a line of 60 letters)."""

    def __init__(self) -> None:
        self._session = _session("PP-OCRv6_rec_small.onnx")
        letters = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._letters = ("", *letters, " ")  # the first one is no letter

    def read(self, pixels: Pixels, corners: Corners) -> tuple[str, float]:
        """Return a line's text, and the mean confidence in its letters (0 to 1)."""
        line = _as_input(_lengthened(cut_line(pixels, corners, higher=LINE_MARGIN)))
        (steps,) = self._session.run(None, {self._session.get_inputs()[0].name: line})
        best = steps[0].argmax(axis=1)
        new = np.flatnonzero((np.diff(best, prepend=0) != 0) & (best != 0))
        text = "".join(self._letters[number] for number in best[new])
        return text, float(steps[0, new, best[new]].mean()) if len(new) else 0.0


def _session(model: str) -> Any:
    path = distribution("rapidocr").locate_file(f"rapidocr/models/{model}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _as_input(pixels: Pixels) -> NDArray[np.float32]:
    """Return pixels as the models take them: (1, 3, height, width), blue, green, red, from -1 to 1."""
    scaled = pixels[:, :, ::-1].transpose(2, 0, 1).astype(np.float32)
    return np.ascontiguousarray(scaled / np.float32(127.5) - np.float32(1))[None]


def _boxes(heat: NDArray[np.float32]) -> Iterator[Corners]:
    """Yield the corners of lines, where `heat` is the probability that a pixel is text."""
    marked = cv2.dilate((heat > TEXT).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(marked, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    for contour in contours[:MOST_FOUND]:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < LEAST_SIDE:
            continue
        core = cv2.boxPoints((centre, (width, height), angle))
        left, top = np.maximum(np.floor(core.min(axis=0)).astype(int), 0)
        right, bottom = np.ceil(core.max(axis=0)).astype(int) + 1
        part = np.ascontiguousarray(heat[top:bottom, left:right])
        mask = np.zeros(part.shape, np.uint8)
        cv2.fillPoly(mask, [(core - (left, top)).astype(np.int32)], 1)
        if cv2.mean(part, mask)[0] < LINE:
            continue
        grown = 2 * GROWTH * width * height / (2 * (width + height))
        yield _clockwise(cv2.boxPoints((centre, (width + grown, height + grown), angle)))


def _clockwise(corners: Corners) -> Corners:
    by_x = corners[np.argsort(corners[:, 0])]
    (top_left, bottom_left), (top_right, bottom_right) = (side[np.argsort(side[:, 1])] for side in (by_x[:2], by_x[2:]))
    return np.stack((top_left, top_right, bottom_right, bottom_left)).astype(np.float32)


def cut_line(pixels: Pixels, corners: Corners, *, higher: float = 0.0, shorter: float = 0.0) -> Pixels:
    """Return a line flat, HEIGHT pixels high, `higher` by a share of its height, `shorter` by one at each end."""
    across, down, back, up = (float(np.linalg.norm(b - a)) for a, b in pairwise((*corners, corners[0])))
    width, height = max(across, back), max(down, up)
    if height >= TALL * width:
        corners, width, height = np.roll(corners, -1, axis=0), height, width
    cut = min(shorter * height, width / 4)
    corners = _resized(corners, -cut / max(width, 1.0), higher / 2)
    width, height = width - 2 * cut, (1 + higher) * height
    wide = max(1, round(HEIGHT * width / max(height, 1.0)))
    flat = np.array([(0, 0), (wide, 0), (wide, HEIGHT), (0, HEIGHT)], np.float32)
    line: Pixels = cv2.warpPerspective(
        pixels,
        cv2.getPerspectiveTransform(np.ascontiguousarray(corners, np.float32), flat),
        (wide, HEIGHT),
        flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return line


def _lengthened(line: Pixels) -> Pixels:
    return np.pad(line, ((0, 0), (0, max(0, LEAST_WIDTH - line.shape[1])), (0, 0)), constant_values=127)


def _resized(corners: Corners, along: float, across: float) -> Corners:
    """Return corners moved outwards by a share of the line's length at each end, and of its height above and below."""
    top_left, top_right, bottom_right, bottom_left = corners
    top, bottom = (top_right - top_left) * along, (bottom_right - bottom_left) * along
    left, right = (bottom_left - top_left) * across, (bottom_right - top_right) * across
    moved = (top_left - top - left, top_right + top - right, bottom_right + bottom + right, bottom_left - bottom + left)
    return np.stack(moved).astype(np.float32)


# --- Tesseract --------------------------------------------------------------------------------------------------------

ENDS = 0.15  # share of a line's height cut off at both ends: what is next to a line, such as rules, is read as signs
MARKS = dict.fromkeys((0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))  # signs of direction


class TesseractReader:
    """Reads lines of text in one language (0.1 s to load), whose data `ocr_languages.py` finds."""

    def __init__(self, language: str) -> None:
        os.environ["OMP_THREAD_LIMIT"] = "1"  # before the library is loaded: other processes have the other cores
        import tesserocr  # of the extra tesseract

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
