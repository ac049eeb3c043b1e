"""Read a text file in any encoding as UTF-8: the way in which all sources read texts.

- Its lines decide, not its head. Where most lines with signs beyond ASCII are UTF-8, the file is, and the other lines
  are read by the encoding that is guessed for them. Else that encoding is the file's.
- A line that is in doubt is counted and shown: one in another encoding than its file, or with signs that were lost
  before. In place of a lost sign there is "?", never U+FFFD; NUL bytes are left out.
- The file is read in pieces of 1 MiB, three times if it is not plain UTF-8.
"""

import codecs
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from swatchbook_base.one_line import one_line, shorten
from swatchbook_shops.items.text_encoding import LATIN, OF_TWO_BYTES, cells_of, guess_encoding

_PIECE = 1 << 20  # bytes in memory at a time
_JUDGED = 1 << 12  # bytes by which files that are no text are known
_SAMPLE = 1 << 15  # bytes of cells that are not UTF-8, from the whole file, by which their encoding is guessed
_SHOWN_LINES, _SHOWN = 3, 80  # lines, characters of one
_FILES = 256  # files of which it is remembered how they are read
_MOST_CONTROLS, _MOST_NULS = 0.01, 0.05  # of a text
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
_AS_BROWSERS = {"iso8859-1": "cp1252", "iso8859-9": "cp1254"}
"""Encodings that files name while they also have the signs that Windows adds, such as "€"."""
_HIGH = bytes(range(0x80, 0x100))
_CONTROLS = bytes({*range(1, 32)} - {*b"\t\n\v\f\r\x1a\x1b"})
_SIGN = re.compile(rb"([\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3})|([\x80-\xff])")
"""A sign of UTF-8 of several bytes, or a byte that belongs to none."""
_SIGN_BEGINS = re.compile(rb"[\xc2-\xf4][\x80-\xbf]")
_LOST = (
    b"\xef\xbf\xbd",
    b"\\ufffd",
    b"\\uFFFD",
    b"&#xFFFD;",
    b"&#xfffd;",
    b"&#65533;",
)  # U+FFFD, also as JSON and XML write it
_C1 = re.compile("[\x80-\x9f]")  # controls, in place of which Windows has signs


@dataclass(frozen=True, slots=True)
class Letters:
    """How a file is read. `other` is the encoding of those of its lines that are not in `encoding`, which it may name.

    `doubtful` lines are in doubt. `shown` are the first of them, else of those that are read by a guess, with their
    numbers. `is_sure`: no other encoding fits as well.
    """

    encoding: str = "utf-8"
    other: str = "utf-8"
    is_named: bool = False
    is_sure: bool = True
    doubtful: int = 0
    shown: tuple[tuple[int, str], ...] = ()

    @property
    def is_utf(self) -> bool:
        """Return whether the file as a whole is UTF-8, UTF-16 or UTF-32."""
        return self.encoding.startswith("utf")

    @property
    def is_guess(self) -> bool:
        """Return whether the file as a whole is read by a guess."""
        return not (self.is_utf or self.is_named)

    @property
    def is_plain(self) -> bool:
        """Return whether each byte is read as it is."""
        return self.encoding == "utf-8" and not self.doubtful

    def describe(self, name: str) -> str:
        """Return what a person should know of a file with this name."""
        sentences = list[str]()
        if self.is_guess:
            doubt = (
                "" if self.is_sure else ", but another encoding fits as well. If letters are wrong, save it as UTF-8"
            )
            sentences.append(f"{name} was read as {self.encoding}{doubt}.")
        if self.doubtful:
            lines = "1 line" if self.doubtful == 1 else f"{self.doubtful:,} lines"
            how = f", read as {self.other}" if self.other != self.encoding else ""
            sentences.append(f"{name} has letters that are in doubt in {lines}{how}.")
        shown = ", ".join(f"{number:,} “{text}”" for number, text in self.shown)
        return " ".join([*sentences, f"Lines to check: {shown}."] if shown else sentences)


_PLAIN = Letters()


def letters_of(file: Path) -> Letters:
    """Return how a file is read, by all of its lines. Raises OSError."""
    found = file.stat()
    return _letters_of(file, found.st_size, found.st_mtime_ns, found.st_ino)


def doubts_of(file: Path, name: str, *, also_guesses: bool = False) -> list[str]:
    """Return what to check of a file with this name: its lines in doubt, and with `also_guesses` a guessed encoding."""
    try:
        letters = letters_of(file)
    except OSError:  # the file fails where it is read
        return []
    has_doubts = letters.doubtful or not letters.is_sure or (also_guesses and letters.is_guess)
    return [letters.describe(name)] if has_doubts else []


@lru_cache(_FILES)
def _letters_of(file: Path, *_: int) -> Letters:
    with file.open("rb") as opened:
        head = opened.read(_JUDGED)
    if wide := _wide(head):
        return replace(_judge(lambda: _pieces(file, wide)), encoding=wide)
    if (named := _named(head)) and not _is_utf8(file, named):
        return _count_doubtful(_pieces(file), Letters(named, named, is_named=True))
    return _judge(lambda: _pieces(file)) if _is_text(head) else _PLAIN


def _named(head: bytes) -> str | None:
    """Return the encoding that an XML file names, None for UTF-8 and for one that is not known."""
    declared = re.match(rb"(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']", head)
    try:
        name = codecs.lookup(declared[1].decode()).name if declared else "utf-8"
        b"".decode(name)  # raises LookupError for a codec of other things than texts
    except LookupError:
        return None
    return None if name.startswith(("utf", "ascii")) else _AS_BROWSERS.get(name, name)


def _is_utf8(file: Path, named: str) -> bool:
    """Return whether a file is UTF-8, whatever it says: no text of other encodings is so by chance."""
    return not named.startswith("iso2022") and all(_in_utf8(piece) is not None for piece in _pieces(file))


def open_utf8(file: Path) -> BinaryIO:
    """Open a text file, whose bytes are UTF-8 then. Raises OSError."""
    letters = letters_of(file)
    if letters.is_plain:
        opened = file.open("rb")
        opened.seek(len(codecs.BOM_UTF8) if opened.read(3) == codecs.BOM_UTF8 else 0)
        return opened
    wide = letters.encoding if letters.is_utf and letters.encoding != "utf-8" else None
    return io.BufferedReader(_Repaired(_repair(piece, letters) for piece in _pieces(file, wide)))


def head_of(file: Path, size: int) -> str | None:
    """Return the text of a file's first bytes, None if they are no text. Raises OSError."""
    with file.open("rb") as opened:
        head = opened.read(size)
    if wide := _wide(head[:_JUDGED]):
        return head.decode(wide, errors="ignore").lstrip("\ufeff")
    if not _is_text(head):
        return None
    if len(head) == size:
        head = head.rstrip(_HIGH)  # a sign may be cut off
    head = head.removeprefix(codecs.BOM_UTF8)
    return _repair(head, _judge(lambda: [head])).decode()


def _is_text(head: bytes) -> bool:
    judged = head[:_JUDGED]
    controls = len(judged) - len(judged.translate(None, _CONTROLS))
    return controls <= _MOST_CONTROLS * len(judged) and judged.count(0) <= _MOST_NULS * len(judged)


def _wide(head: bytes) -> str | None:
    """Return the encoding of a text with two or four bytes for each sign, by its mark."""
    return next((name for mark, name in _MARKS.items() if head.startswith(mark)), None)


def _pieces(file: Path, wide: str | None = None) -> Iterator[bytes]:
    """Yield the lines of a file in pieces; a line that is longer than a piece is cut. UTF-16 becomes UTF-8."""
    decoder = codecs.getincrementaldecoder(wide)(errors="replace") if wide else None
    with file.open("rb") as opened:
        rest, read = b"", opened.read(_PIECE).removeprefix(codecs.BOM_UTF8)
        while read:
            data = rest + (decoder.decode(read).encode(errors="replace") if decoder else read)
            end = max(data.rfind(b"\n"), data.rfind(b"\r", 0, len(data) - 1)) + 1 or len(data.rstrip(_HIGH))
            yield data[:end]
            rest, read = data[end:], opened.read(_PIECE)
        yield rest + (decoder.decode(b"", final=True).encode() if decoder else b"")


def _judge(pieces: Callable[[], Iterable[bytes]]) -> Letters:
    """Return how the lines of pieces are read."""
    in_utf8 = others = 0
    is_whole, sample, step = True, list[bytes](), 1
    for piece in pieces():
        if _read_whole(piece, _PLAIN) is not None:
            in_utf8 += 0 if piece.isascii() else sum(not line.isascii() for line in piece.splitlines())
            continue
        is_whole = False
        for line in piece.splitlines():
            if line.isascii():
                continue
            has_sign = _SIGN_BEGINS.search(line) is not None
            if has_sign and _in_utf8(line) is not None:
                in_utf8 += 1
                continue
            is_mixed = has_sign and _is_mixed(line)
            others, in_utf8 = others + 1, in_utf8 + is_mixed
            if others % step == 0:
                sample += cells_of(line)
                if sum(map(len, sample)) > 2 * _SAMPLE:
                    sample, step = sample[::2], step * 2
    if is_whole:
        return _PLAIN
    is_utf8 = in_utf8 >= others
    if is_utf8:  # what is UTF-8 of these cells would be strange in any other encoding
        sample = [_SIGN.sub(rb"\2", cell) for cell in sample]
    guess, is_sure = guess_encoding(sample) if sample else ("utf-8", True)
    names = ("utf-8", guess) if is_utf8 else (guess, "utf-8")
    return _count_doubtful(pieces(), Letters(*names, is_sure=is_sure))


def _count_doubtful(pieces: Iterable[bytes], letters: Letters) -> Letters:
    before, doubtful, shown, guessed = 0, 0, list[tuple[int, str]](), list[tuple[int, str]]()
    for piece in pieces:
        lines = piece.splitlines()
        is_clear = _read_whole(piece, letters) is not None and (letters.is_utf or len(guessed) == _SHOWN_LINES)
        for number, line in () if is_clear else enumerate(lines, before + 1):
            text, is_doubtful = _read(line, letters)
            doubtful += is_doubtful
            into = shown if is_doubtful else guessed
            if len(into) < _SHOWN_LINES and (is_doubtful or not line.isascii()):
                into.append((number, shorten(one_line(text[:1_000]), _SHOWN)))
        before += len(lines)
    return replace(letters, doubtful=doubtful, shown=tuple(shown or (guessed if letters.is_guess else ())))


def _repair(piece: bytes, letters: Letters) -> bytes:
    text = _read_whole(piece, letters)
    if text is None:
        text = "".join(_read(line, letters)[0] for line in piece.splitlines(keepends=True))
    return text.encode()


def _read_whole(piece: bytes, letters: Letters) -> str | None:
    """Return the text of a piece without any line in doubt; None if it must be read line by line, which takes long."""
    if b"\0" in piece or any(lost in piece for lost in _LOST):
        return None
    if letters.is_utf or piece.isascii():
        return _in_utf8(piece)
    if not letters.is_named and letters.encoding not in OF_TWO_BYTES and _SIGN_BEGINS.search(piece):
        return None
    text = piece.decode(letters.encoding, errors="replace")
    return None if "\ufffd" in text or _C1.search(text) else text


def _read(line: bytes, letters: Letters) -> tuple[str, bool]:
    """Return the text of a line, and whether it is in doubt."""
    is_other = letters.is_utf
    legacy = letters.other if letters.is_utf else letters.encoding
    text = None if letters.is_named or (legacy in OF_TWO_BYTES and letters.is_guess) else _in_utf8(line)
    if text is not None:
        is_other = letters.is_guess and not line.isascii()
    elif letters.is_utf and _is_mixed(line, 1 if legacy in LATIN else None):
        text = _SIGN.sub(lambda sign: sign[1] or sign[2].decode(legacy, errors="replace").encode(), line).decode()
    else:
        text = _C1.sub("\ufffd", line.decode(legacy, errors="replace"))
    plain = text.replace("\0", "")
    for lost in _LOST:
        plain = plain.replace(lost.decode(), "?")
    return plain, is_other or plain != text


def _is_mixed(line: bytes, fewest: int | None = None) -> bool:
    """Return whether a line is UTF-8 but for some bytes: it has that many signs of UTF-8, else at least as many."""
    signs = _SIGN.findall(line)
    in_utf8 = sum(bool(sign) for sign, _ in signs)
    return in_utf8 >= (len(signs) - in_utf8 if fewest is None else fewest)


def _in_utf8(text: bytes) -> str | None:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


class _Repaired(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        while not self._rest:
            if (piece := next(self._pieces, None)) is None:
                return 0
            self._rest = piece
        read = self._rest[: len(buffer)]
        buffer[: len(read)] = read
        self._rest = self._rest[len(read) :]
        return len(read)
