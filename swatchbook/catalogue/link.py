"""Stage 7: the links from pictures and chunks to products and to each other: by region, distance, caption, heading,
name or page; the score of each with its evidence, and the least score of a link that is kept (0.3).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from swatchbook.catalogue.kinds import certificates_in
from swatchbook.geometry import area, gap, shared_area
from swatchbook.records import (
    COUNTED,
    Box,
    Chunk,
    Discovery,
    Evidence,
    Link,
    LinkKind,
    Page,
    Placement,
    Product,
    fold,
)

Places = Mapping[tuple[str, int], Sequence[Box]]
"""(product id, page) -> the product's regions on that page."""

INSIDE = 0.5
"""A picture belongs to a region when at least this share of its area lies in it."""
COVERED = 0.6
"""A picture shows several products when it covers at least this share of two or more regions."""
FAR = 0.12
"""A picture farther from every region than this share of the page's height belongs to no product."""
LEAST_SCORE = 0.3
"""Links with a lower score are dropped."""


def link(
    products: Sequence[Product],
    discovery: Discovery,
    placements: Sequence[Placement],
    chunks: Sequence[Chunk],
    pages: Iterable[Page],
) -> tuple[Link, ...]:
    """Return the links of one document, each (kind, source, target) once.

    Hidden and decorative placements and running heads get no links. `products` are in the order of the discovery.
    """
    places = _places(products, discovery)
    shown = [p for p in placements if p.state in COUNTED]
    by_page: dict[int, list[Product]] = defaultdict(list)
    for product in products:
        for number in product.pages:
            by_page[number].append(product)
    of_page: dict[int, list[Placement]] = defaultdict(list)
    for placement in shown:
        of_page[placement.page].append(placement)
    chunks_of: dict[int, list[Chunk]] = defaultdict(list)
    linkable = [chunk for chunk in chunks if chunk.embed and chunk.kind != "running"]
    for chunk in linkable:
        for number in chunk.pages:
            chunks_of[number].append(chunk)
    links: list[Link] = []
    for page in pages:
        height = page.box[3] - page.box[1]
        for placement in of_page[page.number]:
            links += _products_of(placement, by_page[page.number], places, height)
            links += _chunk_of(placement, page, chunks_of[page.number])
    for chunk in linkable:
        links += _products_in(chunk, by_page)
    return _with_shared(links, shown)


def _products_of(placement: Placement, products: Sequence[Product], places: Places, height: float) -> Iterator[Link]:
    """Return links from a placement to the products of its page that it shows."""
    caption = placement.caption or ""
    if certificates_in(caption) and not any(_names(caption, p) for p in products):
        return
    regions = {p.id: places.get((p.id, placement.page), ()) for p in products}
    if len(products) == 1 or not any(regions.values()):
        score = 0.75 if len(products) == 1 else 0.75 / max(2, len(products))
        reason = Evidence(rule="page range", page=placement.page, detail={"products": float(len(products))})
        chosen = [(p, score, reason) for p in products]
    else:
        chosen = _by_place(placement, products, regions, height)
    named = [p for p in products if _names(caption, p)]
    for product, score, reason in chosen:
        evidence = [reason]
        if product in named:
            evidence.append(Evidence(rule="caption", page=placement.page, text=caption))
            score = min(0.98, score + 0.2)
        elif named and len(chosen) > 1:
            score -= 0.2
        if score >= LEAST_SCORE:
            yield Link(
                kind=LinkKind.IMAGE_PRODUCT,
                source=placement.id,
                target=product.id,
                score=round(score, 3),
                evidence=tuple(evidence),
            )


def _by_place(
    placement: Placement, products: Sequence[Product], regions: Mapping[str, Sequence[Box]], height: float
) -> list[tuple[Product, float, Evidence]]:
    """Return the products of a shared page by the position of the picture: in a region, over several, or near one."""
    box = placement.bbox
    size = max(area(box), 1.0)

    def reason(rule: str, value: float) -> Evidence:
        return Evidence(
            rule=rule, page=placement.page, detail={"share" if rule != "distance" else "points": round(value, 3)}
        )

    within = {p.id: max((shared_area(box, r) / size for r in regions[p.id]), default=0.0) for p in products}
    covers = {
        p.id: max((shared_area(box, r) / max(area(r), 1.0) for r in regions[p.id]), default=0.0) for p in products
    }
    several = [p for p in products if covers[p.id] >= COVERED]
    if len(several) > 1:
        return [(p, 0.6, reason("covers region", covers[p.id])) for p in several]
    best = max(products, key=lambda p: within[p.id])
    if within[best.id] >= INSIDE:
        return [(best, 0.6 + 0.3 * within[best.id], reason("region", within[best.id]))]
    apart = {p.id: min((gap(box, r) for r in regions[p.id]), default=height) for p in products}
    near = min(products, key=lambda p: apart[p.id])
    if apart[near.id] > FAR * height:
        return []
    return [(near, 0.55 - 0.2 * apart[near.id] / (FAR * height), reason("distance", apart[near.id]))]


def _chunk_of(placement: Placement, page: Page, chunks: Sequence[Chunk]) -> Iterator[Link]:
    """Return a link to the chunk with the picture's caption, else to the chunk of the nearest text on the page."""
    caption = fold(placement.caption or "")
    if caption and (holder := next((c for c in chunks if caption in fold(c.text)), None)):
        evidence = Evidence(rule="caption", page=page.number, text=placement.caption)
        yield Link(kind=LinkKind.IMAGE_CHUNK, source=placement.id, target=holder.id, score=0.9, evidence=(evidence,))
        return
    height = page.box[3] - page.box[1]
    near = sorted((gap(placement.bbox, line.bbox), n, line.text) for n, line in enumerate(page.lines) if line.text)
    for distance, _, text in near[:5]:
        holder = next((c for c in chunks if fold(text) and fold(text) in fold(c.text)), None)
        if holder is not None:
            score = max(LEAST_SCORE, 0.7 - distance / height)
            evidence = Evidence(rule="distance", page=page.number, text=text, detail={"points": round(distance, 1)})
            yield Link(
                kind=LinkKind.IMAGE_CHUNK,
                source=placement.id,
                target=holder.id,
                score=round(score, 3),
                evidence=(evidence,),
            )
            return


def _products_in(chunk: Chunk, by_page: Mapping[int, Sequence[Product]]) -> Iterator[Link]:
    """Return links to the products that a chunk is about: by heading, by name, or as the only product of its pages."""
    products = {p.id: p for number in chunk.pages for p in by_page.get(number, ())}
    path = {fold(h) for h in chunk.headings}
    text = fold(chunk.text)
    for product in products.values():
        name = fold(product.name)
        if name in path:
            score, reason = 0.95, Evidence(rule="heading", text=product.name)
        elif name and name in text:
            score, reason = 0.8, Evidence(rule="name", text=product.name)
        elif len(products) == 1:
            score, reason = 0.7, Evidence(rule="page range", page=chunk.pages[0])
        else:
            continue
        yield Link(kind=LinkKind.CHUNK_PRODUCT, source=chunk.id, target=product.id, score=score, evidence=(reason,))


def _places(products: Sequence[Product], discovery: Discovery) -> Places:
    """Return the regions of each product on each page."""
    places: dict[tuple[str, int], list[Box]] = defaultdict(list)
    for product, found in zip(products, discovery.products, strict=True):
        for occurrence in found.occurrences:
            places[product.id, occurrence.page].append(occurrence.region)
    return places


def _names(text: str, product: Product) -> bool:
    """Whether a text names the product or one of its variants. Names under three letters do not count."""
    folded = fold(text)
    names = (product.name, *(variant.name for variant in product.variants))
    return any(len(key) >= 3 and key in folded for key in map(fold, names))


def _with_shared(links: Sequence[Link], placements: Sequence[Placement]) -> tuple[Link, ...]:
    """Return each link once; links of pictures that show several products get evidence of it."""
    content = {p.id: p.content_key for p in placements}
    products_of: dict[str, set[str]] = defaultdict(set)
    for link in links:
        if link.kind is LinkKind.IMAGE_PRODUCT:
            products_of[content[link.source]].add(link.target)
    count = Counter({key: len(targets) for key, targets in products_of.items()})
    distinct: dict[tuple[LinkKind, str, str], Link] = {}
    for link in links:
        if link.kind is LinkKind.IMAGE_PRODUCT and count[content[link.source]] > 1:
            note = Evidence(rule="shared picture", detail={"products": float(count[content[link.source]])})
            link = link.model_copy(update={"evidence": (*link.evidence, note)})
        distinct.setdefault((link.kind, link.source, link.target), link)
    return tuple(distinct.values())
