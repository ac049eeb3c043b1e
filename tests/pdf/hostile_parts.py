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


def paged(name: str, value: bytes, more: Mapping[str, bytes] | None = None) -> bytes:
    """The catalogue has an entry of this value."""
    return changed(CATALOG=b"<</Type/Catalog/Pages 2 0 R/" + name.encode() + value + b">>", **(more or {}))


MANY = 1_000_000
PARTS: Mapping[str, tuple[Callable[[], bytes], str]] = {
    # the file
    "encrypted with a user's password": (lambda: encrypted("boss", "secret"), "encrypted_document"),
    "object that is itself": (lambda: changed(FONT=f"{FONT} 0 R".encode()), "indirection cycle"),
    "array 200 000 deep": (lambda: paged("Piece", b"[" * 200_000 + b"]" * 200_000), "unreadable_document"),
    "number of 100 000 digits": (lambda: paged("Piece", b" " + b"9" * 100_000), "unreadable_document"),
    # streams that unpack to much
    "content compressed three times": (lambda: changed(CONTENT=flate(TEXT + b"0 0 m 1 1 l " * (1 << 20) + b"n",
        times=3)), WHOLE),
    "content of 1.3 MB that unpacks to 600 MiB": (lambda: changed(CONTENT=stream("/Filter/FlateDecode",
        repeated(b"0 0 m 9 9 l S " * 75_000, 600))), "too_slow"),
    "picture of 300 MiB in 40 × 20": (lambda: image(shape(more="/Filter/FlateDecode"), zeros(300)), WHOLE),
    "font with a map of signs that unpacks to 10 MiB": (
        lambda: unicode_font(b"1 beginbfrange <00> <ff> <0041> endbfrange " * (1 << 18), compressed=True),
        "missing codespace range"),
    # pages that are endless
    "a million letters": (lambda: content(b"BT /F 1 Tf 1 0 0 1 5 5 Tm " + b"(oak slate) Tj " * 100_000 + b"ET "
        + PAINT), WHOLE),
    "a million lines": (lambda: content(b"0 0 m " + b"9 9 l 5 1 l " * (MANY // 2) + b"S " + PAINT),
        "too_slow"),
    "20 000 clips": (lambda: content(b"0 0 399 599 re W n " * 20_000 + PAINT), "unreadable_document"),
    "groups 300 deep": (lambda: groups(300), "unreadable_document"),
    "fonts of 5 000 names": (lambda: changed(FIRST=page(CONTENT,
        resources="/Font<<" + "".join(f"/F{n} {FONT} 0 R" for n in range(5_000)) + f"/F {FONT} 0 R>>"),
        CONTENT=stream("", b"BT 5 5 Td " + b"".join(b"/F%d 9 Tf (oak) Tj " % n for n in range(5_000)) + b"ET")),
        WHOLE),
    "50 000 annotations": (lambda: changed(FIRST=page(CONTENT, "/Annots[" + "20 0 R " * 50_000 + "]"),
        O20=b"<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/A<</S/URI/URI(https://x.example)>>>>"), WHOLE),
    "outline 20 000 deep": (lambda: outline(20_000), "outline cannot be read"),
    # pictures
    # names and texts
    "names that lead out of a folder": (lambda: changed(FIRST=page(CONTENT,
        resources=f"/Font<</F {FONT} 0 R>>/XObject<</..#2F..#2Fetc#2Fpasswd {IMAGE} 0 R>>"), CONTENT=stream("",
        TEXT + PAINT.replace(b"/P", b"/..#2F..#2Fetc#2Fpasswd"))), WHOLE),
    "attachment whose name leads out of a folder": (lambda: attachment("../../../../tmp/started"), WHOLE),
    "font with text of control signs": (lambda: unicode_font(b"2 beginbfchar <41> <0000> <42> <001b005b> endbfchar"),
        "missing codespace range"),
}  # fmt: skip
"""Fault -> the file, and what names the fault: a failure's kind, a part of a warning, or nothing."""
