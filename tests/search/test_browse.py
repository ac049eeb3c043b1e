"""Without words and pictures, everything that matches the filters is listed, and counted."""

import pytest

from swatchbook.domain.records import ResultKind, Variant
from swatchbook.index.contract import Where
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import facets_of_search, find_relevant
from swatchbook.store.ledger.queries import filters

ANNA = Where(owner="anna")


@pytest.mark.parametrize("by", ["image", "product", "chunk"])
def test_everything_is_listed_once_page_by_page(sample: Resources, by: ResultKind) -> None:
    total, seen, offset = facets_of_search(sample, SearchRequest(where=ANNA, by=by)).total, list[str](), 0
    while True:
        page = find_relevant(sample, SearchRequest(where=ANNA, by=by, k=1, offset=offset))
        assert page.total == total
        seen += [hit.id for hit in page.hits]
        if page.next is None:
            break
        offset = page.next
    assert total == len(seen) == len(set(seen)) > 1


def test_a_filter_lists_what_facets_count(sample: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    where = ANNA.model_copy(update={"color": ("grey",)})
    whole, counted = (facets_of_search(sample, SearchRequest(where=each)) for each in (ANNA, where))
    for most_kept in (filters.MOST_KEPT, 0):
        monkeypatch.setattr(filters, "MOST_KEPT", most_kept)
        listed = find_relevant(sample, SearchRequest(where=where, k=100))
        assert listed.total == len(listed.hits) == counted.total < whole.total
        assert facets_of_search(sample, SearchRequest(where=where)) == counted


def test_a_search_counts_all_its_results(sample: Resources) -> None:
    first = find_relevant(sample, SearchRequest("oak floor", where=ANNA, k=3))
    whole = find_relevant(sample, SearchRequest("oak floor", where=ANNA, k=100))
    assert first.total == whole.total == len(whole.hits) > 3
    assert first.hits == whole.hits[:3]
    assert facets_of_search(sample, SearchRequest("oak floor", where=ANNA)).total == whole.total
    whole = find_relevant(sample, SearchRequest("oak floor", where=ANNA, by="product", k=100))
    counted = facets_of_search(sample, SearchRequest("oak floor", where=ANNA, by="product")).fields["product"]
    assert {each.value for each in counted.values} == {hit.title for hit in whole.hits}


def test_a_caption_tells_the_variant() -> None:
    variants = oak, smoked = Variant(name="Oak", code="NO-1", price="€ 9"), Variant(name="Oak Smoked", code="NO-107")
    from swatchbook.store.ledger.queries.search_results import named_variant

    assert named_variant(variants, "Room with Nordvik Oak Smoked, NO-107") == smoked
    assert named_variant(variants, "OAK") == oak
    assert named_variant(variants, "Oak smoked and oak") is None  # which of both is not said
    assert named_variant(variants, "A soaked floor") is None
