"""The local analyst: what arithmetic can say about a picture (`images/appearance.py`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from swatchbook.records import Analysis

if TYPE_CHECKING:
    from swatchbook.arrays import Pixels
    from swatchbook.ledger.calls import CallContext

SIDE: Final = 160  # pixels, as the descriptors: one decoding serves both
TAG: Final = f"local-analyst@1/{SIDE}"


class LocalAnalyst:
    """An `Analyst` without learned weights."""

    tag = TAG
    side = SIDE

    def __init__(self) -> None:
        from swatchbook.images import appearance, prepare  # numpy and torch: not for those who only ask for a tag

        self._describe, self._shrink = appearance.analyse, prepare.shrink
        self._named = appearance.ColorNames()

    def analyse(self, pictures: "Sequence[Pixels]", context: "CallContext | None" = None) -> list[Analysis]:
        """One analysis a picture; nobody pays."""
        return [self._describe(self._shrink(picture, SIDE), self._named) for picture in pictures]
