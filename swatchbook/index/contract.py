"""The contract of an index (`Index`), the data stored with a vector (`Payload`), and the filters (`Filters`).

`rules.py` has what a filter matches.

An index is filled only from the ledger and can be rebuilt from it. Both implementations pass
`tests/index/test_contract.py`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import Enum, auto
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    NamedTuple,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    runtime_checkable,
)

from pydantic import Field

from swatchbook.domain.errors import Failure
from swatchbook.domain.records import Editions, Record, Role, RoleTag, slug

if TYPE_CHECKING:  # commands that do not search must not import numpy
    import numpy as np
    from numpy.typing import NDArray

Vector: TypeAlias = "NDArray[np.float32]"
"""A vector of shape (dimension,)."""

WRITE_SECONDS = 40
"""The longest time of one write, including the wait for another writer. A publisher's lease is longer."""

SUPERSEDED = "superseded"
"""The kind of an object that only older editions show."""


class Space(Record):
    """The searchable vectors of one (role, tag): a Weaviate collection or a LanceDB table."""

    role: Role
    tag: str
    dimension: int

    @property
    def pair(self) -> RoleTag:
        """Return its role and tag."""
        return RoleTag(role=self.role, tag=self.tag)

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
    names: tuple[str, ...] = ()  # names of the products
    category: tuple[str, ...] = ()
    brand: tuple[str, ...] = ()
    size: tuple[str, ...] = ()  # "60x120 cm"
    condition: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    host: tuple[str, ...] = ()  # hosts of the products' URLs
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
    """A vector with its payload. Writing replaces the whole object.

    `id`: the image's or chunk's UUID, which belongs to the collection of one owner for good.
    """

    __slots__ = ("id", "payload", "vector")

    def __init__(self, id: str, vector: Vector, payload: Payload) -> None:
        self.id, self.vector, self.payload = id, vector, payload


# --- filters ----------------------------------------------------------------------------------------------------------


class Kind(Enum):
    """The way in which the values of a filter match a column of the payload."""

    IDS = auto()  # one is equal
    PRODUCTS = auto()  # one is equal to a product's id, or all its words are in a product's name
    WORDS = auto()  # all words of one are in one value, in any order, ignoring case and accents (words.py)
    TERMS = auto()  # the same, and also in other languages and by narrower terms (vocabulary.toml)
    NUMBERS = auto()  # one is equal
    AT_LEAST = auto()
    AT_MOST = auto()


class Candidates(Enum):
    """The candidates (images and chunks that lead to results) that must satisfy a filter; each result must."""

    ALL = auto()
    IMAGES = auto()  # images, and chunks that are results themselves
    RESULTS = auto()  # only candidates that are results themselves
    NONE = auto()


class Filter(NamedTuple):
    """The way in which a filter matches, the column of the payload, and the candidates that must satisfy it."""

    kind: Kind
    column: str
    candidates: Candidates = Candidates.ALL

    @property
    def is_limit(self) -> bool:
        """Whether the filter takes one number instead of several values."""
        return self.kind in (Kind.AT_LEAST, Kind.AT_MOST)


MOST_VALUES = 100
"""The most values of one filter."""

Id = TypeVar("Id")
Text = TypeVar("Text")
Page = TypeVar("Page")
Amount = TypeVar("Amount")


def _several(description: str) -> Any:
    return Field(default=(), max_length=MOST_VALUES, description=description)


class Filters(Record, Generic[Id, Text, Page, Amount]):
    """The filters of a search, each with its name in commands, requests and programs.

    All filters must match, each by any of its values. The class is generic over the types of values: a service accepts
    fewer of them than `Where`.
    """

    document: Annotated[tuple[Id, ...], Filter(Kind.IDS, "documents")] = _several("Document ids.")
    product: Annotated[tuple[Text, ...], Filter(Kind.PRODUCTS, "names")] = _several("Product id, or words of its name.")
    category: Annotated[tuple[Text, ...], Filter(Kind.WORDS, "category")] = _several("Category of the product.")
    brand: Annotated[tuple[Text, ...], Filter(Kind.WORDS, "brand")] = _several("Brand of the product.")
    size: Annotated[tuple[Text, ...], Filter(Kind.WORDS, "size")] = _several("`60x120` is also `60 × 120 cm`.")
    condition: Annotated[tuple[Text, ...], Filter(Kind.WORDS, "condition")] = _several("Such as new or used.")
    currency: Annotated[tuple[Text, ...], Filter(Kind.WORDS, "currency")] = _several("Code, such as EUR.")
    host: Annotated[tuple[Text, ...], Filter(Kind.WORDS, "host")] = _several("Of the product's URL.")
    material: Annotated[tuple[Text, ...], Filter(Kind.TERMS, "material")] = _several(
        "Also in other languages: porcelain is `gres porcellanato`."
    )
    # Chunks do not have the colours of pictures.
    color: Annotated[tuple[Text, ...], Filter(Kind.TERMS, "colors", Candidates.IMAGES)] = _several(
        "Also in other languages, and shades of it: navy is a blue."
    )
    # Products and chunks have their own pages.
    page: Annotated[tuple[Page, ...], Filter(Kind.NUMBERS, "pages", Candidates.RESULTS)] = _several(
        "Pages of the document, from 1."
    )
    # An image or chunk of several products has the lowest of their prices, in any currency: another may be high enough.
    price_min: Annotated[Amount | None, Filter(Kind.AT_LEAST, "price", Candidates.NONE)] = Field(
        default=None, description="Least price. With `currency`, in that one only."
    )
    price_max: Annotated[Amount | None, Filter(Kind.AT_MOST, "price")] = Field(
        default=None, description="Highest price. With `currency`, in that one only."
    )
    editions: Editions = Field(
        default="newest", description="`all` also finds what only older editions show; `document` finds its own."
    )


OneOrMore: TypeAlias = str | Sequence[str]


class FilterArguments(TypedDict, total=False):
    """Filters as arguments of `swatchbook_client.Client` and `swatchbook_notebook.Swatchbook`: docs/filters.md."""

    document: OneOrMore
    product: OneOrMore
    category: OneOrMore
    brand: OneOrMore
    size: OneOrMore
    condition: OneOrMore
    currency: OneOrMore
    host: OneOrMore
    material: OneOrMore
    color: OneOrMore
    page: int | Sequence[int]
    price_min: float | None
    price_max: float | None
    editions: Editions


class Where(Filters[str, str, int, Annotated[float, Field(ge=0)]]):
    """The filters of a search, with the owners that are searched. Owner and ids must be equal."""

    owner: str | None = None
    owners: tuple[str, ...] = ()  # instead of one

    @property
    def newest_only(self) -> bool:
        """Whether objects that only older editions show are left out; a filter by document includes them."""
        return self.editions == "newest" and not self.document

    @property
    def whose(self) -> tuple[str, ...]:
        """Return the owners that are searched; an empty tuple means all."""
        return self.owners if self.owner is None else (self.owner,)

    def asked(self) -> Iterator[tuple[Filter, Any]]:
        """Yield each given filter with its values or its limit."""
        for name, each in FILTERS.items():
            if (value := getattr(self, name)) not in ((), None):
                yield each, value


FILTERS: Mapping[str, Filter] = {
    name: each for name, field in Filters.model_fields.items() for each in field.metadata if isinstance(each, Filter)
}
"""Name -> filter, in the order of `Filters`."""


def columns_of(*kinds: Kind) -> tuple[str, ...]:
    """Return the columns that filters of these kinds match, each once."""
    return tuple(dict.fromkeys(each.column for each in FILTERS.values() if each.kind in kinds))


BY_WORDS = columns_of(Kind.WORDS)
"""Columns that filters match only by words."""

TERMS = columns_of(Kind.TERMS)
"""Columns that filters also match by terms of the vocabulary."""


# --- the index --------------------------------------------------------------------------------------------------------


class Match(NamedTuple):
    """A search result: a vector match has a cosine distance (0–2, smaller is nearer), a keyword match a BM25 score.

    It is a tuple, no record, because a search makes hundreds.
    """

    id: str
    distance: float | None = None
    score: float | None = None


class Index(Protocol):
    """A vector index.

    Its operations raise IndexDown if it does not answer, Authentication if it rejects the key, DiskFull if it cannot
    write, IndexDamaged if its files cannot be read, and Configuration for a space with another schema, or a missing
    space (except in `delete` and `drop`).
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

    def spaces(self) -> Iterable[str]:
        """Return the names of all spaces."""

    def drop(self, space: Space) -> None:
        """Delete the space; a missing space is ignored."""

    def compact(self, *, at_once: bool = False) -> None:
        """Free the disk space of old versions, unless the index does that itself.

        With `at_once` this includes versions that a reader may have just opened; its query then fails.
        """

    def close(self) -> None: ...


@runtime_checkable
class GrowingIndex(Protocol):
    """What an index does besides `Index` whose large spaces need a vector index that is built afterwards."""

    def build_due(self) -> int:
        """Build what has grown large enough, while others search and write; return the number of spaces."""


@runtime_checkable
class KeptInMemory(Protocol):
    """What an index does besides `Index` that may keep its spaces in memory."""

    def is_in_memory(self) -> bool:
        """Return whether a query of what was searched before takes less time than to hand it to another thread."""


@runtime_checkable
class CheckedIndex(Protocol):
    """What an index does besides `Index` whose files may be damaged, although it still answers some queries."""

    def check(self, space: Space) -> None:
        """Read all that searches of the space need. Raises IndexDamaged."""


class MoveState(Record):
    """The layout of a space that searches read, and that of the settings; `done`: there is only this one."""

    read: str
    wanted: str
    done: bool


@runtime_checkable
class MovableIndex(Protocol):
    """What an index with several layouts does besides `Index`: keep tenants and names. Its package moves spaces."""

    def activate(self, space: Space) -> None:
        """Point the role's public name (Weaviate's alias) to this space, as the ledger has decided."""

    def active(self, role: Role) -> str | None:
        """Return the name of the space to which the role's public name points; None if there is none."""

    def move_state(self, space: Space) -> MoveState:
        """Return the layouts of a space. Raises Configuration if it is missing."""

    def delete_owned(self, space: Space, ids: Sequence[str], owner: str) -> None:
        """Delete objects of an owner by id, as `delete` does, without asking the tenants of others."""

    def drop_unused_tenants(self, owners: Callable[[], Collection[str]]) -> int:
        """Delete the tenants of owners that are no more; return their number. `owners` is read after the tenants."""

    def lost_vectors(self, space: Space, *, graphs: bool = True) -> list[str]:
        """Return ids of objects that a search by their own vector does not find, although they are there.

        A server that is killed loses the vectors that it took in last. Delete these objects before they are written
        again: what seems unchanged is not indexed again. A flat index is asked once for many objects, a graph once for
        each; without `graphs` it is not.
        """

    def last_start(self) -> str:
        """Return a text that changes when the server restarts."""

    def rest(self) -> int:
        """Deactivate the tenants that this process has not seen in use for a while; return their number."""
