"""What an index must do (`Index`), what is stored beside a vector (`Payload`), and what a search may filter by
(`Where`). What a filter matches is in `rules.py`.

An index is filled only from the ledger and can be rebuilt from it. Both implementations pass
`tests/index/test_contract.py`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from pydantic import Field

from swatchbook.errors import Failure
from swatchbook.records import Editions, Record, Role, slug

if TYPE_CHECKING:  # commands that do not search must not import numpy
    import numpy as np
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[np.float32]"
"""(dimension,)"""

WRITE_SECONDS = 40
"""The longest that one write may take, waiting for another writer included. A publisher's lease outlives it."""


BY_WORDS = ("category", "brand", "size", "condition", "currency", "host")
"""Fields that filters match by words alone."""

TERMS = ("material", "colors")
"""Fields that filters match also by terms of the vocabulary."""

SUPERSEDED = "superseded"
"""Kind of an object that only older editions show."""


class Space(Record):
    """The searchable vectors of one (role, tag): a Weaviate collection or a LanceDB table."""

    role: Role
    tag: str
    dimension: int

    @property
    def name(self) -> str:
        """Return its name in the index, `<Role>_<tag slug>`, which is valid in both implementations."""
        return f"{self.role.value.capitalize()}_{slug(self.tag)}"


class Payload(Record):
    """The fields of an object for filters and keyword search. They are the same in all its spaces."""

    owner: str
    kind: str  # "image" or "chunk"; or SUPERSEDED
    documents: tuple[str, ...] = ()
    products: tuple[str, ...] = ()  # ids
    names: tuple[str, ...] = ()  # of the products
    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    size: tuple[str, ...] = ()  # "60x120 cm"
    condition: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    host: tuple[str, ...] = ()  # of the products' URLs
    material: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    price: float | None = None
    pages: tuple[int, ...] = ()
    file: str = ""
    text: str = ""  # caption and description of an image, text of a chunk; searched by keyword
    languages: tuple[str, ...] = ()  # codes of those in which keyword search stems names and text (terms.py)
    # where several products or documents show an image: the fields of each of them alone; not in the index
    parts: tuple["Payload", ...] = ()


COLUMNS = tuple(name for name in Payload.model_fields if name != "parts")
"""Fields of a payload that an index stores."""


class IndexObject:
    """A vector with its payload. `id`: the image's or chunk's UUID. Writing replaces the whole object."""

    __slots__ = ("id", "payload", "vector")

    def __init__(self, id: str, vector: Vector, payload: Payload) -> None:
        self.id, self.vector, self.payload = id, vector, payload


class Where(Record):
    """Search filters. All fields must match; of a field's values any one.

    A text (those of BY_WORDS and TERMS, a product's name) matches if all its words occur in one value of the field, in
    any order, ignoring case and accents (words.py). Materials and colours also match in other languages, and by
    narrower terms (vocabulary.toml). Owner and ids must be equal.
    """

    owner: str | None = None
    owners: tuple[str, ...] = ()  # instead of one
    documents: tuple[str, ...] = ()
    products: tuple[str, ...] = ()  # ids, or words of their names
    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    size: tuple[str, ...] = ()
    condition: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    material: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    pages: tuple[int, ...] = ()
    price_min: float | None = Field(default=None, ge=0)
    price_max: float | None = Field(default=None, ge=0)
    editions: Editions = "newest"

    @property
    def newest_only(self) -> bool:
        """Whether what only older editions show is left out. Who names documents asks for those."""
        return self.editions == "newest" and not self.documents

    @property
    def whose(self) -> tuple[str, ...]:
        """Return the owners that are searched; none of them stands for all."""
        return self.owners if self.owner is None else (self.owner,)


class Match(NamedTuple):
    """A search result: a vector match has a cosine distance (0–2, smaller is nearer), a keyword match a BM25 score.

    No record: a search makes hundreds.
    """

    id: str
    distance: float | None = None
    score: float | None = None


class Index(Protocol):
    """A vector index. Its operations raise:

    IndexDown if it does not answer, Authentication if it rejects the key, DiskFull if it cannot write, Configuration
    for a space with another schema, and for a missing space (except in `delete` and `drop`).
    """

    def probe(self) -> None:
        """Run a real query. Raises IndexDown, Authentication, Configuration or DiskFull."""

    def ensure(self, space: Space) -> None:
        """Create the space if it is missing. Raises Configuration if it exists with another schema or dimension."""

    def upsert(self, space: Space, objects: Sequence[IndexObject]) -> Mapping[str, Failure]:
        """Write or replace objects by id. Return id -> failure of those rejected (NaN, zero, wrong length, server)."""

    def fetch(self, space: Space, ids: Sequence[str]) -> Mapping[str, IndexObject]:
        """Return id -> object for the ids that exist."""

    def delete(self, space: Space, ids: Sequence[str]) -> None:
        """Delete objects by id; missing ids are ignored."""

    def ids(self, space: Space) -> Iterator[str]:
        """Yield all ids, in bounded memory."""

    def search(self, space: Space, vector: Vector, k: int, where: Where | None = None) -> list[Match]:
        """Return the k nearest objects by cosine distance, nearest first."""

    def keyword(self, space: Space, text: str, k: int, where: Where | None = None) -> list[Match]:
        """Return the k best objects by BM25 over the terms (terms.py) of `text` and `names`, best first."""

    def count(self, space: Space, where: Where | None = None) -> int: ...

    def activate(self, space: Space) -> None:
        """Point the role's public name (Weaviate's alias) to this space, as the ledger has decided."""

    def active(self, role: Role) -> str | None:
        """Return the name of the space to which the role's public name points; None if there is none."""

    def spaces(self) -> Iterable[str]:
        """Return the names of all spaces."""

    def drop(self, space: Space) -> None:
        """Delete the space; a missing space is ignored."""

    def compact(self, *, at_once: bool = False) -> None:
        """Free the disk space of old versions, unless the index does that itself.

        `at_once`: also of versions that a reader may have opened just now; its query fails.
        """

    def close(self) -> None: ...
