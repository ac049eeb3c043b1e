"""The filters of a search as those of Weaviate's client."""

from weaviate.classes.query import Filter
from weaviate.collections.classes.filters import FilterReturn

from swatchbook.index.contract import SUPERSEDED, Where
from swatchbook.index.rules import Condition, conditions
from swatchbook.index.words import word_pattern
from swatchbook_weaviate.schema import Layout


def filters_of(where: Where | None, layout: Layout) -> FilterReturn | None:
    """Return the client's filter, or None if nothing is filtered. Tenants have the objects of one owner."""
    if where is None:
        return None
    asked = [_any_of(condition) for condition in conditions(where)]
    if where.newest_only:
        asked.append(Filter.by_property("kind").not_equal(SUPERSEDED))
    if where.whose and not layout.tenants:
        asked.append(Filter.by_property("owner").contains_any(list(where.whose)))
    return Filter.all_of(asked) if asked else None


def _any_of(condition: Condition) -> FilterReturn:
    exact = [Filter.by_property(name).contains_any(values) for name, values in condition.exact.items() if values]
    words = [
        Filter.by_property(name).like(f"*{word_pattern(each, '*')}*")  # within one value: each is a separate token
        for name, alternatives in condition.words.items()
        for each in alternatives
    ]
    limits = [Filter.by_property(name).greater_or_equal(limit) for name, limit in condition.at_least.items()]
    limits += [Filter.by_property(name).less_or_equal(limit) for name, limit in condition.at_most.items()]
    return Filter.any_of([*exact, *words, *limits])
