"""Compare the searches of a new space with those of the active one, before it is activated.

For sampled queries it measures how many of the first ten results both have, and how similar their order is (Spearman's
ρ). Text roles are queried with the names of products, encoded by each space's model. Roles of pictures are queried with
the vectors of stored pictures in each space, so that no provider is asked for those.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import numpy as np

from swatchbook.domain.records import Record, Role
from swatchbook.index.contract import Space
from swatchbook.resources import Resources
from swatchbook.store.ledger import space_registry
from swatchbook.store.ledger.space_objects import sample_names, sample_objects
from swatchbook.upkeep.spaces import chosen_pairs
from swatchbook_base.arrays import Vectors

TOP: Final = 10
"""Results that are compared: what people look at."""

DEPTH: Final = 100
"""Results in which the rank of each is looked up; those behind share the next rank."""

SHOWN: Final = 5
"""Queries listed as the worst."""


class ComparedQuery(Record):
    """One query: a product's name, or an image's id. `overlap`: share of the first ten results that both spaces have.

    `correlation`: Spearman's ρ of the ranks of all results that are among the first ten of either; 1 is the same order.
    """

    query: str
    overlap: float
    correlation: float


class Comparison(Record):
    """The means over all queries of a role, and the queries whose results differ most."""

    role: Role
    active: str
    new: str
    queries: int
    overlap: float
    correlation: float
    worst: tuple[ComparedQuery, ...]


def compare_spaces(resources: Resources, *, roles: Collection[Role] = (), queries: int = 50) -> tuple[Comparison, ...]:
    """Return a comparison for each role whose active space the models in the settings would replace.

    Raises Configuration where a model cannot be loaded, and what its provider raises.
    """
    known = {each.pair: each for each in space_registry.registered(resources.ledger) if not each.dropping}
    active = space_registry.active_spaces(resources.ledger)
    compared = []
    for pair in chosen_pairs(resources, roles):
        before = active.get(pair.role)
        if before is not None and before.pair != pair and pair in known:
            vectors = _queries(resources, before.space, known[pair].space, queries)
            if vectors:
                compared.append(_compare(resources, before.space, known[pair].space, vectors))
    return tuple(compared)


Queries = Mapping[str, tuple[Vectors, Vectors]]
"""Query -> its vector in the active and in the new space, each (dimension,)."""


def _queries(resources: Resources, old: Space, new: Space, count: int) -> Queries:
    if old.role in space_registry.TEXT_ENCODER_ROLES:
        names = sample_names(resources.ledger, count)
        if not names:
            return {}
        both = [resources.models_of(space.pair).text_encoder.embed(names, "query") for space in (old, new)]
        return {name: (both[0][row], both[1][row]) for row, name in enumerate(names)}
    ids = sample_objects(resources.ledger, old.pair, count)
    before, after = resources.index.fetch(old, ids), resources.index.fetch(new, ids)
    return {i: (before[i].vector, after[i].vector) for i in ids if i in before and i in after}


def _compare(resources: Resources, old: Space, new: Space, queries: Queries) -> Comparison:
    compared = list[ComparedQuery]()
    for query, (before, after) in queries.items():
        first, second = (
            [match.id for match in resources.index.search(space, vector, DEPTH + 1) if match.id != query][:DEPTH]
            for space, vector in ((old, before), (new, after))
        )
        compared.append(
            ComparedQuery(query=query, overlap=overlap(first, second), correlation=rank_correlation(first, second))
        )
    worst = sorted(compared, key=lambda each: (each.overlap, each.correlation, each.query))
    return Comparison(
        role=old.role,
        active=old.tag,
        new=new.tag,
        queries=len(compared),
        overlap=round(float(np.mean([each.overlap for each in compared])), 4),
        correlation=round(float(np.mean([each.correlation for each in compared])), 4),
        worst=tuple(worst[:SHOWN]),
    )


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the share of the first ten results of two rankings that both have; 1 where both are empty."""
    most = max(len(first[:TOP]), len(second[:TOP]))
    return len(set(first[:TOP]) & set(second[:TOP])) / most if most else 1.0


def rank_correlation(first: Sequence[str], second: Sequence[str]) -> float:
    """Return Spearman's ρ of the results among the first ten of either ranking; 1 where there are fewer than two."""
    ids = sorted({*first[:TOP], *second[:TOP]})
    if len(ids) < 2:
        return 1.0
    ranks = [_ranks(ids, ranking) for ranking in (first, second)]
    if any(each.std() == 0 for each in ranks):
        return 0.0
    return round(float(np.asarray(np.corrcoef(ranks))[0, 1]), 4)


def _ranks(ids: Sequence[str], ranking: Sequence[str]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the ranks of ids by their places in a ranking; those that are not in it share the mean of the last."""
    places = {found: place for place, found in enumerate(ranking)}
    values = np.array([places.get(each, len(places)) for each in ids])
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[inverse].astype(np.float64)
