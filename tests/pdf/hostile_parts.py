"""More PDFs with one fault each, beside those of hostile.py: streams that unpack to much, objects that lead back to
themselves, and parts of a page that are endless.
"""

import zlib
from collections.abc import Callable, Mapping

import pymupdf

from tests.pdf.hostile import (
    CONTENT,
    FONT,
    IMAGE,
    MORE,
    PAINT,
    PIXELS,
    TEXT,
    WHOLE,
    changed,
    content,
    form,
    image,
    page,
    resources,
    shape,
    sound,
    stream,
    written,
)


def packed(data: bytes, times: int = 1) -> bytes:
    """Compress, as often as said."""
    for _ in range(times):
        data = zlib.compress(data, 9)
    return data


def flate(data: bytes, entries: str = "", times: int = 1) -> bytes:
    """A stream of these bytes, compressed as often as said."""
    return stream(f"{entries}/Filter[{'/FlateDecode' * times}]", packed(data, times))


def repeated(part: bytes, times: int) -> bytes:
    """These bytes so many times, compressed together."""
    packer = zlib.compressobj(9, wbits=-15)
    block, check = packer.compress(part) + packer.flush(zlib.Z_FULL_FLUSH), 1
    for _ in range(times):
        check = zlib.adler32(part, check)
    return b"\x78\xda" + block * times + packer.flush() + check.to_bytes(4, "big")


def zeros(mib: int) -> bytes:
    """So many MiB of noughts, compressed: a thousandth of them."""
    return repeated(bytes(1 << 20), mib)


def encrypted(owner: str, user: str) -> bytes:
    with pymupdf.open(stream=written(sound())) as document:
        return bytes(
            document.tobytes(encryption=pymupdf.PDF_ENCRYPT_AES_256, owner_pw=owner, user_pw=user, permissions=0)
        )


def updated(times: int) -> bytes:
    """A file to which the same change was appended again and again."""
    data = written(sound())
    for _ in range(times):
        before = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
        at = len(data)
        data += f"{CONTENT} 0 obj\n".encode() + stream("", TEXT + PAINT) + b"\nendobj\n"
        table = len(data)
        data += f"xref\n{CONTENT} 1\n{at:010} 00000 n \ntrailer\n<</Size 9/Root 1 0 R/Prev {before}>>\n".encode()
        data += f"startxref\n{table}\n%%EOF\n".encode()
    return data


def replaced_by_update() -> bytes:
    """A file whose second version takes the picture out of its catalogue's first page and puts nothing there."""
    data = written(sound())
    before = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
    table = len(data)
    data += f"xref\n{IMAGE} 1\n0000000000 00001 f \ntrailer\n<</Size 9/Root 1 0 R/Prev {before}>>\n".encode()
    return data + f"startxref\n{table}\n%%EOF\n".encode()


def table_stream(entries: str, data: bytes) -> bytes:
    """A file whose cross-reference table is a stream of these bytes."""
    body, objects = bytearray(b"%PDF-1.7\n"), sound()
    for number, each in sorted(objects.items()):
        body += f"{number} 0 obj\n".encode() + each + b"\nendobj\n"
    at = len(body)
    body += b"30 0 obj\n" + stream(f"/Type/XRef/Root 1 0 R{entries}", data) + b"\nendobj\n"
    return bytes(body) + f"startxref\n{at}\n%%EOF\n".encode()


def object_stream(entries: str) -> bytes:
    """A file with an object stream that has these entries besides its own."""
    with pymupdf.open(stream=written(sound())) as document:
        whole = document.tobytes(use_objstms=1, deflate=False, garbage=0)
    return bytes(whole.replace(b"/ObjStm", b"/ObjStm" + entries.encode(), 1))


def chained(count: int) -> bytes:
    """Each form names the next one as its resources' pattern; nothing is painted by it."""
    bodies = {f"O{MORE + n}": form(b"", f"/XObject<</Q {MORE + n + 1} 0 R>>") for n in range(count)}
    return resources("", PAINT, **bodies)


def groups(depth: int) -> bytes:
    """Transparency groups in each other, each of which needs a bitmap of the page."""
    group = "/Group<</S/Transparency/I true/K true>>"
    bodies = {f"O{MORE + n}": form(b"/Q Do", f"/XObject<</Q {MORE + n + 1} 0 R>>", group) for n in range(depth - 1)}
    bodies[f"O{MORE + depth - 1}"] = form(PAINT, f"/XObject<</P {IMAGE} 0 R>>", group)
    return resources("", b"/Q Do", **bodies)


def outline(count: int) -> bytes:
    """An outline each of whose entries is below the one before it."""
    objects = sound()
    objects[1] = b"<</Type/Catalog/Pages 2 0 R/Outlines 20 0 R>>"
    objects[20] = b"<</First 21 0 R/Last 21 0 R>>"
    for n in range(21, 21 + count):
        objects[n] = f"<</Title(Oak)/Parent {n - 1} 0 R/First {n + 1} 0 R/Last {n + 1} 0 R/Dest[3 0 R/Fit]>>".encode()
    objects[21 + count] = b"<</Title(Oak)>>"
    return written(objects)


def unicode_font(cmap: bytes, *, compressed: bool = False, more: str = "") -> bytes:
    """The font of both pages is a composite one with this map from codes to signs."""
    made = flate(cmap) if compressed else stream("", cmap)
    return changed(FONT=f"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 20 0 R{more}>>".encode(), O20=made)


def attachment(name: str) -> bytes:
    return changed(
        CATALOG=f"<</Type/Catalog/Pages 2 0 R/Names<</EmbeddedFiles<</Names[({name}) 20 0 R]>>>>>>".encode(),
        O20=f"<</Type/Filespec/F({name})/UF({name})/EF<</F 21 0 R>>>>".encode(),
        O21=stream("/Type/EmbeddedFile", b"root:x:0:0"),
    )


def calculator(code: bytes, **bodies: bytes) -> bytes:
    """A shading whose colours a program computes."""
    function = stream("/FunctionType 4/Domain[0 1]/Range[0 1 0 1 0 1]", code)
    shading = b"<</ShadingType 2/ColorSpace/DeviceRGB/Coords[0 0 400 600]/Function 21 0 R/Extend[true true]>>"
    return resources(
        "/Shading<</S 20 0 R>>", PAINT + b"q 0 0 90 90 re W n /S sh Q", **{"O20": shading, "O21": function, **bodies}
    )


def paged(name: str, value: bytes, more: Mapping[str, bytes] | None = None) -> bytes:
    """The catalogue has an entry of this value."""
    return changed(CATALOG=b"<</Type/Catalog/Pages 2 0 R/" + name.encode() + value + b">>", **(more or {}))


MANY = 1_000_000
PARTS: Mapping[str, tuple[Callable[[], bytes], str]] = {
    # the file
    "encrypted with a user's password": (lambda: encrypted("boss", "secret"), "encrypted_document"),
    "encrypted with an owner's password only": (lambda: encrypted("boss", ""), WHOLE),
    "300 updates": (lambda: updated(300), WHOLE),
    "picture deleted by an update": (replaced_by_update, "is no image dict"),
    "web page in front": (lambda: b"<html><script>alert(1)</script><!--\n" + written(sound()), "garbage bytes"),
    "version 9.9": (lambda: written(sound()).replace(b"%PDF-1.7", b"%PDF-9.9"), "unknown PDF version"),
    "header of another format": (lambda: written(sound()).replace(b"%PDF-1.7", b"GIF89a\1\0"), "unsupported_format"),
    "linear with lies": (lambda: changed(O20=b"<</Linearized 1/L 99/H[9 9]/O 99/E 99/N 99/T 99>>"), WHOLE),
    "table stream that unpacks to 300 MiB": (lambda: table_stream("/W[1 4 2]/Size 9/Filter/FlateDecode", zeros(300)),
        "repaired"),
    "table stream with fields of 2 147 483 647 bytes": (lambda: table_stream("/W[2147483647 2147483647 1]/Size 9",
        bytes(99)), "repaired"),
    "table stream of 100 000 sections": (lambda: table_stream("/W[1 1 1]/Size 9/Index[" + "0 0 " * 100_000 + "]",
        bytes(99)), "repaired"),
    "object stream with 2 147 483 647 objects": (lambda: object_stream("/N 2147483647/First 0"), "repaired"),
    "object stream that extends itself": (lambda: object_stream("/Extends 9 0 R"), "repaired"),
    "object that is itself": (lambda: changed(FONT=f"{FONT} 0 R".encode()), "indirection cycle"),
    "objects that are each other": (lambda: changed(FONT=b"20 0 R", O20=f"{FONT} 0 R".encode()), "indirection cycle"),
    "resources that are the page": (lambda: changed(FIRST=page(CONTENT).replace(b"/Resources<<",
        b"/Resources 3 0 R/Ignored<<")), "cannot find XObject"),
    "dictionary of 20 000 keys": (lambda: paged("Piece",
        b"<<" + b"".join(b"/K%d 0" % n for n in range(20_000)) + b">>"), WHOLE),
    "array 200 000 deep": (lambda: paged("Piece", b"[" * 200_000 + b"]" * 200_000), "unreadable_document"),
    "dictionary 200 000 deep": (lambda: paged("Piece", b"<</A" * 200_000 + b" 0" + b">>" * 200_000),
        "unreadable_document"),
    "text in 200 000 brackets": (lambda: paged("Piece", b"(" * 200_000 + b")" * 200_000), WHOLE),
    "name of a megabyte": (lambda: paged("N" + "n" * MANY, b" 0"), "name is too long"),
    "number of 100 000 digits": (lambda: paged("Piece", b" " + b"9" * 100_000), "unreadable_document"),
    # streams that unpack to much
    "content compressed three times": (lambda: changed(CONTENT=flate(TEXT + b"0 0 m 1 1 l " * (1 << 20) + b"n",
        times=3)), WHOLE),
    "content of 1.3 MB that unpacks to 600 MiB": (lambda: changed(CONTENT=stream("/Filter/FlateDecode",
        repeated(b"0 0 m 9 9 l S " * 75_000, 600))), "too_slow"),
    "picture of 300 MiB in 40 × 20": (lambda: image(shape(more="/Filter/FlateDecode"), zeros(300)), WHOLE),
    "picture compressed ten times": (lambda: image(shape(more="/Filter[" + "/FlateDecode" * 10 + "]"), packed(PIXELS,
        10)), WHOLE),
    "picture of run lengths": (lambda: image(shape(more="/Filter/RunLengthDecode"), b"\x81\0" * MANY), WHOLE),
    "picture in hexadecimal, half of it": (lambda: image(shape(more="/Filter/ASCIIHexDecode"), b"f" * 333),
        "padding truncated image"),
    "font with a map of signs that unpacks to 10 MiB": (
        lambda: unicode_font(b"1 beginbfrange <00> <ff> <0041> endbfrange " * (1 << 18), compressed=True),
        "missing codespace range"),
    "font with a map of signs with a range of 4 294 967 295": (
        lambda: unicode_font(b"1 begincodespacerange <00000000> <ffffffff> endcodespacerange\n"
        b"1 beginbfrange <00000000> <ffffffff> <0041> endbfrange"), "out of range"),
    "font with a map of signs that uses itself": (
        lambda: changed(FONT=b"<</Type/Font/Subtype/Type0/BaseFont/X/Encoding 20 0 R/DescendantFonts[21 0 R]>>",
        O20=stream("/Type/CMap/CMapName/X/UseCMap 20 0 R", b"/X usecmap"),
        O21=b"<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(A)/Ordering(I)>>>>"),
        "recursive CMap"),
    "profile that unpacks to 220 MiB": (lambda: image(shape(space="[/ICCBased 20 0 R]"),
        O20=stream("/N 3/Filter/FlateDecode", zeros(220))), "compression bomb"),
    # pages that are endless
    "a million letters": (lambda: content(b"BT /F 1 Tf 1 0 0 1 5 5 Tm " + b"(oak slate) Tj " * 100_000 + b"ET "
        + PAINT), WHOLE),
    "a line of 400 000 letters": (lambda: content(b"BT /F 1 Tf 5 5 Td (" + b"oak " * 100_000 + b") Tj ET " + PAINT),
        WHOLE),
    "a million lines": (lambda: content(b"0 0 m " + b"9 9 l 5 1 l " * (MANY // 2) + b"S " + PAINT),
        "too_slow"),
    "dashes of a millionth of a point": (lambda: content(b"[0.000001] 0 d 0 0 m 400 600 l S " + PAINT), WHOLE),
    "20 000 clips": (lambda: content(b"0 0 399 599 re W n " * 20_000 + PAINT), "unreadable_document"),
    "groups 300 deep": (lambda: groups(300), "unreadable_document"),
    "forms 20 000 long": (lambda: chained(20_000), WHOLE),
    "fonts of 5 000 names": (lambda: changed(FIRST=page(CONTENT,
        resources="/Font<<" + "".join(f"/F{n} {FONT} 0 R" for n in range(5_000)) + f"/F {FONT} 0 R>>"),
        CONTENT=stream("", b"BT 5 5 Td " + b"".join(b"/F%d 9 Tf (oak) Tj " % n for n in range(5_000)) + b"ET")),
        WHOLE),
    "annotations that hold themselves": (lambda: changed(FIRST=page(CONTENT, "/Annots[20 0 R 20 0 R]"),
        O20=b"<</Type/Annot/Subtype/Stamp/Rect[0 0 99 99]/Parent 20 0 R/Popup 20 0 R/AP<</N 21 0 R>>>>",
        O21=form(b"/Q Do", "/XObject<</Q 21 0 R>>")), WHOLE),
    "50 000 annotations": (lambda: changed(FIRST=page(CONTENT, "/Annots[" + "20 0 R " * 50_000 + "]"),
        O20=b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(https://x.example)>>>>"), WHOLE),
    "fields that are their own parents": (lambda: paged("AcroForm", b"<</Fields[20 0 R]>>",
        {"O20": b"<</FT/Tx/T(a)/Kids[20 0 R]/Parent 20 0 R/Subtype/Widget/Rect[0 0 9 9]>>", "FIRST": page(CONTENT,
        "/Annots[20 0 R]")}), "cycle in resources"),
    "structure of itself": (lambda: paged("StructTreeRoot", b" 20 0 R",
        {"O20": b"<</Type/StructTreeRoot/K 20 0 R/ParentTree 20 0 R>>"}), WHOLE),
    "outline 20 000 deep": (lambda: outline(20_000), "outline cannot be read"),
    "destination that is itself": (lambda: paged("Dests", b"<</a 20 0 R>>", {"O20": b"<</D/a>>"}), WHOLE),
    "labels of 2 147 483 647": (lambda: paged("PageLabels",
        b"<</Nums[0<</S/R/St 2147483647/P(" + b"x" * 100_000 + b")>>]>>"), WHOLE),
    "labels that are no numbers": (lambda: paged("PageLabels", b"<</Nums[(a)<</S/Q>>-5 7]>>"), WHOLE),
    "program that never ends": (lambda: calculator(b"{" + b"dup mul " * 30_000 + b"dup dup}"), WHOLE),
    "program in 20 000 brackets": (lambda: calculator(b"{" * 20_000 + b"}" * 20_000), "too much nesting"),
    "functions that stitch themselves": (lambda: calculator(b"",
        O21=b"<</FunctionType 3/Domain[0 1]/Functions[21 0 R 21 0 R]/Bounds[.5]/Encode[0 1 0 1]>>"),
        "recursive function"),
    "table of colours of 2 147 483 647 samples": (lambda: calculator(b"",
        O21=stream("/FunctionType 0/Domain[0 1]/Range[0 1 0 1 0 1]/Size[2147483647]/BitsPerSample 8", b"abc")),
        "sample function too large"),
    "mesh of garbage": (lambda: resources("/Shading<</S 20 0 R>>", PAINT + b"q 0 0 90 90 re W n /S sh Q",
        O20=stream("/ShadingType 7/ColorSpace/DeviceRGB/BitsPerCoordinate 32/BitsPerComponent 16/BitsPerFlag 8"
        "/Decode[0 400 0 600 0 1 0 1 0 1]", bytes(range(256)) * 400)), WHOLE),
    # pictures
    "soft mask of 60 000 pixels a side": (lambda: image(shape(more="/SMask 20 0 R"), O20=stream(shape(60_000, 60_000,
        "/DeviceGray"), b"\0")), "unreadable_image"),
    "fax of 2 147 483 647 lines": (lambda: image(shape(space="/DeviceGray", bits=1,
        more="/Filter/CCITTFaxDecode/DecodeParms<</K -1/Columns 2147483647/Rows 2147483647>>"), b"\0" * 40),
        "unreadable_image"),
    "JBIG2 whose common part is itself": (lambda: image(shape(space="/DeviceGray", bits=1,
        more=f"/Filter/JBIG2Decode/DecodeParms<</JBIG2Globals {IMAGE} 0 R>>"), b"\0" * 40), "cyclic reference"),
    "palette beyond its colours": (lambda: image(shape(60, 40, "[/Indexed/DeviceRGB 1 <ff000000ff00>]"),
        b"\xff" * 2_400), WHOLE),
    "palette of 2 147 483 647 colours": (lambda: image(shape(60, 40, "[/Indexed/DeviceRGB 2147483647 <ff0000>]")),
        WHOLE),
    # names and texts
    "names that lead out of a folder": (lambda: changed(FIRST=page(CONTENT,
        resources=f"/Font<</F {FONT} 0 R>>/XObject<</..#2F..#2Fetc#2Fpasswd {IMAGE} 0 R>>"), CONTENT=stream("",
        TEXT + PAINT.replace(b"/P", b"/..#2F..#2Fetc#2Fpasswd"))), WHOLE),
    "attachment whose name leads out of a folder": (lambda: attachment("../../../../tmp/started"), WHOLE),
    "font with text that turns around": (lambda: unicode_font(b"1 beginbfchar <41> <202e00660064> endbfchar"),
        "missing codespace range"),
    "font with text of control signs": (lambda: unicode_font(b"2 beginbfchar <41> <0000> <42> <001b005b> endbfchar"),
        "missing codespace range"),
    "font with text of half signs": (lambda: unicode_font(b"1 beginbfchar <41> <d800> endbfchar"),
        "missing codespace range"),
}  # fmt: skip
"""Fault -> the file, and what names the fault: a failure's kind, a part of a warning, or nothing."""
