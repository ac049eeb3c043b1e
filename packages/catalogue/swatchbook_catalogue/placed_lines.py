"""The lines of a page, and the names of products on it, found by their place: which lines are a product's own."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cached_property

from swatchbook_base.geometry import centre_inside, gap
from swatchbook_base.records import Box, Fact, Line, Occurrence, Page
from swatchbook_catalogue.bands import Bands
from swatchbook_catalogue.grid import Table, find_tables, with_whole_prices
from swatchbook_catalogue.table_rows import TableRows

WHOLE_WIDTH = 0.95  # the least width of a section's region, as a share of the page's width; cards are narrower
BELOW = 30.0  # points added to the distance of a name below a text: values follow names, so one above wins more often


class PlacedLines:
    """The lines of a page, with the places of all products on it."""

    def __init__(self, page: Page, places: Sequence[Occurrence]) -> None:
        self.places, self.number, self.width = places, page.number, page.box[2] - page.box[0]
        self.facts_above = dict[tuple[int, ...], list[Fact]]()
        """What was read of lines above all products, by the numbers of the lines: most products have the same."""

        self.all_lines = [*page.lines]
        self._within = dict[Box, list[int]]()
        self._ranked = dict[int, list[tuple[float, Box]]]()
        self._outside = dict[bool, list[int]]()

    @cached_property
    def lines(self) -> Sequence[Line]:
        """The lines that have a text."""
        return [line for line in self.all_lines if line.text]

    @cached_property
    def rows(self) -> TableRows:
        """The rows of the tables of the page."""
        return TableRows(self.lines, [place.bbox for place in self.places])

    @cached_property
    def tables(self) -> Sequence[Table]:
        """The tables of the page, told by aligned cells."""
        return find_tables(with_whole_prices(self.lines))

    @cached_property
    def _bands(self) -> Bands[int]:
        def middle(i: int) -> tuple[float, float]:
            y = (self.all_lines[i].bbox[1] + self.all_lines[i].bbox[3]) / 2
            return y, y

        return Bands(range(len(self.all_lines)), middle)

    @cached_property
    def _holders(self) -> dict[int, list[Occurrence]]:
        """The places in whose region a line is, by the line's number."""
        holders = defaultdict[int, list[Occurrence]](list)
        for place in self.places:
            for i in self._in(place.region):
                holders[i].append(place)
        return holders

    def _in(self, region: Box) -> list[int]:
        """Return the numbers of the lines in a region."""
        if region not in self._within:
            near = self._bands.near(region[1], region[3])
            self._within[region] = [i for i in near if centre_inside(self.all_lines[i].bbox, region)]
        return self._within[region]

    def own(self, own: Sequence[Occurrence]) -> Sequence[Line]:
        """Return the lines in a product's regions and in no region of a product with a nearer name.

        If a product has no place on the page, all lines are its own.
        """
        if not own:
            return self.lines
        boxes = {place.bbox for place in own}
        inside = {i for place in own for i in self._in(place.region)}
        return [self.all_lines[i] for i in sorted(inside) if self.all_lines[i].text and self._is_nearest(i, boxes)]

    def _is_nearest(self, i: int, own: Collection[Box]) -> bool:
        """Whether no other product's name is nearer to a line than the product's own."""
        box = self.all_lines[i].bbox
        if i not in self._ranked:
            ranked = [(_distance(place.bbox, box), place.bbox) for place in self._holders.get(i, ())]
            self._ranked[i] = sorted(ranked, key=lambda each: each[0])
        rival = next((distance for distance, name in self._ranked[i] if name not in own), None)
        return rival is None or min(_distance(name, box) for name in own) <= rival

    def has_others(self, own: Collection[Box]) -> bool:
        """Whether a product has a name on the page that is not among these."""
        return any(place.bbox not in own for place in self.places)

    def outside(self, lowest: float, *, cards: bool) -> tuple[int, ...]:
        """Return the numbers of the lines above a height and outside the regions of all products, or only of cards."""
        if cards not in self._outside:
            numbered = enumerate(self.all_lines)
            self._outside[cards] = [i for i, line in numbered if line.text and self._is_outside(i, cards)]
        return tuple(i for i in self._outside[cards] if self.all_lines[i].bbox[3] <= lowest)

    def _is_outside(self, i: int, cards: bool) -> bool:
        return all(cards and self.spans(place.region) for place in self._holders.get(i, ()))

    def spans(self, region: Box) -> bool:
        """Whether a region is as wide as its page: text in a section above cards applies to the cards, too."""
        return region[2] - region[0] >= WHOLE_WIDTH * self.width


def _distance(name: Box, box: Box) -> float:
    return gap(name, box) + (BELOW if name[1] > box[1] + 2 else 0.0)
