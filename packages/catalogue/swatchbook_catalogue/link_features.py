"""Measure features of each picture and product on a page, from which `link.py` decides which of them are linked.

They start from the places where a page names its products, also in pages where a product was not found.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from math import log
from statistics import median
from typing import Literal

from swatchbook_base.geometry import area, centre_inside, gap, shared_area, turn_box
from swatchbook_base.records import Box, Discovery, Line, Page, Placement, Product, fold
from swatchbook_catalogue.bands import Bands, line_bands
from swatchbook_catalogue.kinds import is_label
from swatchbook_catalogue.page_layout import Text, is_name, upright

Relation = Literal["below", "above", "right", "left", "inside"]  # the place of a name relative to its picture
RELATIONS: tuple[Relation, ...] = ("below", "above", "right", "left", "inside")

NAME_DISTANCE = 90.0  # the longest distance of a name below or above its picture, in points
BESIDE = 0.34  # the longest distance of a name to the left or right of its picture, as a share of the page's width
REACH = 0.5
"""The share of its width, or of three times its height, by which a name may reach into a picture's box: pictures have
margins."""
BACKGROUND = 0.6  # the largest share of the page of a picture that has a name; larger pictures are backgrounds
FAR = 0.3  # the distance, as a share of the page's width plus height, from which a name no longer counts as near
LEAST_LETTERS = 3  # the fewest letters and digits of a name that is searched in texts
INSIDE = 0.5  # the least share of a picture's area that lies in a region if the picture does
SHARPNESS = 3  # the power of a relation's share of names with a picture, relative to the most usual one's share
OTHERS = 1.5  # the weight of the shares of the whole catalogue, in names of the page
HEADING = 1.3  # the least size of a heading, as a multiple of the median size of the page's lines
AS_LARGE = 0.65  # least size of a heading that may name another product, as a share of the size of the product's name
MOSTLY = 0.5  # the least share of a line's letters that belong to the name if the line names a product
BEGINS = 0.75  # the factor for MOSTLY where the name begins the line: such a name is likelier that of what is shown
ALIKE, ALIKE_READ = 0.1, 0.24
"""The shares by which equal sizes of type may differ: in a text layer, and in text that is read from pixels."""

UNLIKE = log(16), log(4)
"""The differences in size (16 times) and shape (four times) from pictures with names that count as entirely unlike."""

GOES_ON = "goes_on"  # a feature that is not compared with those of the page's other products
STRANGER = ""  # the product id for all products that were not found
_BEHIND = re.compile(r"\s*[,;:(–—|·]\s*|\s-\s")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place where a page names a product. `said`: discovery did not find it, but a line contains the name."""

    product: str
    box: Box
    said: bool = False


@dataclass(frozen=True, slots=True)
class PagePlaces:
    """The products and pictures of a page, with the places of the names and the regions of the products."""

    page: Page
    pictures: tuple[Placement, ...]
    anchors: tuple[Anchor, ...]
    strangers: tuple[Box, ...]  # texts that are set as names are, and name no product that was found
    regions: Mapping[str, Sequence[Box]]
    products: tuple[Product, ...]  # those found on the page, and those that a line names
    name_sizes: Mapping[str, float]  # product id -> size of type of its name where it was found, in points

    @property
    def width(self) -> float:
        return self.page.box[2] - self.page.box[0]

    @property
    def height(self) -> float:
        return self.page.box[3] - self.page.box[1]


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and a product that it may show, with their features. `relation` is that of the best pairing."""

    placement: Placement
    product: Product
    features: Mapping[str, float]
    relation: Relation | None
    share: float  # share of the picture that lies in the product's region
    apart: float  # points to where the product is named
    is_placed: bool  # it is known where on the page this or another product is
    found_here: bool  # the page is one of the product's


def places_of(
    products: Sequence[Product], discovery: Discovery, placements: Sequence[Placement], pages: Iterable[Page]
) -> list[PagePlaces]:
    """Return the places of the pages that have pictures. `products` are in the order of the discovery."""
    of_page: dict[int, list[Placement]] = defaultdict(list)
    for placement in placements:
        of_page[placement.page].append(placement)
    found: dict[int, list[Product]] = defaultdict(list)
    anchors: dict[int, list[Anchor]] = defaultdict(list)
    regions: dict[int, dict[str, list[Box]]] = defaultdict(lambda: defaultdict(list))
    for product, record in zip(products, discovery.products, strict=True):
        for number in product.pages:
            found[number].append(product)
        for occurrence in record.occurrences:
            regions[occurrence.page][product.id].append(occurrence.region)
            if occurrence.text:
                anchors[occurrence.page].append(Anchor(product.id, occurrence.bbox))
    by_name: dict[str, list[Product]] = defaultdict(list)
    for product in products:
        if sum(c.isalnum() for c in product.name) >= LEAST_LETTERS:
            by_name[fold(product.name)].append(product)
    known = {p.id: p for p in products}
    sizes: dict[str, float] = {}
    result = []
    for page in pages:
        own = anchors[page.number]
        lines = line_bands([*page.lines])
        sizes = {
            a.product: line.size
            for a in own
            for line in lines.near(a.box[1], a.box[3])
            if centre_inside(line.bbox, a.box)
        } | sizes
        if page.number not in of_page:
            continue
        said = _lines_with_names(page, own, by_name)
        here = {p.id: p for p in found[page.number]} | {a.product: known[a.product] for a in said}
        places = PagePlaces(
            page, tuple(of_page[page.number]), (*own, *said), (), regions[page.number], tuple(here.values()), sizes
        )
        result.append(places)
    return [_upright(places) if places.page.turn else places for places in map(_with_strangers, result, repeat(sizes))]


def _with_strangers(places: PagePlaces, sizes: Mapping[str, float]) -> PagePlaces:
    """Return a page with the texts in the type of its names, or of all names if it has none."""
    own = {sizes[a.product] for a in places.anchors if not a.said and a.product in sizes}
    return replace(places, strangers=tuple(_strangers(places.page, places.anchors, own or {*sizes.values()})))


def _upright(places: PagePlaces) -> PagePlaces:
    """Return a sideways page turned upright, so that "below" and "right" are those of the reader."""
    page = places.page

    def turned(box: Box) -> Box:
        return turn_box(box, page.box, page.turn)

    return replace(
        places,
        page=upright(page),
        pictures=tuple(p.model_copy(update={"bbox": turned(p.bbox)}) for p in places.pictures),
        anchors=tuple(replace(anchor, box=turned(anchor.box)) for anchor in places.anchors),
        strangers=tuple(map(turned, places.strangers)),
        regions={product: [turned(region) for region in regions] for product, regions in places.regions.items()},
    )


def _strangers(page: Page, anchors: Sequence[Anchor], sizes: Collection[float]) -> Iterator[Box]:
    """Yield the boxes of texts that may be names and have the type of the page's names, but are none of them."""
    names = Bands([a.box for a in anchors], lambda box: (box[1], box[3]))
    for line in page.lines:
        alike = ALIKE if line.confidence is None else ALIKE_READ
        if (
            any(abs(line.size - size) <= alike * size for size in sizes)
            and is_name(Text(page.number, line.bbox, (line.text,), line.size, line.bold))
            and not is_label(line.text)
            and not any(shared_area(line.bbox, box) > 0 for box in names.near(line.bbox[1], line.bbox[3]))
        ):
            yield line.bbox


def _lines_with_names(page: Page, found: Sequence[Anchor], by_name: Mapping[str, Sequence[Product]]) -> list[Anchor]:
    """Return the lines that contain the name of a product and are no place where a product was found.

    A name that several products have is skipped. The page's largest line may contain any other words, and every line
    may go on behind a comma or a similar sign with a code, a price or what the picture shows.
    """
    anchors = []
    largest = _headline(page)
    for line in page.lines:
        text = fold(line.text)
        before = fold(_BEHIND.split(line.text, maxsplit=1)[0])
        name = next((t for t in (text, before) if t in by_name), None)
        name = name or _longest_name(text, by_name, 0.0 if line is largest else MOSTLY)
        if name is None or len(by_name[name]) > 1:
            continue
        product = by_name[name][0]
        if not any(shared_area(line.bbox, a.box) > 0 for a in found):
            anchors.append(Anchor(product.id, line.bbox, said=True))
    return anchors


def _headline(page: Page) -> Line | None:
    """Return the largest line of a page if it is a heading, else None."""
    lines = [line for line in page.lines if any(c.isalpha() for c in line.text)]
    largest = max(lines, key=lambda line: line.size, default=None)
    if largest is None or largest.size < HEADING * median(line.size for line in lines):
        return None
    return largest


def _longest_name(text: str, by_name: Mapping[str, Sequence[Product]], share: float) -> str | None:
    """Return the longest name that ends or begins a text and has at least this share of its letters.

    At the beginning `BEGINS` times the share is enough.
    """
    words = text.split()
    for n in range(len(words) - 1, 0, -1):
        for part, least in ((" ".join(words[:n]), BEGINS * share), (" ".join(words[-n:]), share)):
            if part in by_name and len(part) >= least * len(text):
                return part
    return None


def measure(places: Sequence[PagePlaces]) -> dict[str, list[Pair]]:
    """Return placement id -> the picture with each product of its page.

    The relations of names to pictures are counted first: in a grid with names below, most names also have a picture
    below them, but all have one above.
    """
    matched = [_match(page) for page in places]
    claimed = [_match(page, [Anchor(STRANGER, box) for box in page.strangers]) for page in places]
    named = {(page.page.number, a.product) for page in places if page.pictures for a in page.anchors if not a.said}
    usual: dict[str, set[tuple[int, str]]] = {rule: set() for rule in (*RELATIONS, "region", "near", "caption")}
    for page, pairs in zip(places, matched, strict=True):
        number = page.page.number
        for relation, _, product in pairs:
            usual[relation].add((number, product))
        for product, boxes in page.regions.items():
            if any(shared_area(p.bbox, box) >= INSIDE * area(p.bbox) > 0 for p in page.pictures for box in boxes):
                usual["region"].add((number, product))
        for picture in page.pictures if page.anchors else ():
            nearest = min(page.anchors, key=lambda a: gap(picture.bbox, a.box))
            usual["near"].add((number, nearest.product))
            caption = fold(picture.caption or "")
            usual["caption"].update((number, p.id) for p in page.products if names(caption, p))
    share = {rule: len(found & named) / len(named) if named else 1.0 for rule, found in usual.items()}
    paired = [{picture for _, picture, _ in pairs} for pairs in matched]
    looks = [_look(p.bbox) for page, ids in zip(places, paired, strict=True) for p in page.pictures if p.id in ids]
    usual_look = (median(size for size, _ in looks), median(shape for _, shape in looks)) if looks else None
    found: dict[str, list[Pair]] = {picture.id: [] for page in places for picture in page.pictures}
    for page, pairs, claims in zip(places, matched, claimed, strict=True):
        here = {at for at in named if at[0] == page.page.number}
        shares = {r: (len(usual[r] & here) + OTHERS * share[r]) / (len(here) + OTHERS) for r in usual}
        best = max(shares.values())
        trust = {rule: (value / best) ** SHARPNESS if best else 0.0 for rule, value in shares.items()}
        for pair in _pairs(page, pairs, claims, trust, usual_look):
            found[pair.placement.id].append(pair)
    return found


Look = tuple[float, float]  # the logarithms of the size of a picture and of its width over its height


def _look(box: Box) -> Look:
    wide, high = max(1.0, box[2] - box[0]), max(1.0, box[3] - box[1])
    return log(wide * high), log(wide / high)


Matched = Mapping[tuple[Relation, str, str], float]  # (relation, placement id, product id) -> distance from 0 to 1


def _match(page: PagePlaces, others: Sequence[Anchor] = ()) -> dict[tuple[Relation, str, str], float]:
    """Return the pairs of one picture and one name for each relation, nearest first. `others` claim pictures, too."""
    anchors = (*page.anchors, *others)
    size = area(page.page.box)
    pictures = [p for p in page.pictures if area(p.bbox) <= BACKGROUND * size]
    found: dict[tuple[Relation, str, str], float] = {}
    for relation in RELATIONS:
        near = sorted(
            (d, anchor.said, k, n)
            for n, anchor in enumerate(anchors)
            for k, picture in enumerate(pictures)
            if (d := distance(anchor.box, picture.bbox, relation, page.width)) is not None
        )
        names: set[int] = set()
        taken: set[int] = set()
        for d, _, k, n in near:
            if n not in names and k not in taken:
                names.add(n)
                taken.add(k)
                found.setdefault((relation, pictures[k].id, anchors[n].product), d)
    return found


def distance(name: Box, picture: Box, relation: Relation, width: float) -> float | None:
    """Return the distance of a name from a picture in a relation, from 0 (touching) to 1; None in another relation."""
    x0, y0, x1, y1 = name
    px0, py0, px1, py1 = picture
    if relation == "inside":
        return 0.0 if centre_inside(name, picture) else None
    if centre_inside(name, picture):
        return None
    if relation in ("below", "above"):
        across = min(x1, px1) - max(x0, px0)
        apart = y0 - py1 if relation == "below" else py0 - y1
        if across < 0.5 * min(x1 - x0, px1 - px0) or not -3 * REACH * (y1 - y0) <= apart <= NAME_DISTANCE:
            return None
        return max(0.0, apart) / NAME_DISTANCE
    apart = x0 - px1 if relation == "right" else px0 - x1
    if not py0 - 5 <= (y0 + y1) / 2 <= py1 + 5 or not -REACH * (x1 - x0) <= apart <= BESIDE * width:
        return None
    return max(0.0, apart) / (BESIDE * width)


def _pairs(
    page: PagePlaces, matched: Matched, claimed: Matched, trust: Mapping[str, float], usual_look: Look | None
) -> list[Pair]:
    """Return the pairs of a page, whose features compare a product with the best of the others and with strangers."""
    anchors = {product.id: [a for a in page.anchors if a.product == product.id] for product in page.products}
    near = {
        (picture.id, product): _nearness(page, picture.bbox, [a.box for a in of_product], trust)
        for picture in page.pictures
        for product, of_product in anchors.items()
    }
    claim = {at: _best(claimed, *at, trust) for at in near}
    nearest, first = _two_best(near), _two_best(claim)
    has_card = {product for _, _, product in matched}
    pairs = []
    for picture in page.pictures:
        own = {
            product.id: {
                **_of_region(page, picture, product, anchors[product.id], trust),
                "caption": trust["caption"] * names(fold(picture.caption or ""), product),
                "card": _best(matched, picture.id, product.id, trust),
                "claim": claim[picture.id, product.id],
                "near": near[picture.id, product.id],
            }
            for product in page.products
        }
        about = _of_picture(page, picture, usual_look)
        strangers = {
            "stranger": max((_at(page, box, picture.bbox, trust) for box in page.strangers), default=0.0),
            "stranger_near": _nearness(page, picture.bbox, page.strangers, trust),
            "stranger_claim": _best(claimed, picture.id, STRANGER, trust),
        }
        for product in page.products:
            features = about | _compared(own, product, strangers)
            for name, best in (("other_claim", first), ("other_near", nearest)):
                features[name] = next((value for value, at in best[product.id] if at != picture.id), 0.0)
            features["other_picture"] = float(product.id in has_card and not own[product.id]["card"])
            ways = _ways(matched, picture.id, product.id, trust)
            relation = next((way for way in ways if ways[way] == own[product.id]["card"]), None)
            apart = min((gap(picture.bbox, a.box) for a in anchors[product.id]), default=0.0)
            pairs.append(
                Pair(
                    picture,
                    product,
                    features,
                    relation,
                    share=_share(picture.bbox, page.regions.get(product.id, ())),
                    apart=apart,
                    is_placed=bool(page.anchors or page.regions),
                    found_here=page.page.number in product.pages,
                )
            )
    return pairs


def _of_region(
    page: PagePlaces, picture: Placement, product: Product, anchors: Sequence[Anchor], trust: Mapping[str, float]
) -> dict[str, float]:
    """Return the share of a picture in a product's region, below its name or where its section goes on."""
    region = _share(picture.bbox, page.regions.get(product.id, ()))
    if any(not a.said for a in anchors):
        return {"region": region * trust["region"], GOES_ON: 0.0}
    return {"region": 0.0, GOES_ON: 0.0 if _is_headed_otherwise(page, product) else region}


def _of_picture(page: PagePlaces, picture: Placement, usual_look: Look | None) -> dict[str, float]:
    """Return the features of a picture alone: its size and place on the page, and how it differs from others."""
    lines = [line for line in page.page.lines if line.text]
    return {
        "behind": sum(centre_inside(line.bbox, picture.bbox) for line in lines) / max(1, len(lines)),
        "size": min(1.0, max(area(picture.bbox), 1.0) / area(page.page.box)),
        "other_size": _unlike(usual_look, picture.bbox, 0),
        "other_shape": _unlike(usual_look, picture.bbox, 1),
    }


def _compared(
    own: Mapping[str, Mapping[str, float]], product: Product, strangers: Mapping[str, float]
) -> dict[str, float]:
    """Return the features of a product, compared with the best of the other products and with `strangers`."""
    mine, others = own[product.id], [v for key, v in own.items() if key != product.id]
    rivals = {f"rival_{name}": max((v[name] for v in others), default=0.0) for name in mine if name != GOES_ON}
    return {
        **mine,
        **rivals,
        "stranger": max(0.0, strangers["stranger"] - mine["card"]),
        "stranger_near": max(0.0, strangers["stranger_near"] - mine["near"]),
        "stranger_claim": strangers["stranger_claim"],
        "nearest": float(mine["near"] >= max(strangers["stranger_near"], rivals["rival_near"], 0.01)),
        "first": float(mine["claim"] >= max(strangers["stranger_claim"], rivals["rival_claim"], 0.01)),
    }


def _ways(matched: Matched, picture: str, product: str, trust: Mapping[str, float]) -> dict[Relation, float]:
    """Return relation -> how well a picture and a name are paired in it, from 0 to 1."""
    found = ((relation, matched.get((relation, picture, product))) for relation in RELATIONS)
    return {relation: trust[relation] * (1 - 0.5 * d) for relation, d in found if d is not None}


def _best(matched: Matched, picture: str, product: str, trust: Mapping[str, float]) -> float:
    """Return how well a picture and a name are paired in the best of the relations, from 0 to 1."""
    return max(_ways(matched, picture, product, trust).values(), default=0.0)


def _two_best(values: Mapping[tuple[str, str], float]) -> Mapping[str, Sequence[tuple[float, str]]]:
    """Return product -> the two pictures with the largest values, of (picture, product) -> value."""
    of_product: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for (picture, product), value in values.items():
        of_product[product].append((value, picture))
    return {product: sorted(found, reverse=True)[:2] for product, found in of_product.items()}


def _unlike(usual: Look | None, picture: Box, n: Literal[0, 1]) -> float:
    """Return how much a picture differs in size (n=0) or shape (n=1) from those at names, from 0 to 1."""
    return min(1.0, abs(_look(picture)[n] - usual[n]) / UNLIKE[n]) if usual else 0.0


def _nearness(page: PagePlaces, picture: Box, names: Iterable[Box], trust: Mapping[str, float]) -> float:
    """Return how near the nearest of some names is to a picture, from 0 to 1."""
    far = FAR * (page.width + page.height)
    return trust["near"] * (1 - min([gap(picture, box) / far for box in names] + [1.0]))


def _at(page: PagePlaces, text: Box, picture: Box, trust: Mapping[str, float]) -> float:
    """Return how well the place of a text at a picture is that of names in this catalogue, from 0 to 1."""
    near = ((relation, distance(text, picture, relation, page.width)) for relation in RELATIONS)
    return max((trust[relation] * (1 - 0.5 * d) for relation, d in near if d is not None), default=0.0)


def _is_headed_otherwise(page: PagePlaces, product: Product) -> bool:
    """Whether a page has a heading about as large as the product's name that does not name the product."""
    headline = _headline(page.page)
    if headline is None or names(fold(headline.text), product):
        return False
    return headline.size >= AS_LARGE * page.name_sizes.get(product.id, 0.0)


def _share(picture: Box, regions: Iterable[Box]) -> float:
    return max((shared_area(picture, region) / max(area(picture), 1.0) for region in regions), default=0.0)


def names(caption: str, product: Product) -> bool:
    """Whether a folded caption names the product or one of its variants."""
    keys = (fold(name) for name in (product.name, *(variant.name for variant in product.variants)))
    return any(len(key) >= LEAST_LETTERS and key in caption for key in keys)
