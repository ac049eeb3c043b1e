"""What models promise. A new model is one file beside this one and one line in `registry.py`.

Models are pure: they keep no state between calls but their weights, and the same input gives the same output.
A model either answers for all of its input or raises a `Failure` (errors.py); `make.py` isolates the item at fault.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from swatchbook.arrays import Pixels, Vectors
from swatchbook.errors import Failure
from swatchbook.records import Analysis, Role

if TYPE_CHECKING:  # a tag is known without numpy
    from swatchbook.ledger.calls import CallContext


class ImageEncoder(Protocol):
    """Pictures to vectors, all roles in one pass."""

    @property
    def tags(self) -> Mapping[Role, str]:
        """role -> `name@revision/recipe`. A changed formula is a changed tag."""

    @property
    def dimensions(self) -> Mapping[Role, int]:
        """role -> length of its vectors."""

    @property
    def side(self) -> int:
        """Longest side in pixels that pictures are decoded to for it."""

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """role -> (n, dimension) float32, unit length, in the order given."""


@runtime_checkable
class TextTower(Protocol):
    """The part of an ImageEncoder that reads: words are looked for among pictures."""

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension) float32, unit length, in the space of the encoder's role `visual`, in the order given."""

    def join(self, seen: Vectors, said: Sequence[str]) -> Vectors:
        """(n, dimension) float32, unit length: the role `multimodal`.

        Of pictures by their `visual` vectors (n, dimension), and what is said of each.
        """


class Analyst(Protocol):
    """Pictures to what is seen in them."""

    @property
    def tag(self) -> str: ...

    @property
    def side(self) -> int: ...

    def analyse(self, pictures: Sequence[Pixels], context: "CallContext | None") -> Sequence[Analysis | Failure]:
        """One analysis or failure a picture, in the order given. `context` pays for what costs."""


class TextEncoder(Protocol):
    """Text to vectors."""

    @property
    def tag(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def load(self) -> None:
        """Load what documents need, as the first of them would; nothing where the model is elsewhere."""

    def embed(
        self,
        texts: Sequence[str],
        kind: Literal["document", "query"] = "document",
        context: "CallContext | None" = None,
    ) -> Vectors:
        """(n, dimension) float32, unit length, in the order given. `context` pays for documents, where that costs."""
