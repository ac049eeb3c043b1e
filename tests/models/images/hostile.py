"""Picture files that attack their decoder, made by code: each has one fault."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from swatchbook.domain.errors import Failure, TooLarge, UnreadableImage

SIDE = 24
"""Pixels a side of most of them: little enough that only the fault takes time."""

PNG_HEAD = b"\x89PNG\r\n\x1a\n"


def picture(mode: str = "RGB", side: int = SIDE) -> Image.Image:
    """A picture with all values in it."""
    return Image.linear_gradient("L").resize((side, side)).convert(mode)


def saved(form: str, image: Image.Image | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    (image or picture()).save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*extra: bytes, size: tuple[int, int] = (SIDE, SIDE), colors: int = 2, pixels: bytes | None = None) -> bytes:
    """A PNG with more chunks before its pixels; `colors` 2 is RGB, 3 a palette."""
    across, down = min(size[0], 100), min(size[1], 100)
    rows = (b"\0" + bytes(across * (3 if colors == 2 else 1))) * down
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, colors, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows) if pixels is None else pixels)
    return PNG_HEAD + head + b"".join(extra) + data + chunk(b"IEND", b"")


def zeros(mib: int) -> bytes:
    """So many MiB of zeros, compressed: a thousandth of them. Each block is the same, so one is made."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = struct.pack(">I", ((mib << 20) % 65_521) << 16 | 1)
    return b"\x78\xda" + block * mib + packer.flush() + checksum


def animated_png(claimed: int, frames: int = 2) -> bytes:
    """An animation that claims many frames."""
    data = saved("PNG", save_all=True, append_images=[picture().rotate(n) for n in range(1, frames)])
    at = data.index(b"acTL") + 4
    claim = struct.pack(">I", claimed) + data[at + 4 : at + 8]
    return data[:at] + claim + struct.pack(">I", zlib.crc32(b"acTL" + claim)) + data[at + 12 :]


def segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def with_segments(*segments: bytes, image: bytes | None = None) -> bytes:
    """A JPEG with more segments behind its first marker."""
    data = image or saved("JPEG")
    return data[:2] + b"".join(segments) + data[2:]


def jpeg_of(width: int, height: int) -> bytes:
    """A JPEG whose header claims another size than its data has."""
    data = bytearray(saved("JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def many_scans(count: int, side: int) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = saved("JPEG", picture(side=side), progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * count + data[-2:]


def exif(body: bytes) -> bytes:
    return segment(0xE1, b"Exif\0\0" + body)


LOOP = b"MM\0\x2a\0\0\0\x08" + struct.pack(">HHHIII", 1, 0x8769, 4, 1, 8, 8)
"""EXIF whose only entry points at the table that it is in, as does the next table."""


def turned_by(value: bytes, kind: int, count: int) -> bytes:
    """EXIF with an orientation of an odd type or value."""
    return b"MM\0\x2a\0\0\0\x08" + struct.pack(">HHHI", 1, 0x0112, kind, count) + value + bytes(4)


def profile_of(size: int) -> bytes:
    """An ICC profile of noughts in the segments of a JPEG."""
    body = struct.pack(">I", size) + b"lcms\4\0\0\0mntrRGB XYZ " + bytes(size - 24)
    parts = [body[n : n + 60_000] for n in range(0, size, 60_000)]
    return b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes((n, len(parts))) + part) for n, part in enumerate(parts, 1))


def gif(
    screen: tuple[int, int], frame: tuple[int, int, int, int], data: bytes | None = None, palette: int = 2
) -> bytes:
    """A GIF by hand: the size of its screen, and left, top, width and height of its frame."""
    head = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80 | (palette.bit_length() - 2), 0, 0) + bytes(3 * palette)
    return head + b"," + struct.pack("<HHHHB", *frame, 0) + (b"\2\2\x4c\1\0" if data is None else data) + b";"


def tiff(entries: Mapping[int, tuple[int, int, int]], data: bytes = bytes(SIDE * SIDE), following: int = 0) -> bytes:
    """A TIFF by hand: tag -> type, count and value of an entry; `following` is where the next page is."""
    base = {
        256: (4, 1, SIDE), 257: (4, 1, SIDE), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 0),
        277: (3, 1, 1), 278: (4, 1, SIDE), 279: (4, 1, len(data)),
    }  # fmt: skip
    table = {tag: entry for tag, entry in sorted({**base, **entries}.items()) if entry[1] >= 0}
    start = 8 + 2 + 12 * len(table) + 4
    table |= {tag: (4, 1, start) for tag in (273, 324) if table.get(tag) == (4, 1, 0)}  # of its strip or tile
    packed = b"".join(
        struct.pack("<HHI", tag, kind, count)
        + (struct.pack("<HH", value, 0) if kind == 3 and count == 1 else struct.pack("<I", value))
        for tag, (kind, count, value) in table.items()
    )
    return b"II\x2a\0" + struct.pack("<IH", 8, len(table)) + packed + struct.pack("<I", following) + data


def tiled_tiff(side: int, packed: bytes) -> bytes:
    """A TIFF of few pixels in one tile of many, which unpack from little."""
    tile = {322: (4, 1, side), 323: (4, 1, side), 324: (4, 1, 0), 325: (4, 1, len(packed))}
    return tiff({259: (3, 1, 8), **dict.fromkeys((273, 278, 279), (4, -1, 0)), **tile}, packed)


def bmp(width: int, height: int, *, bits: int = 24, colors: int = 0, compression: int = 0, data: bytes = b"") -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, colors, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + head + data


def icon(side: int, inner: bytes) -> bytes:
    """An icon that says one size, and holds a picture of another."""
    return struct.pack("<HHH", 0, 1, 1) + struct.pack("<BBBBHHII", side, side, 0, 0, 1, 32, len(inner), 22) + inner


def jpeg2000_of(width: int, height: int, tile: int | None = None) -> bytes:
    """A JPEG 2000 codestream whose header claims another size, or tiles of another size."""
    data = bytearray(saved("JPEG2000", no_jp2=True))
    at = data.index(b"\xff\x51") + 6  # SIZ: the grid
    data[at : at + 8] = struct.pack(">II", width, height)
    if tile is not None:
        data[at + 16 : at + 24] = struct.pack(">II", tile, tile)
    return bytes(data)


def webp_of(width: int, height: int) -> bytes:
    """A WebP whose extended header claims a canvas of this size."""
    plain = saved("WEBP", lossless=True)[12:]
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + size + plain
    return b"RIFF" + struct.pack("<I", len(body)) + body


def avif_of(width: int, height: int) -> bytes:
    """An AVIF whose image property claims another size."""
    data = bytearray(saved("AVIF"))
    at = data.index(b"ispe") + 8
    data[at : at + 8] = struct.pack(">II", width, height)
    return bytes(data)


def deep_tiff(value: float) -> bytes:
    """A TIFF of fractions that are no numbers, or endless."""
    return saved("TIFF", Image.new("F", (SIDE, SIDE), value))


SVG_OUTSIDE = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">
<image xlink:href="file:///etc/passwd"/><script>fetch("http://127.0.0.1/")</script></svg>"""
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat"
MVG = (
    b"push graphic-context\nviewbox 0 0 640 480\nfill 'url(https://127.0.0.1/x.jpg\"|ls \"-la)'\npop graphic-context\n"
)

HOSTILE: Mapping[str, tuple[Callable[[], bytes], type[Failure] | None]] = {
    # small files that claim or unpack to much
    "PNG of 4 294 967 295 pixels a side": (lambda: png(size=(2**31 - 1, 2**31 - 1)), TooLarge),
    "PNG of 0 pixels": (lambda: png(size=(0, 5)), UnreadableImage),
    "PNG whose pixels are 100 times too many": (lambda: png(pixels=zeros(200)), None),
    "PNG with a text that unpacks to 300 MiB": (lambda: png(chunk(b"zTXt", b"a\0\0" + zeros(300))), UnreadableImage),
    "PNG with a profile that unpacks to 300 MiB": (lambda: png(chunk(b"iCCP", b"a\0\0" + zeros(300))),
        UnreadableImage),
    "PNG with 20 000 chunks": (lambda: png(*[chunk(b"teSt", b"")] * 100_000), None),
    "PNG with a chunk of 4 GiB": (lambda: png(b"\xff\xff\xff\xffteSt"), UnreadableImage),
    "PNG with wrong checksums": (lambda: png().replace(b"IDAT", b"IDAU"), UnreadableImage),
    "PNG whose palette is too short": (lambda: png(chunk(b"PLTE", b"\xff\0\0"), colors=3,
        pixels=zlib.compress((b"\0" + b"\xfe" * SIDE) * SIDE)), None),
    "animation that claims 4 294 967 295 frames": (lambda: animated_png(2**32 - 1), None),
    "JPEG of 65 535 pixels a side": (lambda: jpeg_of(65_535, 65_535), TooLarge),
    "JPEG with a hundredth of its data": (lambda: jpeg_of(SIDE * 10, SIDE * 10), None),
    "JPEG of 2 000 scans": (lambda: many_scans(2_000, 64), None),
    "JPEG whose EXIF is a loop": (lambda: with_segments(exif(LOOP)), None),
    "JPEG whose EXIF has entries of 4 GiB": (lambda: with_segments(exif(turned_by(b"\0\0\0\x08", 2, 2**32 - 1))),
        None),
    "JPEG turned by a fraction": (lambda: with_segments(exif(turned_by(b"\0\0\0\x08", 5, 1))), None),
    "JPEG turned by 99": (lambda: with_segments(exif(turned_by(b"\0\x63\0\0", 3, 1))), None),
    "JPEG with a profile of 8 MB": (lambda: with_segments(profile_of(8_000_000)), None),
    "JPEG with a profile whose parts are missing": (lambda: with_segments(segment(0xE2,
        b"ICC_PROFILE\0\1\xff" + bytes(9))), None),
    "JPEG with 30 000 segments": (lambda: with_segments(*[segment(0xEF, b"x")] * 30_000), None),
    "JPEG with a segment without a length": (lambda: with_segments(b"\xff\xe1\0\0"), None),
    "JPEG with colours of a scanner": (lambda: saved("JPEG", picture("CMYK")), None),
    "GIF whose frame is larger than its screen": (lambda: gif((SIDE, SIDE), (60_000, 60_000, 5_000, 5_000)), TooLarge),
    "GIF of 65 535 pixels a side": (lambda: gif((65_535, 65_535), (0, 0, 1, 1)), TooLarge),
    "GIF with codes before their table": (lambda: gif((SIDE, SIDE), (0, 0, SIDE, SIDE), b"\2\4\xff\xff\xff\xff\0"),
        UnreadableImage),
    "GIF with a web page behind it": (lambda: saved("GIF") + b"<html><script>alert(1)</script>", None),
    "TIFF that is its own next page": (lambda: tiff({}, following=8), None),
    "TIFF of 4 294 967 295 pixels a side": (lambda: tiff({256: (4, 1, 2**32 - 1), 257: (4, 1, 2**32 - 1)}), TooLarge),
    "TIFF with a tile of 3 gigapixels": (lambda: tiled_tiff(60_000, zeros(64)), TooLarge),
    "TIFF with strips beyond its end": (lambda: tiff({273: (4, 1, 2**31)}), UnreadableImage),
    "TIFF with an entry of 4 GiB": (lambda: tiff({270: (2, 2**32 - 1, 8)}), None),
    "TIFF of an unknown compression": (lambda: tiff({259: (3, 1, 34_999)}), UnreadableImage),
    "TIFF that unpacks to 200 MiB": (lambda: tiff({259: (3, 1, 8), 279: (4, 1, len(zeros(200)))}, zeros(200)), None),
    "TIFF of fractions that are no numbers": (lambda: deep_tiff(float("nan")), None),
    "TIFF of endless fractions": (lambda: deep_tiff(float("inf")), None),
    "BMP of 2 147 483 647 pixels a side": (lambda: bmp(2**31 - 1, 2**31 - 1), TooLarge),
    "BMP of -2 147 483 648 lines": (lambda: bmp(SIDE, -(2**31)), TooLarge),
    "BMP with run lengths beyond its lines": (lambda: bmp(SIDE, SIDE, bits=8, colors=1, compression=1,
        data=bytes(4) + b"\xff\0" * 4_000 + b"\0\2\xff\xff" * 100), None),
    "icon that holds a PNG of 60 000 pixels a side": (lambda: icon(16, png(size=(60_000, 60_000))), TooLarge),
    "icon that holds an icon": (lambda: icon(16, icon(16, png())), UnreadableImage),
    "JPEG 2000 of 4 294 967 295 pixels a side": (lambda: jpeg2000_of(2**32 - 1, 2**32 - 1), TooLarge),
    "JPEG 2000 of a million tiles": (lambda: jpeg2000_of(5_000, 5_000, 1), UnreadableImage),
    "WebP of 16 777 215 pixels a side": (lambda: webp_of(2**24, 2**24), UnreadableImage),
    "AVIF of 4 294 967 295 pixels a side": (lambda: avif_of(2**32 - 1, 2**32 - 1), UnreadableImage),
    "PPM of 100 000 000 lines": (lambda: b"P6 1 100000000 255\n\0", TooLarge),
    "PPM of numbers of a million digits": (lambda: b"P3 2 2 255\n" + b"9" * 1_000_000, UnreadableImage),
    # what is another thing than it says
    "picture of drawing commands": (lambda: MVG, UnreadableImage),
    "SVG that names a file": (lambda: SVG_OUTSIDE, UnreadableImage),
    "HEIC": (lambda: HEIC, UnreadableImage),
    "JPEG that is a PDF, too": (lambda: with_segments(segment(0xFE, b"%PDF-1.7\n1 0 obj<</S/JavaScript>>endobj")),
        None),
    "JPEG with an archive behind it": (lambda: saved("JPEG") + b"PK\3\4" + bytes(2_000), None),
}  # fmt: skip
"""Fault -> the file, and the failure that it is; None: its pixels are there, or as many as are whole."""
