"""The local analyst as a model: its tag, and the size to which it shrinks pictures. Its rules for colours, pattern,
contrast and quality are in `images/local_analysis.py`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from swatchbook.records import Analysis

if TYPE_CHECKING:
    from swatchbook.arrays import Pixels
    from swatchbook.ledger.calls import CallContext

SIDE: Final = 160  # pixels, as for the descriptors, so that one decoding serves both
TAG: Final = f"local-analyst@1/{SIDE}"


class LocalAnalyst:
    """An `Analyst` without learned weights."""

    tag = TAG
    side = SIDE

    def __init__(self) -> None:
        from swatchbook.images import (  # import numpy and torch, which reading a tag does not need
            local_analysis,
            prepare,
        )

        self._describe, self._shrink = local_analysis.analyse, prepare.shrink
        self._color_names = local_analysis.ColorNames()

    def analyse(self, pictures: "Sequence[Pixels]", context: "CallContext | None" = None) -> list[Analysis]:
        """Return one analysis per picture, in input order. It costs nothing, so `context` is not used."""
        return [self._describe(self._shrink(picture, SIDE), self._color_names) for picture in pictures]
