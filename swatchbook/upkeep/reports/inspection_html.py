"""Write a catalogue's pages as one HTML file: each page as a picture with boxes, next to a table of its placements.

The file loads nothing and runs no script, which a Content-Security-Policy forbids, and all text from documents is
escaped.
"""

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from swatchbook.domain.records import Box, Drawing, DrawnBox, Evidence, FailedPage, Product, SeenPage, page_name
from swatchbook.domain.settings import Settings
from swatchbook.upkeep.reports.inspection import DRAWN, Card, Inspection, LinkedProduct, Look, Mark, PageView
from swatchbook_base.one_line import one_line, shorten

PAGE_SIDE = 1_000
"""Pixels of a page's longer side: small print can be read; 70 pages take 7 MB."""

_CAPTION = 160  # the most characters of a caption that are printed

_STYLE = """
:root { color-scheme: light dark; --ground: #fff; --text: #1b1b1b; --dim: #5c5c5c; --line: #d4d4d4; --panel: #f4f4f1; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #16181a; --text: #e8e8e6; --dim: #a3a6a8; --line: #3a3d40; --panel: #23272a; } }
body { margin: 0; background: var(--ground); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
header, section { padding: 16px 24px; }
section { border-top: 1px solid var(--line); display: grid; gap: 12px 24px; align-items: start;
  grid-template-columns: minmax(320px, 46%) 1fr; content-visibility: auto; contain-intrinsic-size: auto 900px; }
section > svg { width: 100%; max-height: 96vh; position: sticky; top: 8px; outline: 1px solid var(--line); }
@media (max-width: 900px) { section { display: block; } section > svg { position: static; } }
h1 { font-size: 20px; margin: 0 0 4px; } h2 { font-size: 16px; margin: 0; } h3 { font-size: 13px; margin: 14px 0 4px; }
p { margin: 4px 0; } .dim { color: var(--dim); font-weight: 400; } a { color: inherit; }
table { border-collapse: collapse; width: 100%; }
th { text-align: left; font-weight: 500; color: var(--dim); }
th, td { padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line); vertical-align: top; min-width: 3em; }
td { overflow-wrap: break-word; }
tr:target td { background: var(--panel); }
.legend span { white-space: nowrap; margin-right: 6px; } .legend span:not(.chip) { margin-right: 18px; }
.legend svg { vertical-align: middle; }
.chip { display: inline-block; min-width: 2.2em; padding: 0 5px; border-radius: 3px; font: 600 12px/1.5 system-ui;
  text-align: center; color: #fff; background: var(--look); }
rect { fill: none; stroke: var(--look); } rect.halo { stroke: #fff; }
rect[class^=f-] { fill: var(--look); stroke: none; } text { fill: #fff; font-weight: 600; font-family: system-ui; }
""" + "".join(
    f"[class$=-{look}] {{ --look: {drawn.color} }} .b-{look} {{ stroke-dasharray: {drawn.css_dashes} }}\n"
    for look, drawn in DRAWN.items()
)

_POLICY = "default-src 'none'; img-src data:; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'"


def as_html(inspection: Inspection, seen: Iterable[SeenPage | FailedPage]) -> Iterator[str]:
    """Yield the HTML, a page at a time. `seen` has an entry for each page, in order."""
    document, pages = inspection.document, inspection.pages
    policy = _POLICY.format(b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode())
    yield (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f'<meta name="viewport" content="width=device-width"><title>{_text(document.name)}</title>'
        f"<style>{_STYLE}</style></head><body><header><h1>{_text(document.name)}</h1>"
        f'<p class="dim">{_text(_summary(inspection))}</p>{_legend()}{_products(inspection)}</header>'
    )
    for view, look in zip(pages, seen, strict=True):
        yield _page(view, look)
    yield "</body></html>\n"


def html_path(settings: Settings, document: str, name: str, page: int | None = None) -> Path:
    """Return where the HTML is written if no file is named. The file's name ends with the document's id, for gc."""
    part = "" if page is None else f"-page-{page}"
    return settings.inspections_folder / f"{Path(name).stem[:40]}{part}-{document}.html"


def marks_of(view: PageView, seen: SeenPage) -> tuple[Mark, ...]:
    """Return the marks of a page, and after them those of what else looks like a picture now that it is rendered."""
    first = len(view.marks) + 1
    lost = (Mark(number=n, look="lost", bbox=one.bbox, kind="") for n, one in enumerate(seen.unplaced, start=first))
    return (*view.marks, *lost)


def drawing_of(view: PageView, seen: SeenPage) -> Drawing:
    """Return the drawing for the picture of one page: its boxes, and the list next to it as HTML without styles."""
    marks = marks_of(view, seen)
    boxes = [_drawn_box(card.place.bbox, f"P{card.number}", "product") for card in view.cards]
    boxes += [_drawn_box(mark.bbox, mark.sign, mark.look) for mark in marks]
    lines = [f"<h3>Page {_text(page_name(view.number, view.label))}</h3>"]
    lines += [f"<p>{_text(kind)}</p>"] if (kind := _kind(view)) else []
    lines += [_line(mark.sign, mark.look, _about(mark)) for mark in marks]
    lines += [
        _line(f"P{number}", "product", f"{product.name}, pages {_range(product)}")
        for number, product in enumerate(view.products, start=1)
    ]
    return Drawing(boxes=tuple(boxes), notes="".join(lines))


def _drawn_box(box: Box, sign: str, look: Look) -> DrawnBox:
    return DrawnBox(bbox=box, sign=sign, color=DRAWN[look].color, dashes=DRAWN[look].dashes)


def _line(sign: str, look: Look, text: str) -> str:
    return f'<p><b style="color: {DRAWN[look].color}">{sign}</b> {_text(text)}</p>'


def _about(mark: Mark) -> str:
    products = ", ".join(f"{product.name} {_score(product)}" for product in mark.products)
    parts = (mark.look, mark.kind, mark.reason or mark.state, shorten(mark.caption or "", _CAPTION), products)
    return " · ".join(filter(None, parts))


def _kind(view: PageView) -> str:
    """Return the kind of a page, and why it is of that kind."""
    about = {None: "nothing of it is stored: the ingest did not come so far", "lost": "could not be read"}
    return about.get(view.kind, f"{view.kind} page") + (f": {view.reason}" if view.reason else "")


def _score(product: LinkedProduct) -> str:
    return f"{product.role or ''} {product.score:.2f}".strip()


def _summary(inspection: Inspection) -> str:
    looks = Counter(mark.look for view in inspection.pages for mark in view.marks)
    skipped = sum(view.kind == "skipped" for view in inspection.pages)
    counts = [f"{looks[look]} {look}" for look in DRAWN if looks[look]]
    return (
        f"{inspection.document.status.value} · {len(inspection.pages)} of {inspection.document.page_count} pages, "
        f"{skipped} skipped · placements: {', '.join(counts) or 'none'} · {len(inspection.products)} products"
    )


_AT = 'x="3" y="3" width="38" height="12"'


def _legend() -> str:
    return (
        '<p class="legend">'
        + "".join(
            f'<span><svg width="44" height="18"><rect class="halo" {_AT} stroke-width="5"/>'
            f'<rect class="b-{look}" {_AT} stroke-width="2.5"/></svg> '
            f"{_chip(look, drawn.letter)} {drawn.meaning}</span>"
            for look, drawn in DRAWN.items()
        )
        + "</p>"
    )


def _products(inspection: Inspection) -> str:
    if not inspection.products:
        return ""
    rows = [
        _row(
            _text(product.name),
            _text(product.category or ""),
            " ".join(_page_link(number, inspection) for number in product.pages),
        )
        for product in inspection.products
    ]
    table = _table(("product", "category", "pages"), rows)
    return f"<details><summary>{len(rows)} products and their pages</summary>{table}</details>"


def _page_link(number: int, inspection: Inspection) -> str:
    shown = any(view.number == number for view in inspection.pages)
    return f'<a href="#p{number}">{number}</a>' if shown else str(number)


def _page(view: PageView, seen: SeenPage | FailedPage) -> str:
    head = f"<div><h2>Page {_text(page_name(view.number, view.label))} {_dim(_text(_kind(view)))}</h2>"
    if isinstance(seen, FailedPage):
        picture, marks = f"<p>It cannot be rendered: {_text(seen.message)}</p>", view.marks
    else:
        marks = marks_of(view, seen)
        picture = _picture(view, marks, seen)
    return (
        f'<section id="p{view.number}">{picture}{head}{_placements(view.number, marks)}'
        f"{_product_list(view)}{_doubts(view)}</div></section>"
    )


def _picture(view: PageView, marks: Iterable[Mark], seen: SeenPage) -> str:
    width, height = seen.box[2] - seen.box[0], seen.box[3] - seen.box[1]
    data = b64encode(seen.jpeg).decode()
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="Page {view.number} with its placements">'
        f'<image href="data:image/jpeg;base64,{data}" width="{width:g}" height="{height:g}"/>'
        + "".join(_draw_card(card, seen.box) for card in view.cards)
        + "".join(
            f'<a href="#p{view.number}-{mark.number}"><title>{_text(_title(mark))}</title>'
            f"{_rectangle(mark.bbox, mark.look, seen.box, 3)}{_label(mark.sign, mark.bbox, mark.look, seen.box)}</a>"
            for mark in marks
        )
        + "</svg>"
    )


def _draw_card(card: Card, frame: Box) -> str:
    """Return the box of a product's name with its sign, and of its part of the page."""
    name = _text(shorten(card.product, _CAPTION))
    return (
        f"<g><title>{name}</title>{_rectangle(card.place.region, 'product', frame, 1)}"
        f"{_rectangle(card.place.bbox, 'product', frame, 2.5)}"
        f"{_label(f'P{card.number}', card.place.bbox, 'product', frame)}</g>"
    )


def _rectangle(box: Box, look: Look, frame: Box, stroke: float) -> str:
    """Return a box over a white one. `stroke` and dashes are pixels of the rendering, on every page."""
    unit = _unit(frame)
    width, height = max(0.0, box[2] - box[0]), max(0.0, box[3] - box[1])
    place = f'x="{box[0]:g}" y="{box[1]:g}" width="{width:g}" height="{height:g}"'
    length = 2 * (width + height) / unit or 1
    return (
        f'<rect class="halo" {place} stroke-width="{2 * stroke * unit:g}"/>'
        f'<rect class="b-{look}" {place} stroke-width="{stroke * unit:g}" pathLength="{length:g}"/>'
    )


def _label(sign: str, box: Box, look: Look, frame: Box) -> str:
    """Return a sign at the top left corner of a box, or at the page's edge nearest to it."""
    unit = _unit(frame)
    width, height = (8 + 9 * len(sign)) * unit, 18 * unit
    x = min(max(box[0], 0.0), frame[2] - frame[0] - width)
    y = min(max(box[1], 0.0), frame[3] - frame[1] - height)
    return (
        f'<rect class="f-{look}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"/>'
        f'<text x="{x + 4 * unit:g}" y="{y + 14 * unit:g}" font-size="{14 * unit:g}">{sign}</text>'
    )


def _unit(frame: Box) -> float:
    """Return the points of a pixel of the rendering."""
    return max(frame[2] - frame[0], frame[3] - frame[1]) / PAGE_SIDE


def _title(mark: Mark) -> str:
    names = (product.name for product in mark.products)
    return " · ".join(filter(None, (DRAWN[mark.look].meaning, mark.reason, mark.caption, *names)))


def _placements(page: int, marks: Iterable[Mark]) -> str:
    rows = [
        _row(
            _chip(mark.look, mark.sign),
            _text(mark.look),
            _text(mark.kind) + (" " + _dim(f"{mark.size[0]}×{mark.size[1]}") if mark.size else ""),
            _text(mark.reason or mark.state or ""),
            _text(shorten(mark.caption or "", _CAPTION)),
            "<br>".join(f"{_text(product.name)} {_dim(_text(_score(product)))}" for product in mark.products),
            anchor=f"p{page}-{mark.number}",
        )
        for mark in marks
    ]
    heads = ("", "state", "kind", "why, or state of its image", "caption", "products")
    return f"<h3>Placements</h3>{_table(heads, rows)}" if rows else '<p class="dim">No placements.</p>'


def _product_list(view: PageView) -> str:
    rows = []
    for number, product in enumerate(view.products, start=1):
        evidence = [_evidence(each) for each in product.evidence if each.page in (None, view.number)]
        found_by = "; ".join(dict.fromkeys(evidence))
        variants = ", ".join(variant.name for variant in product.variants if variant.page in (None, view.number))
        family = product.family or product.category or ""
        cells = (product.name, _range(product), family, variants, f"{product.confidence:.0%}", found_by)
        rows.append(_row(_chip("product", f"P{number}"), *map(_text, cells)))
    heads = ("", "product", "pages", "family", "variants here", "is a product", "found by")
    return f"<h3>Products</h3>{_table(heads, rows)}" if rows else ""


def _doubts(view: PageView) -> str:
    """Return what is uncertain about a page: that it is unsure, and its texts that are no product or nearly one."""
    lines = ["It looks like products, and the layout does not tell which: it needs a vision model or a person."]
    lines = lines if view.unsure else []
    if view.unassigned:
        lines += [f"No product: “{shorten(text.text, _CAPTION)}”" for text in view.unassigned.texts]
        lines += [f"{len(view.unassigned.pictures)} pictures belong to no product."] if view.unassigned.pictures else []
    shown = "".join(f"<p>{_text(line)}</p>" for line in lines)
    rows = [
        _row(_text(shorten(each.text or "", _CAPTION)), _text(each.rule), f"{each.detail.get('probability', '')}")
        for each in view.rejected
    ]
    return shown + (
        f"<h3>Nearly names</h3>{_table(('text', 'why it is not one', 'probability'), rows)}" if rows else ""
    )


def _range(product: Product) -> str:
    first, last = product.first_page, product.last_page
    return str(first) if first == last else f"{first}–{last}"


def _evidence(evidence: Evidence) -> str:
    return evidence.rule + (f" “{shorten(evidence.text, 60)}”" if evidence.text else "")


def _table(heads: Iterable[str], rows: Iterable[str]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>"


def _row(*cells: str, anchor: str = "") -> str:
    """Return a row of cells that are HTML already."""
    named = f' id="{anchor}"' if anchor else ""
    return f"<tr{named}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _chip(look: str, sign: str) -> str:
    return f'<span class="chip f-{look}">{sign}</span>'


def _dim(text: str) -> str:
    return f'<span class="dim">{text}</span>'


def _text(text: str) -> str:
    """Return text from a document as one escaped line."""
    return escape(one_line(text))
