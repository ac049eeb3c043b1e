"""The collections of a Weaviate server: their names, schemas, vector indexes, and tenants.

A space is one collection, or two while it is moved from one layout into another.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

from weaviate import WeaviateClient
from weaviate.classes.config import Configure, DataType, Property, StopwordsPreset, Tokenization, VectorDistances
from weaviate.collections import Collection

from swatchbook.domain.records import Role, slug
from swatchbook.domain.setting_values import WeaviateIndexKind
from swatchbook.index.contract import BY_WORDS, TERMS, Space
from swatchbook.index.rules import AMOUNTS, EXACT, KEYWORDS, NUMBERS, WORDS, foreign_space

PREFIX = "Swatchbook_"
"""The prefix of every collection and alias, so that the server can have collections of other applications, too."""

SHORT = frozenset({Role.COLOR, Role.TEXTURE})
"""Roles with short vectors, which are always in a flat index without codes."""

RESCORE = 100
"""The candidates that are compared exactly after their codes: as many as a search requests per role."""

TRAINING = 10_000
"""The objects of a collection or tenant from which SQ and PQ learn their codes; smaller ones have none."""

DEFAULT_KIND: Final = "flat"
FILLING, LEAVING = " (being filled)", " (being left)"
"""Ends of the descriptions of a space's collections while it is moved: of the new one at first, then of the others."""
"""Ends the description of a collection that searches do not read yet."""

_SEPARATOR, _TENANTS = "__", "tenants"  # a space's name has no two underscores in a row


class Layout(NamedTuple):
    """How a collection is built: its vector index, and whether each owner has a tenant."""

    kind: WeaviateIndexKind = DEFAULT_KIND
    tenants: bool = False

    def __str__(self) -> str:
        return f"{self.kind}, {'a tenant for each owner' if self.tenants else 'owners together'}"

    def name(self, space: Space) -> str:
        """Return the name of a space's collection; that of the default layout has no ending."""
        ending = [*([] if self.kind == DEFAULT_KIND else [self.kind]), *([_TENANTS] if self.tenants else [])]
        return _SEPARATOR.join([PREFIX + space.name, *ending])


LAYOUTS: Final = tuple(
    Layout(kind, tenants)
    for tenants in (False, True)
    for kind in ("flat", "flat_bq", "hnsw", "hnsw_rq", "hnsw_bq", "hnsw_sq", "hnsw_pq")
)


def space_name(collection: str) -> str:
    """Return the name of the space to which a collection belongs."""
    return collection.removeprefix(PREFIX).partition(_SEPARATOR)[0]


def has_tenants(collection: str) -> bool:
    return collection.endswith(_SEPARATOR + _TENANTS)


def alias_of(role: Role) -> str:
    return PREFIX + role.value.capitalize()


def tenant_name(seed: str) -> str:
    """Return the tenant of a collection's owner, by the seed of its ids: it stays the same when it is renamed."""
    return f"{slug(seed)[:40].rstrip('_')}_{sha256(seed.encode()).hexdigest()[:16]}"


def own_collections(client: WeaviateClient) -> dict[str, str]:
    """Return name -> description of Swatchbook's collections."""
    listed = client.collections.list_all(simple=True)
    return {name: each.description or "" for name, each in listed.items() if name.startswith(PREFIX)}


def layouts_of(client: WeaviateClient, space: Space, wanted: Layout) -> list[Layout]:
    """Return the layouts in which the server holds a space, first the one that searches read.

    Several are whole from the switch of a move to its end.
    """
    found = own_collections(client)
    here = [layout for layout in LAYOUTS if layout.name(space) in found]

    def rank(layout: Layout) -> tuple[bool, bool, bool]:
        description = found[layout.name(space)]
        return description.endswith(FILLING), description.endswith(LEAVING), layout != wanted

    return sorted(here, key=rank)


def description_of(space: Space) -> str:
    """Return the collection's description, which has the dimension: an empty collection does not store it."""
    return f"Swatchbook: {space.role.value} vectors by {space.tag}, {space.dimension} dimensions"


def create(client: WeaviateClient, space: Space, layout: Layout, *, filling: bool = False) -> None:
    """Create a space's collection in this layout. With `filling`, searches do not read it yet."""
    client.collections.create(
        layout.name(space),
        description=description_of(space) + (FILLING if filling else ""),
        properties=columns(),
        vector_config=Configure.Vectors.self_provided(vector_index_config=_vector_index(space, layout.kind)),
        # English stop words would also be removed from filters, such as the category "other".
        inverted_index_config=Configure.inverted_index(stopwords_preset=StopwordsPreset.NONE),
        multi_tenancy_config=Configure.multi_tenancy(
            enabled=layout.tenants, auto_tenant_creation=layout.tenants, auto_tenant_activation=layout.tenants
        ),
    )


def _vector_index(space: Space, kind: WeaviateIndexKind) -> Any:
    code = Configure.VectorIndex.Quantizer
    cosine = VectorDistances.COSINE
    if space.role in SHORT:
        return Configure.VectorIndex.flat(distance_metric=cosine)
    if kind in ("flat", "flat_bq"):
        # Exact, about 20 times faster to write than HNSW, and a hundred equal vectors do not cut off others. A search
        # takes 15 ms at 40,000 objects, and more with their number.
        codes = code.rq if kind == "flat" else code.bq
        return Configure.VectorIndex.flat(distance_metric=cosine, quantizer=codes(rescore_limit=RESCORE, cache=True))
    quantizers: Mapping[str, Any] = {
        "hnsw": None,
        "hnsw_rq": code.rq(rescore_limit=RESCORE),
        "hnsw_bq": code.bq(rescore_limit=RESCORE),
        "hnsw_sq": code.sq(rescore_limit=RESCORE, training_limit=TRAINING),
        "hnsw_pq": code.pq(training_limit=TRAINING),
    }
    return Configure.VectorIndex.hnsw(
        distance_metric=cosine, ef=2 * RESCORE, ef_construction=128, max_connections=32, quantizer=quantizers[kind]
    )


def columns() -> list[Property]:
    """Return the properties: the payload, its `_words`, and the terms of keyword search. Values are kept whole."""

    def whole(name: str, kind: DataType, *, filterable: bool = True) -> Property:
        return Property(
            name=name,
            data_type=kind,
            tokenization=Tokenization.FIELD,
            index_filterable=filterable,
            index_searchable=False,
        )

    return [
        whole("owner", DataType.TEXT),
        whole("kind", DataType.TEXT),
        *(whole(name, DataType.TEXT_ARRAY) for name in (*EXACT, *BY_WORDS, *TERMS)),
        *(whole(f"{name}_words", DataType.TEXT_ARRAY) for name in WORDS),
        *(whole(name, DataType.TEXT_ARRAY, filterable=False) for name in ("names", "languages")),
        *(whole(name, DataType.TEXT, filterable=False) for name in ("text", "file")),
        Property(
            name=KEYWORDS,
            data_type=DataType.TEXT,
            tokenization=Tokenization.WHITESPACE,
            index_filterable=False,
            index_searchable=True,
        ),
        *(
            Property(name=name, data_type=DataType.NUMBER, index_filterable=True, index_range_filters=True)
            for name in AMOUNTS
        ),
        *(Property(name=name, data_type=DataType.INT_ARRAY, index_filterable=True) for name in NUMBERS),
    ]


def compare(space: Space, layout: Layout, collection: Collection[Any, Any]) -> None:
    """Raise Configuration if the collection's schema differs from that of `create`."""
    config = collection.config.get()
    if (config.description or "").removesuffix(FILLING).removesuffix(LEAVING) != description_of(space):
        raise foreign_space(space, f"it is {config.description!r}, not {description_of(space)!r}")
    expected = {column.name: (column.dataType.value, column.tokenization) for column in columns()}
    found = {column.name: (column.data_type.value, column.tokenization) for column in config.properties}
    if strange := sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name)):
        raise foreign_space(space, f"its properties differ in {', '.join(strange)}")
    vectors = config.vector_config or {}
    if [*vectors] != ["default"] or vectors["default"].vectorizer.vectorizer != "none":
        raise foreign_space(
            space, f"its vectors are {', '.join(vectors) or 'of the older kind'}, not one that the client provides"
        )
    if getattr(vectors["default"].vector_index_config, "distance_metric", None) != VectorDistances.COSINE:
        raise foreign_space(space, "its distance is not cosine")
    if config.multi_tenancy_config.enabled != layout.tenants:
        raise foreign_space(space, "it is multi-tenant" if not layout.tenants else "it has no tenants")
    if layout.tenants:
        return  # their vectors are in the tenants
    for held in collection.query.fetch_objects(limit=1, include_vector=True, return_properties=[]).objects:
        if (found_dimension := len(held.vector.get("default", ()))) != space.dimension:
            raise foreign_space(space, f"its vectors have {found_dimension} dimensions, not {space.dimension}")
