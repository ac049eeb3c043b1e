"""The index contract: what publishing and search need of a vector index, and no more.

An index is only ever published to from the ledger, can be rebuilt from it, and holds nothing of its own.
Both implementations pass `tests/index/test_contract.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pydantic import Field

from swatchbook.errors import Failure
from swatchbook.records import Record, Role, slug

if TYPE_CHECKING:  # the account is read without it
    import numpy as np
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[np.float32]"
"""(dimension,)"""


class Space(Record):
    """Where the vectors of one (role, tag) are searchable: one Weaviate collection, one LanceDB table."""

    role: Role
    tag: str
    dimension: int

    @property
    def name(self) -> str:
        """Its name in the index: `<Role>_<tag slug>`, safe in both."""
        return f"{self.role.value.capitalize()}_{slug(self.tag)}"


class Payload(Record):
    """What people filter on, and what keyword search reads. The same in every space of an object."""

    owner: str
    kind: str  # "image" or "chunk"
    documents: tuple[str, ...] = ()
    products: tuple[str, ...] = ()  # ids
    names: tuple[str, ...] = ()  # of the products
    category: tuple[str, ...] = ()
    material: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    price: float | None = None
    pages: tuple[int, ...] = ()
    file: str = ""
    text: str = ""  # caption and description of an image, text of a chunk; searched by keyword


class IndexObject:
    """One vector with its payload. `id` is the image's or chunk's UUID. Written whole; nothing is merged."""

    __slots__ = ("id", "payload", "vector")

    def __init__(self, id: str, vector: Vector, payload: Payload) -> None:
        self.id, self.vector, self.payload = id, vector, payload


class Where(Record):
    """Filters, all of which must hold; within one field any of the values.

    A text (category, material, colors, the name of a product) holds where all its words are in one value of the field,
    in any order, whatever their case and accents (rules.py); owner and ids compare as they are.
    """

    owner: str | None = None
    documents: tuple[str, ...] = ()
    products: tuple[str, ...] = ()  # ids, or words of their names
    category: tuple[str, ...] = ()
    material: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    price_min: float | None = Field(default=None, ge=0)
    price_max: float | None = Field(default=None, ge=0)


class Match(Record):
    """One search result: smaller distance is nearer (cosine, 0–2); a keyword match has a score, larger is better."""

    id: str
    distance: float | None = None
    score: float | None = None


class Index(Protocol):
    """Raises IndexDown when it does not answer, Authentication when it will not, DiskFull when it takes no writes,

    Configuration for a foreign schema, or when something else than `delete` and `drop` is asked of a missing space.
    """

    def probe(self) -> None:
        """A real query. Raises IndexDown, Authentication, Configuration or DiskFull."""

    def ensure(self, space: Space) -> None:
        """Create the space if it is missing. Raises Configuration if it exists with another schema or dimension."""

    def upsert(self, space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
        """Replace whole objects by id. Returns id -> failure for those refused (NaN, zero, dimension, server)."""

    def fetch(self, space: Space, ids: Sequence[str]) -> Mapping[str, IndexObject]:
        """Those of the ids that are there."""

    def delete(self, space: Space, ids: Sequence[str]) -> None:
        """Remove by id; missing ones are no error."""

    def ids(self, space: Space) -> Iterator[str]:
        """All ids, in bounded memory."""

    def search(self, space: Space, vector: Vector, k: int, where: Where | None = None) -> list[Match]:
        """The k nearest by cosine distance, nearest first."""

    def keyword(self, space: Space, text: str, k: int, where: Where | None = None) -> list[Match]:
        """The k best by BM25 over `text` and `names`, best first."""

    def count(self, space: Space, where: Where | None = None) -> int: ...

    def activate(self, space: Space) -> None:
        """Let the role's public name (Weaviate's alias) stand for this space. The ledger decides; this follows."""

    def active(self, role: Role) -> str | None:
        """Name of the space that the role's public name stands for, None if there is none."""

    def spaces(self) -> Iterable[str]:
        """Names of all spaces there are."""

    def drop(self, space: Space) -> None:
        """Delete the space; a missing one is no error."""

    def compact(self) -> None:
        """Give back the room that older versions hold, where the index does not do so by itself."""

    def close(self) -> None: ...
