"""The lines of a page, and the names of products on it, found by their place: which lines are a product's own."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property

from swatchbook_base.geometry import centre_inside, gap
from swatchbook_base.records import Box, Fact, Line, Occurrence, Page, fold
from swatchbook_catalogue.bands import Bands
from swatchbook_catalogue.grid import Table, find_tables, with_whole_prices
from swatchbook_catalogue.table_rows import TableRows

WHOLE_WIDTH = 0.95  # the least width of a section's region, as a share of the page's width; cards are narrower
BELOW = 30.0  # points added to the distance of a name below a text: values follow names, so one above wins more often


class NamesOnPage:
    """The places of all products on a page. `own` are the boxes of one product's names there."""

    def __init__(self, places: Sequence[Occurrence] = ()) -> None:
        self.places = places

    @cached_property
    def _are_distinct(self) -> bool:
        return len({place.bbox for place in self.places}) == len(self.places)

    @cached_property
    def folded(self) -> frozenset[str]:
        """The folded names."""
        return frozenset(fold(place.text) for place in self.places)

    def has_others(self, own: Collection[Box]) -> bool:
        """Whether another product has a name on the page."""
        return any(place.bbox not in own for place in self.places)

    def without(self, own: Collection[Box]) -> Sequence[Occurrence]:
        """Return the places of other products."""
        return [place for place in self.places if place.bbox not in own] if own else self.places

    def with_own(self, own: Sequence[Occurrence]) -> Sequence[Occurrence]:
        """Return all places; where several have one box, only the product's own."""
        boxes = {place.bbox for place in own}
        if self._are_distinct and len(own) == len(boxes):
            return self.places
        return [*own, *self.without(boxes)]


class PlacedLines:
    """The lines of a page, with the names on it."""

    def __init__(self, page: Page, names: NamesOnPage) -> None:
        self.names, self.number, self.width = names, page.number, page.box[2] - page.box[0]
        self.facts_above = dict[tuple[int, ...], list[Fact]]()
        """What was read of lines above all products, by the numbers of the lines: most products have the same."""

        self._all = [*page.lines]
        self._within = dict[Box, list[int]]()
        self._ranked = dict[int, list[tuple[float, Box]]]()
        self._outside = dict[bool, list[int]]()

    @cached_property
    def lines(self) -> Sequence[Line]:
        """The lines that have a text."""
        return [line for line in self._all if line.text]

    @cached_property
    def rows(self) -> TableRows:
        """The rows of the tables of the page."""
        return TableRows(self.lines, [place.bbox for place in self.names.places])

    @cached_property
    def tables(self) -> Sequence[Table]:
        """The tables of the page, told by aligned cells."""
        return find_tables(with_whole_prices(self.lines))

    @cached_property
    def folded(self) -> frozenset[str]:
        """The folded texts of all lines."""
        return frozenset(fold(line.text) for line in self._all)

    @cached_property
    def _bands(self) -> Bands[int]:
        def middle(i: int) -> tuple[float, float]:
            y = (self._all[i].bbox[1] + self._all[i].bbox[3]) / 2
            return y, y

        return Bands(range(len(self._all)), middle)

    @cached_property
    def _holders(self) -> dict[int, list[Occurrence]]:
        """The places in whose region a line is, by the line's number."""
        holders = defaultdict[int, list[Occurrence]](list)
        for place in self.names.places:
            for i in self._in(place.region):
                holders[i].append(place)
        return holders

    def _in(self, region: Box) -> list[int]:
        """Return the numbers of the lines in a region."""
        if region not in self._within:
            near = self._bands.near(region[1], region[3])
            self._within[region] = [i for i in near if centre_inside(self._all[i].bbox, region)]
        return self._within[region]

    def by_number(self, numbers: Iterable[int]) -> list[Line]:
        """Return the lines with these numbers."""
        return [self._all[i] for i in numbers]

    def sizes_in(self, boxes: Iterable[Box]) -> list[float]:
        """Return the sizes of the lines in these boxes."""
        return [self._all[i].size for box in boxes for i in self._in(box)]

    def own(self, own: Sequence[Occurrence]) -> Sequence[Line]:
        """Return the lines in a product's regions and in no region of a product with a nearer name.

        If a product has no place on the page, all lines are its own.
        """
        if not own:
            return self.lines
        boxes = {place.bbox for place in own}
        inside = {i for place in own for i in self._in(place.region)}
        return [self._all[i] for i in sorted(inside) if self._all[i].text and self._is_nearest(i, boxes)]

    def right_of(self, own: Sequence[Occurrence]) -> Sequence[Line]:
        """Return the lines right of a product's regions, in none and up to that of another: a table may be wider."""
        free = self.by_number(self.outside(self.names.places, math.inf, cards=False))
        found = list[Line]()
        for place in own:
            _, top, right, bottom = place.region
            others = self.names.without({each.bbox for each in own})
            beside = (each.region for each in others if each.region[1] < bottom and each.region[3] > top)
            end = min((region[0] for region in beside if region[0] >= right), default=math.inf)
            near = (line for line in free if top <= (line.bbox[1] + line.bbox[3]) / 2 <= bottom)
            found += (line for line in near if line.bbox[0] >= right and line.bbox[2] <= end)
        return found

    def _is_nearest(self, i: int, own: Collection[Box]) -> bool:
        """Whether no other product's name is nearer to a line than the product's own."""
        box = self._all[i].bbox
        if i not in self._ranked:
            ranked = [(_distance(place.bbox, box), place.bbox) for place in self._holders.get(i, ())]
            self._ranked[i] = sorted(ranked, key=lambda each: each[0])
        rival = next((distance for distance, name in self._ranked[i] if name not in own), None)
        return rival is None or min(_distance(name, box) for name in own) <= rival

    def outside(self, products: Sequence[Occurrence], lowest: float, *, cards: bool) -> tuple[int, ...]:
        """Return the numbers of the lines above a height and outside the regions of all products, or only of cards."""
        if products is self.names.places:
            if cards not in self._outside:
                numbered = enumerate(self._all)
                self._outside[cards] = [i for i, line in numbered if line.text and self._is_outside(i, cards)]
            return tuple(i for i in self._outside[cards] if self._all[i].bbox[3] <= lowest)
        regions = {place.region for place in products if not (cards and self.spans(place.region))}
        inside = set[int]().union(*map(self._in, regions))
        return tuple(i for i, line in enumerate(self._all) if line.text and line.bbox[3] <= lowest and i not in inside)

    def _is_outside(self, i: int, cards: bool) -> bool:
        return all(cards and self.spans(place.region) for place in self._holders.get(i, ()))

    def spans(self, region: Box) -> bool:
        """Whether a region is as wide as its page: text in a section above cards applies to the cards, too."""
        return region[2] - region[0] >= WHOLE_WIDTH * self.width


def _distance(name: Box, box: Box) -> float:
    return gap(name, box) + (BELOW if name[1] > box[1] + 2 else 0.0)
