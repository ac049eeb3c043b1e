"""Searches by images of the collection, away from others, page by page, and with weights."""

import pytest

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import SearchResults
from swatchbook.index.contract import Where
from swatchbook.resources import Resources
from swatchbook.search.fusion import parse_weights
from swatchbook.search.query_pictures import Examples
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant, search
from swatchbook.store.ledger.queries.image import image_details, image_ids

ANNA = Where(owner="anna")


def ids(found: SearchResults) -> list[str]:
    return [hit.id for hit in found.hits]


def test_image_finds_what_its_file_finds_except_itself(sample: Resources) -> None:
    for one in image_ids(sample.ledger, "anna")[:3]:
        details = image_details(sample.ledger, one)
        assert details is not None
        assert details.file is not None
        with sample.files.local(details.file) as path:
            by_file = [hit.id for hit in search(sample, SearchRequest(image=path, where=ANNA, k=6)) if hit.id != one][
                :5
            ]
        assert ids(find_relevant(sample, SearchRequest(examples=Examples([one]), where=ANNA, k=5))) == by_file


def test_results_move_away_from_unwanted_examples(sample: Resources) -> None:
    one, *_ = image_ids(sample.ledger, "anna")
    near = ids(find_relevant(sample, SearchRequest(examples=Examples([one]), where=ANNA, k=13)))
    orders = set[bool]()
    for other in near:
        away = ids(find_relevant(sample, SearchRequest(examples=Examples([one], [other]), where=ANNA, k=13)))
        assert set(away) == {*near} - {other}
        orders.add(away == [each for each in near if each != other])
    assert False in orders  # it is another query, not a filter alone
    words = ids(find_relevant(sample, SearchRequest("oak", where=ANNA)))
    fewer = ids(find_relevant(sample, SearchRequest("oak", examples=Examples((), words[:1]), where=ANNA)))
    assert words[0] not in fewer


def test_weights_choose_the_roles(sample: Resources) -> None:
    found = find_relevant(sample, SearchRequest("oak", where=ANNA, weights=parse_weights("keyword=1, text=0.5")))
    assert {role for hit in found.hits for role in hit.why} == {"keyword", "text"}
    for wrong in ("", "keyword=0", "taste=1", "text=-1", "text=nan", "text"):
        with pytest.raises(InvalidReference):
            parse_weights(wrong)


def test_wrong_examples_are_refused(sample: Resources) -> None:
    one, *_ = image_ids(sample.ledger, "anna")
    for like, unlike in (([one], [one]), (["x"], []), ([], [one[:-1]]), ([], [one])):
        for owner in ("anna", None):
            with pytest.raises(InvalidReference):
                find_relevant(sample, SearchRequest(examples=Examples(like, unlike), where=Where(owner=owner)))
    with pytest.raises(InvalidReference, match="bert has no picture"):
        find_relevant(sample, SearchRequest(examples=Examples([one]), where=Where(owner="bert")))


def test_too_long_text_is_refused(sample: Resources) -> None:
    with pytest.raises(InvalidReference, match="has 100,000 characters"):
        SearchRequest("oak " * 25_000)
    assert search(sample, SearchRequest("oak " * 250, k=1))
