"""PDFs with one fault each, written by hand: two pages, of which the first has a picture and the fault, and the second
is sound.
"""

import zlib
from collections.abc import Callable, Mapping

import pymupdf

from tests.pdf.making import gradient, jpeg

Objects = dict[int, bytes]

CATALOG, PAGES, FIRST, SECOND, CONTENT, SOUND, FONT, IMAGE = range(1, 9)
MORE = 20  # the first number that a fault may use for objects of its own

TEXT = b"BT /F 12 Tf 40 540 Td (Tile Alba) Tj ET "
PAINT = b"q 200 0 0 100 50 400 cm /P Do Q "
PICTURE = "/Type/XObject/Subtype/Image/Width 40/Height 20/ColorSpace/DeviceRGB/BitsPerComponent 8"
PIXELS = gradient(40, 20).tobytes()


def stream(dictionary: str, data: bytes) -> bytes:
    return f"<<{dictionary}/Length {len(data)}>>\nstream\n".encode() + data + b"\nendstream"


def page(content: int, more: str = "", box: str = "[0 0 400 600]", resources: str = "") -> bytes:
    names = resources or f"/Font<</F {FONT} 0 R>>/XObject<</P {IMAGE} 0 R>>"
    return (
        f"<</Type/Page/Parent {PAGES} 0 R/MediaBox {box}/Contents {content} 0 R/Resources<<{names}>>{more}>>"
    ).encode()


def sound() -> Objects:
    """The objects of a file without a fault."""
    return {
        CATALOG: f"<</Type/Catalog/Pages {PAGES} 0 R>>".encode(),
        PAGES: f"<</Type/Pages/Kids[{FIRST} 0 R {SECOND} 0 R]/Count 2>>".encode(), FIRST: page(CONTENT),
        SECOND: page(SOUND), CONTENT: stream("", TEXT + PAINT), SOUND: stream("", TEXT.replace(b"Alba", b"Bruna")),
        FONT: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>", IMAGE: stream(PICTURE, PIXELS),
    }  # fmt: skip


def written(objects: Mapping[int, bytes], trailer: str = "", *, xref: bool = True, shift: int = 0) -> bytes:
    """The file with its cross-reference table, whose offsets are all wrong by `shift`; none without `xref`."""
    data, offsets = bytearray(b"%PDF-1.7\n"), {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(data)
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start, size = len(data), max(objects) + 1
    if xref:
        data += f"xref\n0 {size}\n0000000000 65535 f \n".encode()
        for number in range(1, size):
            kept = number in offsets
            offset = offsets.get(number, 0) + shift * kept
            data += f"{offset:010} {0 if kept else 65535:05} {'n' if kept else 'f'} \n".encode()
    data += f"trailer\n<</Size {size}/Root {CATALOG} 0 R{trailer}>>\nstartxref\n{start}\n%%EOF\n".encode()
    return bytes(data)


def changed(**bodies: bytes) -> bytes:
    """The sound file with other objects, named FIRST, IMAGE, O20 and so on."""
    objects = sound()
    for name, body in bodies.items():
        objects[int(name[1:]) if name[0] == "O" else globals()[name]] = body
    return written(objects)


def content(operators: bytes, more: str = "", **bodies: bytes) -> bytes:
    """The first page paints this after its text."""
    return changed(FIRST=page(CONTENT, more), CONTENT=stream("", TEXT + operators), **bodies)


def resources(names: str, operators: bytes, **bodies: bytes) -> bytes:
    """The first page has these resources beside its font and picture."""
    both = f"/Font<</F {FONT} 0 R>>/XObject<</P {IMAGE} 0 R/Q {MORE} 0 R>>{names}"
    return changed(FIRST=page(CONTENT, resources=both), CONTENT=stream("", TEXT + operators), **bodies)


def image(entries: str, data: bytes = PIXELS, **bodies: bytes) -> bytes:
    """The picture of the first page is this one."""
    return changed(IMAGE=stream(entries, data), **bodies)


def catalog(entries: bytes, **bodies: bytes) -> bytes:
    """The catalogue of the file has these entries."""
    return changed(CATALOG=b"<</Type/Catalog/Pages 2 0 R" + entries + b">>", **bodies)


def tree(kids: str, count: int) -> bytes:
    """The tree of pages has these kids, and says how many."""
    return changed(PAGES=f"<</Type/Pages/Kids[{kids}]/Count {count}>>".encode())


def patterned(pattern: bytes) -> bytes:
    """The first page is filled with a pattern."""
    painted = b"/Pattern cs /T scn 0 0 400 600 re f " + PAINT
    return resources("/Pattern<</T 20 0 R>>", painted, O20=pattern)


def shape(width: object = 40, height: object = 20, space: str = "/DeviceRGB", bits: object = 8, more: str = "") -> str:
    """The dictionary of a picture."""
    return f"/Type/XObject/Subtype/Image/Width {width}/Height {height}/ColorSpace {space}/BitsPerComponent {bits}{more}"


def form(operators: bytes, names: str = "", more: str = "") -> bytes:
    return stream(f"/Type/XObject/Subtype/Form/BBox[0 0 400 600]/Resources<<{names}>>{more}", operators)


def tiling(operators: bytes, names: str = "", step: float = 10, box: str = "[0 0 10 10]") -> bytes:
    entries = f"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox{box}/XStep {step}/YStep {step}"
    return stream(f"{entries}/Resources<<{names}>>", operators)


def nested_forms(depth: int, operators: bytes = b"/Q Do ", more: str = "") -> bytes:
    """Each form paints the next one, as often as `operators` say; the last paints the picture."""
    bodies = {f"O{MORE + n}": form(operators, f"/XObject<</Q {MORE + n + 1} 0 R>>", more) for n in range(depth - 1)}
    bodies[f"O{MORE + depth - 1}"] = form(PAINT, f"/XObject<</P {IMAGE} 0 R>>", more)
    return resources("", b"/Q Do", **bodies)


def tiny_pictures(count: int) -> bytes:
    dots = b"".join(b"q 3 0 0 3 %d %d cm /P Do Q " % (n % 100 * 4, n // 100 * 6) for n in range(count))
    return content(dots)


def header_bomb() -> bytes:
    data = bytearray(jpeg(gradient(40, 20)))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = b"\xff\x00\xff\x00"
    return image(shape(more="/Filter/DCTDecode"), bytes(data))


def repeated(part: bytes, times: int) -> bytes:
    """These bytes so many times, compressed together."""
    packer = zlib.compressobj(9, wbits=-15)
    block, check = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH), 1
    for _ in range(times):
        check = zlib.adler32(part, check)
    return b"\x78\xda" + block * times + packer.flush() + check.to_bytes(4, "big")


def encrypted() -> bytes:
    with pymupdf.open(stream=written(sound())) as document:
        return bytes(document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw="boss", user_pw="secret"))


def outline(count: int) -> bytes:
    """An outline each of whose entries is below the one before it."""
    objects = sound()
    objects[1] = b"<</Type/Catalog/Pages 2 0 R/Outlines 20 0 R>>"
    objects[20] = b"<</First 21 0 R/Last 21 0 R>>"
    for n in range(21, 21 + count):
        objects[n] = f"<</Title(Oak)/Parent {n - 1} 0 R/First {n + 1} 0 R/Last {n + 1} 0 R/Dest[3 0 R/Fit]>>".encode()
    objects[21 + count] = b"<</Title(Oak)>>"
    return written(objects)


def unicode_font(cmap: bytes) -> bytes:
    """The font of both pages has this map from codes to signs."""
    font = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 20 0 R>>"
    return changed(FONT=font, O20=stream("/Filter/FlateDecode", zlib.compress(cmap, 9)))


GROUP = "/Group<</S/Transparency/I true/K true>>"
"""Each needs a bitmap of the page."""
WHOLE = ""
"""Nothing is lost, and nothing need be said."""

HOSTILE: Mapping[str, tuple[Callable[[], bytes], str]] = {
    # the file
    "offsets that are all wrong": (lambda: written(sound(), shift=7), "repaired"),
    "no cross-reference table": (lambda: written(sound(), xref=False), "repaired"),
    "end is cut off": (lambda: written(sound())[:-60], "repaired"),
    "only the first half": (lambda: written(sound())[:300], "unreadable_document"),
    "no catalog": (lambda: written({n: o for n, o in sound().items() if n != CATALOG}), "unreadable_document"),
    "encrypted by an unknown handler": (lambda: written(sound(), "/Encrypt<</Filter/Nobody/V 9>>/ID[<00><00>]"),
        "unreadable_document"),
    "encrypted with a user's password": (encrypted, "encrypted_document"),
    "object that is itself": (lambda: changed(FONT=f"{FONT} 0 R".encode()), "indirection cycle"),
    "array 200 000 deep": (lambda: catalog(b"/Piece" + b"[" * 200_000 + b"]" * 200_000), "unreadable_document"),
    # the tree of pages
    "page tree in a circle": (lambda: tree(f"{PAGES} 0 R", 2), "unreadable_document"),
    "page that says it is a tree of pages": (lambda: changed(FIRST=page(CONTENT).replace(b"/Type/Page/",
        b"/Type/Pages/")), "claims to have 2 pages"),
    "count of a million pages": (lambda: tree(f"{FIRST} 0 R {SECOND} 0 R", 1000000), "unreadable_document"),
    # the page
    "turned by -90 degrees": (lambda: content(PAINT, "/Rotate -90"), WHOLE),
    "box from the wrong corner": (lambda: changed(FIRST=page(CONTENT, box="[400 600 0 0]")), WHOLE),
    "box of a hundred kilometres": (lambda: changed(FIRST=page(CONTENT, box="[0 0 3e8 3e8]")), WHOLE),
    "box of nothing": (lambda: changed(FIRST=page(CONTENT, box="[0 0 0 0]")), WHOLE),
    "unit of 1e9 points": (lambda: content(PAINT, "/UserUnit 1e9"), WHOLE),
    "crop box off the page": (lambda: content(PAINT, "/CropBox[900 900 950 950]"), WHOLE),
    "content cut in its middle": (lambda: changed(CONTENT=stream("/Filter/FlateDecode",
        zlib.compress(TEXT * 40 + PAINT)[:-20])), "premature end of data"),
    "unknown filter": (lambda: changed(CONTENT=stream("/Filter/Magic", TEXT + PAINT)), "unknown filter"),
    "operators without operands": (lambda: content(b"cm re l c Tj TJ Tf Td gs sh scn Do d w f S B* W n"),
        "cannot find ExtGState"),
    "100 000 open brackets": (lambda: content(b"[" * 100_000), "unreadable_document"),
    "font program of garbage": (
        lambda: changed(FONT=b"<</Type/Font/Subtype/TrueType/BaseFont/X/FontDescriptor 20 0 R>>",
        O20=b"<</Type/FontDescriptor/FontName/X/FontFile2 21 0 R>>", O21=stream("", b"\x00\x01\x00\x00" * 90)),
        "unknown file format"),
    "type 3 font that draws itself": (
        lambda: changed(FONT=b"<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[1 0 0 1 0 0]"
        b"/FirstChar 65/LastChar 65/Widths[9]"
        b"/Encoding<</Differences[65/A]>>/CharProcs<</A 20 0 R>>/Resources<</Font<</F 7 0 R>>>>>>", O20=stream("",
        b"9 0 d0 BT /F 1 Tf (A) Tj ET"), CONTENT=stream("", b"BT /F 9 Tf (A) Tj ET" + PAINT)), "recursive type3 font"),
    # forms, patterns, masks
    "form that paints itself": (lambda: resources("", b"/Q Do " + PAINT, O20=form(b"/Q Do",
        f"/XObject<</Q {MORE} 0 R>>")), "Circular dependencies"),
    "forms 1 500 deep": (lambda: nested_forms(1500), "unreadable_document"),
    "forms that double 24 times": (lambda: nested_forms(24, b"/Q Do /Q Do "), "too_slow"),
    "pattern of itself": (lambda: patterned(tiling(b"/Pattern cs /T scn 0 0 9 9 re f", "/Pattern<</T 20 0 R>>")),
        "unreadable_document"),
    "pattern of a billion tiles": (lambda: patterned(tiling(b"q 0.01 0 0 0.01 0 0 cm /P Do Q",
        f"/XObject<</P {IMAGE} 0 R>>", 0.01, "[0 0 0.01 0.01]")), "too_slow"),
    "picture that is its own soft mask": (lambda: image(shape(more=f"/SMask {IMAGE} 0 R")),
        "recursive image soft mask"),
    # where pictures are painted
    "transform of 1e38": (lambda: content(b"q 1e38 0 0 1e38 0 0 cm " + PAINT + b"Q"), "unknown keyword"),
    "picture without an area": (lambda: content(b"q 0 0 0 0 50 400 cm /P Do Q"), WHOLE),
    "10 000 tiny pictures": (lambda: tiny_pictures(10_000), "10000 pictures; the first 1000"),
    # the picture
    "header bomb": (header_bomb, "too_large"),
    "a picture of 2 000 000 000 pixels a side": (lambda: image(shape(2_000_000_000, 2_000_000_000)), "too_large"),
    "a picture without a width": (lambda: image(PICTURE.replace("/Width 40", "")), "image width is zero"),
    "a picture of half its bytes": (lambda: image(shape(), PIXELS[:1200]), "padding truncated image"),
    "a JPEG that is none": (lambda: image(shape(more="/Filter/DCTDecode"), b"not a JPEG"), "unreadable_image"),
    "JPEG 2000 of garbage": (lambda: image(shape(more="/Filter/JPXDecode"), b"\0\0\0\x0cjP  \r\n\x87\nxx"),
        "JP2H box missing"),
    "Flate of garbage": (lambda: image(shape(more="/Filter/FlateDecode"), b"x\x9cgarbage"), "invalid block type"),
    "profile of garbage": (lambda: image(shape(space="[/ICCBased 20 0 R]"), O20=stream("/N 3", b"acsp" * 50)),
        "broken ICC profile"),
    "colour space of itself": (lambda: image(shape(space="20 0 R"), O20=b"[/Indexed 20 0 R 255 <00>]"),
        "recursive colorspace"),
    "16 bits a colour": (lambda: image(shape(20, 20, bits=16), PIXELS), WHOLE),
    "7 bits a colour": (lambda: image(shape(bits=7)), "unreadable_image"),
    "mask of colour keys without end": (lambda: image(shape(more="/Mask[" + "0 255 " * 500 + "]")), WHOLE),
    "inline picture without an end": (lambda: content(b"q 50 0 0 50 40 40 cm BI /W 9 /H 9 /BPC 8 /CS /RGB ID abc"),
        "after inline image"),
    # what wants to be run
    "names in a circle": (lambda: catalog(b"/Names<</Dests 20 0 R>>/PageLabels 20 0 R", O20=b"<</Kids[20 0 R]>>"),
        WHOLE),
    "outline in a circle": (lambda: catalog(b"/Outlines 20 0 R", O20=b"<</First 21 0 R/Last 21 0 R>>",
        O21=b"<</Title(Oak)/Parent 20 0 R/Next 21 0 R/First 21 0 R/Dest[3 0 R/Fit]>>"), WHOLE),
    # streams that unpack to much
    "content of 1.3 MB that unpacks to 600 MiB": (lambda: changed(CONTENT=stream("/Filter/FlateDecode",
        repeated(b"0 0 m 9 9 l S " * 75_000, 600))), "too_slow"),
    "picture of 300 MiB in 40 × 20": (lambda: image(shape(more="/Filter/FlateDecode"),
        repeated(bytes(1 << 20), 300)), WHOLE),
    "font with a map of signs that unpacks to 10 MiB": (
        lambda: unicode_font(b"1 beginbfrange <00> <ff> <0041> endbfrange " * (1 << 18)),
        "missing codespace range"),
    # pages that are endless
    "a million letters": (lambda: content(b"BT /F 1 Tf 1 0 0 1 5 5 Tm " + b"(oak slate) Tj " * 100_000 + b"ET "
        + PAINT), WHOLE),
    "groups 300 deep": (lambda: nested_forms(300, more=GROUP), "unreadable_document"),
    "outline 20 000 deep": (lambda: outline(20_000), "outline cannot be read"),
    "font with text of control signs": (lambda: unicode_font(b"2 beginbfchar <41> <0000> <42> <001b005b> endbfchar"),
        "missing codespace range"),
}  # fmt: skip
"""Fault -> the file, and what names the fault: a failure's kind, a part of a warning, or nothing."""
