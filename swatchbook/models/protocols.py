"""The interfaces that models implement (image encoder, text tower, analyst, text encoder), with shapes and units.

A new model is one file in this folder and one line in `registry.py`.

Models are pure: they keep no state between calls except their weights, and the same input gives the same output.
A model returns a result for every input or raises a `Failure` (errors.py); the pipeline then bisects the batch to find
the item at fault.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import Analysis, Role
from swatchbook_base.arrays import Pixels, Vectors

if TYPE_CHECKING:
    from swatchbook.store.ledger.calls import CallContext


class ImageEncoder(Protocol):
    """Turns pictures into vectors, all roles in one pass."""

    @property
    def tags(self) -> Mapping[Role, str]:
        """Return role -> `name@revision/recipe`. A changed formula needs a new tag."""

    @property
    def dimensions(self) -> Mapping[Role, int]:
        """Return role -> length of its vectors."""

    @property
    def side(self) -> int:
        """Return the longest side, in pixels, to which pictures are decoded for this encoder."""

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """Return role -> (n, dimension) float32, unit length, in input order."""


@runtime_checkable
class TextTower(Protocol):
    """The text side of an ImageEncoder: encodes texts into the space of its pictures."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """Return (n, dimension) float32, unit length, in the space of the role `visual`, in input order."""

    def combine(self, visual: Vectors, texts: Sequence[str]) -> Vectors:
        """Return `multimodal` vectors, (n, dimension) float32, unit length, in input order.

        `visual`: the pictures' `visual` vectors, (n, dimension). `texts`: each picture's text.
        """


class Analyst(Protocol):
    """Describes what is visible in pictures."""

    @property
    def tag(self) -> str: ...

    @property
    def side(self) -> int: ...

    def analyse(self, pictures: Sequence[Pixels], context: "CallContext | None") -> Sequence[Analysis | Failure]:
        """Return one analysis or failure per picture, in input order. `context` is charged for provider calls."""


class TextEncoder(Protocol):
    """Turns texts into vectors."""

    @property
    def tag(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Load the model that embeds documents now instead of at its first use; do nothing for a provider's model."""

    def embed(
        self,
        texts: Sequence[str],
        kind: Literal["document", "query"] = "document",
        context: "CallContext | None" = None,
    ) -> Vectors:
        """Return (n, dimension) float32, unit length, in input order. `context` is charged for provider calls."""
