"""When a picture is linked rightly to a product, given the product; and the role of the picture.

A said link is right when its picture is one that is labelled for its product. Only links of products that were found
are judged: a link of a product that does not exist is the product's fault. Where the labels of pictures are complete, a
picture without a label is no product's; else only labelled pictures and traps are judged.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from typing import NamedTuple

from devtools.evaluation.truth import LabelledImage, Truth
from swatchbook.domain.records import Record
from swatchbook_base.geometry import Box, area, overlap, shared_area

SLACK = 5.0  # points by which all sides of a placement may differ from the label's box


class Placed(NamedTuple):
    """A placement on a page: the box of what is seen of it, in points from the top left, and its image object."""

    page: int
    bbox: Box
    xref: int | None


class SaidLink(NamedTuple):
    """A link from a placement to a product, both ids, and the role of the picture."""

    placement: str
    product: str
    role: str | None = None


class LinkScore(Record):
    """Links of pictures to products. `labels_of_found` counts the labels of products that were found.

    `right` and `trapped` count said links, `judged` those of found products that are right or wrong. `confusion`:
    labelled role -> said role -> right links.
    """

    labels: int
    labels_of_found: int
    said: int
    judged: int
    right: int
    trapped: int
    complete: bool
    hit: tuple[str, ...]
    missed: tuple[str, ...]
    wrong: tuple[str, ...]
    confusion: dict[str, dict[str, int]]

    @property
    def hits(self) -> int:
        return len(self.hit)

    @property
    def recall(self) -> float:
        return self.hits / self.labels if self.labels else 1.0

    @property
    def precision(self) -> float | None:
        """Return the share of all said links that are right, None if the labels are not complete."""
        if not self.complete:
            return None
        return self.right / self.said if self.said else 0.0

    @property
    def recall_of_found(self) -> float | None:
        """Return the share of the labels of found products that have a link, None without any."""
        return self.hits / self.labels_of_found if self.labels_of_found else None

    @property
    def precision_of_found(self) -> float | None:
        """Return the share of the judged links of found products that are right, None without any."""
        return self.right / self.judged if self.judged else None

    @property
    def right_roles(self) -> float | None:
        """Return the share of right links whose role is right, None without any."""
        return share_right(self.confusion)


def score_links(
    truth: Truth,
    links: Collection[SaidLink],
    placements: Mapping[str, Placed],
    page_boxes: Mapping[int, Box],
    label_of: Mapping[str, str],
) -> LinkScore:
    """Compare links with labels. `label_of`: id of a product that was found -> id of its label."""
    labels = [label for label in truth.image_links if label.bbox]
    said = sorted(
        {(each.placement, each.product): each for each in links if each.placement in placements}.values(), key=repr
    )
    hit: set[int] = set()
    wrong: list[str] = []
    confusion: dict[str, Counter[str]] = {}
    judged = right = trapped = 0
    name_of = {label.id: label.name for label in truth.products}
    for each in said:
        placed = placements[each.placement]
        page = page_boxes.get(placed.page)
        owner = label_of.get(each.product)
        hits = judge_pair(truth, placed, owner, page)
        hit.update(hits or ())
        right += bool(hits)
        trapped += not hits and _is_trap(truth, placed, page)
        judged += owner is not None and hits is not None
        if hits and (role := labels[hits[0]].role):
            confusion.setdefault(role, Counter())[each.role or "none"] += 1
        if owner is not None and hits == []:
            wrong.append(_listed(placed.page, name_of[owner], placed.bbox))
    listed = [_listed(label.page, name_of.get(label.product or "", ""), label.bbox) for label in labels]
    return LinkScore(
        labels=len(labels),
        labels_of_found=sum(label.product in label_of.values() for label in labels),
        said=len(said),
        judged=judged,
        right=right,
        trapped=trapped,
        complete=_is_complete(truth),
        hit=tuple(text for k, text in enumerate(listed) if k in hit),
        missed=tuple(text for k, text in enumerate(listed) if k not in hit),
        wrong=tuple(wrong),
        confusion={role: dict(said_roles) for role, said_roles in sorted(confusion.items())},
    )


def judge_pair(truth: Truth, placed: Placed, owner: str | None, page: Box | None) -> list[int] | None:
    """Return which labels (of those with a box) a link hits: none if it is wrong. None: the labels do not tell.

    `owner`: id of the label that the linked product is, if it was found.
    """
    labels = [label for label in truth.image_links if label.bbox]
    shown = [k for k, label in enumerate(labels) if _shows(placed, label, page)]
    own = [k for k in shown if owner is not None and labels[k].product == owner]
    decided = own or shown or _is_complete(truth) or _is_trap(truth, placed, page)
    return own if decided else None


def _is_trap(truth: Truth, placed: Placed, page: Box | None) -> bool:
    return any(_shows(placed, trap, page) for trap in truth.image_traps if trap.bbox)


def _is_complete(truth: Truth) -> bool:
    return isinstance(truth.all_product_images, int) and truth.all_product_images is not False


def share_right(confusion: Mapping[str, Mapping[str, int]]) -> float | None:
    """Return the share of what is said as it is labelled, None of nothing. `confusion`: labelled -> said -> count."""
    whole = sum(count for said in confusion.values() for count in said.values())
    return sum(said.get(label, 0) for label, said in confusion.items()) / whole if whole else None


def _listed(page: int, name: str, box: Box | None) -> str:
    return f"{page} {name} at {' '.join(f'{side:.0f}' for side in box or ())}"


def _shows(placed: Placed, label: LabelledImage, page: Box | None) -> bool:
    """Whether a placement is the labelled picture.

    The labels' boxes are not clipped, so one that shows a small part of the labelled image object is the picture, too.
    """
    if placed.page != label.page or label.image_hint is None or label.bbox is None:
        return False
    if _agree(placed.bbox, label.bbox, page):
        return True
    same_object = bool(label.image_hint.xref) and placed.xref == label.image_hint.xref
    return same_object and shared_area(placed.bbox, label.bbox) >= 0.8 * area(placed.bbox) > 0


def _agree(said: Box, label: Box, page: Box | None) -> bool:
    """Whether two boxes, clipped to the page, are the same place: all sides are near, half of the area of both together
    is shared, or `said` lies in `label` (80 %) and fills 40 % of it: a raster of a page is not each of its goods.
    """
    if page is not None:
        said, label = overlap(said, page), overlap(label, page)
    if not area(said):
        return False
    if all(abs(x - y) <= SLACK for x, y in zip(said, label, strict=True)):
        return True
    shared = shared_area(said, label)
    if not shared:
        return False
    return shared >= 0.5 * (area(said) + area(label) - shared) or (
        shared >= 0.8 * area(said) and shared >= 0.4 * area(label)
    )
