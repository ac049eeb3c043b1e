"""Drawn sheets become a PDF file and its truth: what a person sees on every page, with boxes and xrefs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pymupdf

from samples.book import UNNUMBERED
from samples.content import HOUSE, TITLE, Product
from samples.sheet import A4, FONTS, Placed, Sheet, load_font
from samples.shots import Coded, Shot

Key = tuple[Shot, int]  # a shot in an edition: one picture by content
WRITTEN = "D:20260105090000Z"  # a fixed date: the same input gives the same bytes


def keys_of(sheets: Sequence[Sheet]) -> list[Key]:
    """The distinct pictures of all sheets, in order of first appearance."""
    return list(dict.fromkeys((p.shot, p.edition) for s in sheets for p in s.placed))


def write_pdf(path: Path, sheets: Sequence[Sheet], pictures: Mapping[Key, Coded]) -> dict[Key, int]:
    """Write the file; the xref of each picture (0 for an inline one)."""
    with pymupdf.open() as document:
        xrefs = {key: store_picture(document, coded) for key, coded in pictures.items()}
        for _ in sheets:
            document.new_page(width=A4[0], height=A4[1])
        fonts = {face: document[0].insert_font(face, fontbuffer=load_font(face).buffer) for face in FONTS}
        for page, sheet in zip(document, sheets, strict=True):
            _draw(document, page, sheet, pictures, xrefs, fonts)
        document.set_toc(_outline(sheets))
        document.set_page_labels(
            [
                {"startpage": 0, "style": "r", "firstpagenum": 1},
                {"startpage": UNNUMBERED, "style": "D", "firstpagenum": 1},
            ]
        )
        document.set_metadata({"title": TITLE, "author": HOUSE, "creationDate": WRITTEN, "modDate": WRITTEN})
        document.save(path, deflate=True, no_new_id=True, use_objstms=1)
    return xrefs


def store_picture(document: pymupdf.Document, coded: Coded) -> int:
    """Add a picture, and its soft mask, to a document; its xref, 0 for one that is to stand in the page's content."""
    if "/AHx" in coded.entries:
        return 0
    masked = ""
    if coded.mask is not None:
        grey = Coded(coded.size, coded.mask, "/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode")
        masked = f"/SMask {store_picture(document, grey)} 0 R"
    width, height = coded.size
    entries = f"/Type/XObject/Subtype/Image/Width {width}/Height {height}{coded.entries}{masked}"
    xref = int(document.get_new_xref())
    document.update_object(xref, f"<<{entries}>>")
    document.update_stream(xref, coded.data, compress=False)
    # update_stream takes the bytes for plain ones and drops the filter: say again how they are coded
    document.update_object(xref, f"<<{entries}/Length {len(coded.data)}>>")
    return xref


def _draw(
    document: pymupdf.Document,
    page: pymupdf.Page,
    sheet: Sheet,
    pictures: Mapping[Key, Coded],
    xrefs: Mapping[Key, int],
    fonts: Mapping[str, int],
) -> None:
    numbers = {key: k for k, key in enumerate(xrefs)}
    content = [f"0 1 -1 0 {A4[0]:g} 0 cm".encode()] if sheet.turned else []
    for mark in sheet.marks:
        if isinstance(mark, str):
            content.append(mark.encode())
            continue
        key = (mark.shot, mark.edition)
        x0, y0, x1, y1 = mark.box
        content.append(f"q {x1 - x0:.3f} 0 0 {y1 - y0:.3f} {x0:.3f} {sheet.height - y1:.3f} cm".encode())
        if xrefs[key]:
            content.append(f"/Im{numbers[key]} Do Q".encode())
        else:
            coded = pictures[key]
            content.append(f"BI /W {coded.size[0]} /H {coded.size[1]} {coded.entries} ID ".encode() + coded.data)
            content.append(b"EI Q")
    stream = document.get_new_xref()
    document.update_object(stream, "<<>>")
    document.update_stream(stream, b"\n".join(content), new=True)
    used = {numbers[k]: xrefs[k] for p in sheet.placed if xrefs[k := (p.shot, p.edition)]}
    images = "".join(f"/Im{n} {x} 0 R" for n, x in sorted(used.items()))
    faces = "".join(f"/{face} {xref} 0 R" for face, xref in fonts.items())
    document.xref_set_key(page.xref, "Resources", f"<</Font<<{faces}>>/XObject<<{images}>>>>")
    document.xref_set_key(page.xref, "Contents", f"{stream} 0 R")
    if sheet.turned:
        document.xref_set_key(page.xref, "Rotate", "90")


def _outline(sheets: Sequence[Sheet]) -> list[list[Any]]:
    entries: list[list[Any]] = []
    for number, sheet in enumerate(sheets, 1):
        if sheet.heading:
            level, title, y = sheet.heading
            level = level if entries else 1
            if level == 2 and not any(s.kind == "section" for s in sheets):
                level = 1
            entries.append([level, title, number, {"kind": pymupdf.LINK_GOTO, "to": pymupdf.Point(0, y - 20)}])
    return entries


# --- truth ------------------------------------------------------------------------------------------------------------


def tell_truth(
    slug: str, sheets: Sequence[Sheet], products: Sequence[Product], xrefs: Mapping[Key, int]
) -> dict[str, Any]:
    """Products, pages, links and traps as a person would label them, and the counts an account must come to."""
    pages = {p.id: [n for n, s in enumerate(sheets, 1) if p.id in s.products] for p in products}
    names = {p.id: p.name for p in products}
    placed = [(n, p) for n, s in enumerate(sheets, 1) for p in s.placed]
    shown = [(n, p) for n, p in placed if p.owner]
    traps = [(n, p) for n, p in placed if not p.owner]
    planned = [(n, p) for n, p in traps if sheets[n - 1].kind in ("product", "certificates")]

    def hint(number: int, p: Placed) -> dict[str, Any]:
        box = [round(v, 1) for v in p.box]
        return {"page": number, "image_hint": {"xref": xrefs[p.shot, p.edition] or None, "bbox": box}}

    return {
        "slug": slug,
        "title": f"{HOUSE}: {TITLE}",
        "language": "en",
        "text_layer": "yes",
        "pages": len(sheets),
        "grain": "one product a named collection; its colours are variants",
        "products": [
            {
                "id": p.id,
                "name": p.name,
                "first_page": pages[p.id][0],
                "last_page": pages[p.id][-1],
                "category": p.category,
                "variants": [c.name for c in p.colourways],
            }
            for p in products
        ],
        "nonproduct_pages": [{"page": n, "kind": s.kind} for n, s in enumerate(sheets, 1) if s.kind != "product"],
        "image_links": [
            {
                **hint(n, p),
                "product": p.owner,
                "role": p.role,
                "caption": p.caption,
                "product_name": names[str(p.owner)],
            }
            for n, p in shown
        ],
        "image_traps": [{**hint(n, p), "product": None, "role": p.role} for n, p in traps],
        "all_product_images": True,
        "images": len({(p.shot, p.edition) for _, p in shown}),
        "counts": {
            "placements": len(shown),
            "decorative": sum(p.state == "decorative" for _, p in planned),
            "hidden": sum(p.state == "hidden" for _, p in planned),
            "on_skipped_pages": len(traps) - len(planned),
            "nonproduct_pages": sum(s.kind != "product" for s in sheets),
        },
    }
