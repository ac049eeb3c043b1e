"""Stage 7: link pictures and chunks to products and to each other, with scores and evidence; list what is left over.

A picture is linked to its likeliest product, by a fitted probability of the features of both (`link_features.py`).
`python -m devtools.fit_links` makes the weights, `link_weights.json`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp

from swatchbook_base.geometry import area, centre_inside, covers, gap, shared_area
from swatchbook_base.records import (
    BY_TEACHING,
    COUNTED,
    Box,
    Chunk,
    Discovery,
    Evidence,
    Link,
    LinkKind,
    LooseText,
    Page,
    Picture,
    Placement,
    Product,
    Unassigned,
    fold,
)
from swatchbook_catalogue.bands import Bands
from swatchbook_catalogue.kinds import certificates_in, heading_kind, is_label
from swatchbook_catalogue.link_features import GOES_ON, INSIDE, PagePlaces, Pair, measure, names, places_of
from swatchbook_catalogue.page_layout import is_name, summarise_page
from swatchbook_catalogue.picture_roles import Shown, roles_of
from swatchbook_catalogue.running_text import find_repeated_places, text_place

# `python -m devtools.fit_links` prints what the next two give on catalogues that were not fitted on.
DOUBTFUL = 0.4  # the least probability from which a picture is linked to its likeliest product
AS_LIKELY = 0.9  # share of the likeliest product's probability with which others are linked, too: the page is ambiguous
COVERED = 0.6
"""The least share of two or more regions that a picture of several products covers. With a picture on it, it is their
background."""
SHARED_SCORE = 0.6  # the score of a link of a picture that covers several products
PAGE_ALONE_SCORE = 0.5  # divided among a page's products, if only the page is known: a model names no places
AS_LARGE = 0.15  # share of a side by which pictures of one size differ
LEAST_SCORE = 0.3  # the least score of a link


@dataclass(frozen=True, slots=True)
class Weights:
    """The mean, spread and weight of each feature, and the score of a picture and product without features."""

    features: Mapping[str, tuple[float, float, float]]
    bias: float

    def probability(self, features: Mapping[str, float]) -> float:
        """Return the probability that a picture is that of a product."""
        score = self.bias + sum(
            w * (features[name] - mean) / spread for name, (mean, spread, w) in self.features.items()
        )
        return 1 / (1 + exp(-score))


@cache
def shipped_weights() -> Weights:
    """Return the weights that the package ships."""
    data = json.loads(files("swatchbook_catalogue").joinpath("link_weights.json").read_text(encoding="utf-8"))
    return Weights({name: (mean, spread, weight) for name, mean, spread, weight in data["features"]}, data["bias"])


def link(
    products: Sequence[Product],
    discovery: Discovery,
    placements: Sequence[Placement],
    chunks: Sequence[Chunk],
    pages: Iterable[Page],
    pictures: Iterable[Picture] = (),
    *,
    certain: Callable[[Sequence[PagePlaces]], Mapping[str, str]] | None = None,
) -> tuple[Link, ...]:
    """Return the links of one document, each (kind, source, target) once. `pictures` have traits for the roles.

    `certain`: returns placement -> product of those pictures of which a person has shown whose they are.
    Hidden and decorative placements and running heads get no links. `products` are in the order of the discovery.
    """
    shown = [p for p in placements if p.state in COUNTED]
    by_page: dict[int, list[Product]] = defaultdict(list)
    for product in products:
        for number in product.pages:
            by_page[number].append(product)
    chunks_of: dict[int, list[Chunk]] = defaultdict(list)
    linkable = [chunk for chunk in chunks if chunk.embed and chunk.kind != "running"]
    for chunk in linkable:
        for number in chunk.pages:
            chunks_of[number].append(chunk)
    places = places_of(products, discovery, shown, pages)
    links = _with_certain(
        [each for place in choose_links(places) for each in place], certain(places) if certain else {}, shown
    )
    for place in places:
        for placement in place.pictures:
            links += _chunk_of(placement, place.page, chunks_of[place.page.number])
    for chunk in linkable:
        links += _products_in(chunk, by_page)
    sizes = {place.page.number: max(area(place.page.box), 1.0) for place in places}
    return _with_shared(_with_roles(links, products, shown, sizes, pictures), shown)


def _with_certain(links: Sequence[Link], certain: Mapping[str, str], placements: Sequence[Placement]) -> list[Link]:
    """Return links of pictures to products, with certain ones instead of all others of their pictures.

    A picture without one that is as large as a product's certain picture on its page shows another product: names may
    be missing.
    """
    place_of = {placement.id: placement for placement in placements}
    own: dict[tuple[str, int], list[Placement]] = defaultdict(list)
    for source, target in certain.items():
        own[target, place_of[source].page].append(place_of[source])

    def is_others(link: Link) -> bool:
        place = place_of[link.source]
        return any(_is_as_large(place.bbox, each.bbox) for each in own.get((link.target, place.page), ()))

    taught = (
        Link(
            kind=LinkKind.IMAGE_PRODUCT,
            source=source,
            target=target,
            score=1.0,
            evidence=(Evidence(rule=BY_TEACHING, page=place_of[source].page),),
        )
        for source, target in certain.items()
    )
    return [*(link for link in links if link.source not in certain and not is_others(link)), *taught]


def _is_as_large(a: Box, b: Box) -> bool:
    return all(abs((a[k + 2] - a[k]) - (b[k + 2] - b[k])) <= AS_LARGE * (b[k + 2] - b[k]) for k in (0, 1))


def choose_links(places: Sequence[PagePlaces]) -> Iterator[list[Link]]:
    """Return for each picture its links to products."""
    weights, pairs = shipped_weights(), measure(places)
    for place in places:
        for picture in place.pictures:
            yield _links_of(picture, place, pairs[picture.id], weights)


def _links_of(picture: Placement, place: PagePlaces, pairs: Sequence[Pair], weights: Weights) -> list[Link]:
    caption = fold(picture.caption or "")
    if certificates_in(picture.caption or "") and not any(names(caption, pair.product) for pair in pairs):
        return []
    several = _covered(picture, place)
    if len(several) > 1:
        return [
            _link(
                pair,
                SHARED_SCORE,
                Evidence(rule="covers region", page=picture.page, detail={"share": several[pair.product.id]}),
            )
            for pair in pairs
            if pair.product.id in several
        ]
    here = sum(pair.found_here for pair in pairs)
    sure = [
        weights.probability(pair.features) if pair.is_placed else pair.found_here * PAGE_ALONE_SCORE / here
        for pair in pairs
    ]
    return [_link(pairs[n], sure[n], _reason(pairs[n], here)) for n in likeliest(sure)]


def likeliest(sure: Sequence[float]) -> list[int]:
    """Return the indices of the products that a picture is linked to, from the probability of each product."""
    least = max(DOUBTFUL, AS_LIKELY * max(sure, default=0.0))
    return [n for n, probability in enumerate(sure) if probability >= least]


def _covered(picture: Placement, place: PagePlaces) -> dict[str, float]:
    """Return the products whose regions a picture covers, with the covered share; none for a background."""
    if any(other is not picture and covers(picture.bbox, other.bbox) for other in place.pictures):
        return {}
    found = {
        product: max(shared_area(picture.bbox, region) / max(area(region), 1.0) for region in regions)
        for product, regions in place.regions.items()
        if any(anchor.product == product and not anchor.said for anchor in place.anchors)
    }
    return {product: round(share, 3) for product, share in found.items() if share >= COVERED}


def _reason(pair: Pair, here: int) -> Evidence:
    """Return the strongest evidence for a pair; the page alone is the last resort. `here`: products of the page."""
    page, features = pair.placement.page, pair.features
    if not pair.is_placed:
        return Evidence(rule="page alone", page=page, detail={"products": float(here)})
    if pair.relation and features["card"] >= features["region"]:
        return Evidence(rule="name", page=page, text=pair.product.name, detail={"relation": pair.relation})
    if pair.share >= INSIDE:
        rule = "section goes on" if features[GOES_ON] else "region"
        return Evidence(rule=rule, page=page, detail={"share": round(pair.share, 3)})
    return Evidence(rule="distance", page=page, detail={"points": round(pair.apart, 1)})


def _link(pair: Pair, score: float, reason: Evidence) -> Link:
    evidence = [reason]
    if names(fold(pair.placement.caption or ""), pair.product):
        evidence.append(Evidence(rule="caption", page=pair.placement.page, text=pair.placement.caption))
    return Link(
        kind=LinkKind.IMAGE_PRODUCT,
        source=pair.placement.id,
        target=pair.product.id,
        score=round(score, 3),
        evidence=tuple(evidence),
    )


def _chunk_of(placement: Placement, page: Page, chunks: Sequence[Chunk]) -> Iterator[Link]:
    """Return a link to the chunk with the picture's caption, else to the chunk of the nearest text on the page."""
    caption = fold(placement.caption or "")
    holder = next((c for c in chunks if caption and caption in fold(c.text)), None)
    score, evidence = 0.9, Evidence(rule="caption", page=page.number, text=placement.caption)
    height = page.box[3] - page.box[1]
    near = sorted((gap(placement.bbox, line.bbox), n, line.text) for n, line in enumerate(page.lines) if line.text)
    for distance, _, text in near[:5] if holder is None else ():
        if holder := next((c for c in chunks if fold(text) and fold(text) in fold(c.text)), None):
            score = round(max(LEAST_SCORE, 0.7 - distance / height), 3)
            evidence = Evidence(rule="distance", page=page.number, text=text, detail={"points": round(distance, 1)})
            break
    if holder:
        yield Link(kind=LinkKind.IMAGE_CHUNK, source=placement.id, target=holder.id, score=score, evidence=(evidence,))


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


def _with_roles(
    links: Sequence[Link],
    products: Sequence[Product],
    placements: Sequence[Placement],
    page_areas: Mapping[int, float],
    pictures: Iterable[Picture],
) -> list[Link]:
    placed = {p.id: p for p in placements}
    traits = {p.content_key: p.traits for p in pictures}
    of_product: dict[str, list[Shown]] = defaultdict(list)
    known = {p.id: p for p in products}
    for link in links:
        if link.kind is LinkKind.IMAGE_PRODUCT:
            place = placed[link.source]
            size = area(place.bbox) / page_areas[place.page]
            found_here = place.page in known[link.target].pages
            of_product[link.target].append(Shown(place, size, traits.get(place.content_key), found_here))
    roles = {product: roles_of(known[product], shown) for product, shown in of_product.items()}
    return [
        link.model_copy(update={"role": roles[link.target][link.source]})
        if link.kind is LinkKind.IMAGE_PRODUCT
        else link
        for link in links
    ]


def _with_shared(links: Sequence[Link], placements: Sequence[Placement]) -> tuple[Link, ...]:
    """Return each link once, with evidence in the links of pictures that show several products."""
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
            link = link.model_copy(update={"evidence": (*link.evidence, note), "shared": True})
        distinct.setdefault((link.kind, link.source, link.target), link)
    return tuple(distinct.values())


# --- what belongs to no product ---------------------------------------------------------------------------------------


def _belonging(products: Sequence[Product], page: int) -> Callable[[Box], bool]:
    """Return what tells whether a box belongs to any of these products of a page."""
    of_each = [[place.region for place in product.occurrences if place.page == page] for product in products]
    if not all(of_each):  # the whole page belongs to a product without a region on it
        return lambda box: True
    regions = Bands([region for regions in of_each for region in regions], lambda region: (region[1], region[3]))
    return lambda box: any(centre_inside(box, region) for region in regions.near(box[1], box[3]))


def find_unassigned(
    products: Sequence[Product], placements: Sequence[Placement], links: Sequence[Link], pages: Iterable[Page]
) -> tuple[Unassigned, ...]:
    """Return the texts and pictures that belong to no product, for pages that have some. The pages are read once."""
    linked = {link.source for link in links if link.kind is LinkKind.IMAGE_PRODUCT}
    taken = {fold(name) for product in products for name in (product.name, product.category, product.family) if name}
    layouts = [summarise_page(page) for page in pages]
    running = find_repeated_places(layouts)
    products_of, boxes_of = defaultdict[int, list[Product]](list), defaultdict[int, list[Box]](list)
    for product in products:
        for number in {*product.pages}:
            products_of[number].append(product)
    for place in placements:
        if place.state in COUNTED and place.id not in linked:
            boxes_of[place.page].append(place.bbox)
    found = []
    for layout in layouts:
        if layout.number not in products_of:
            continue
        is_taken = _belonging(products_of[layout.number], layout.number)
        texts = (
            LooseText(text=text.text, bbox=text.box)
            for text in layout.texts
            if is_name(text)
            and fold(text.text) not in taken
            and not (is_label(text.text) or heading_kind(text.text))
            and text_place(text, layout) not in running
            and not is_taken(text.box)
        )
        left = Unassigned(page=layout.number, texts=tuple(texts), pictures=tuple(boxes_of[layout.number]))
        if left.texts or left.pictures:
            found.append(left)
    return tuple(found)
