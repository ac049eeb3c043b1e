"""A search finds the same whether or not searches before it have read the ledger, whatever was committed in between."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import UpdateBase, delete, func, select, update

from swatchbook.domain.records import PlacementState, ResultKind, SearchResults
from swatchbook.index.contract import Where
from swatchbook.resources import Resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant
from swatchbook.store.ledger.database import Ledger, open_ledger
from swatchbook.store.ledger.document_commands import mark_deleting
from swatchbook.store.ledger.tables import documents, links, placements, products
from swatchbook.store.ledger.trashed_documents import move_to_trash
from tests.fixtures import SOAK

PRODUCT = select(products.c.id).order_by(products.c.name).limit(1).scalar_subquery()
LINK = select(func.min(links.c.source)).scalar_subquery()
PICTURE = select(placements.c.id).where(placements.c.state == PlacementState.SHOWN).limit(1).scalar_subquery()
RENAME = update(documents).values(name=documents.c.name + "f")
CHANGES: tuple[UpdateBase, ...] = (
    update(products).where(products.c.id == PRODUCT).values(name=products.c.name + " oak"),
    delete(links).where(links.c.source == LINK),
    update(placements).where(placements.c.id == PICTURE).values(state=PlacementState.HIDDEN),
    update(placements).values(caption=placements.c.kind + " of oak"),
    RENAME,
)
TEXTS = ("oak floor", "grey terrazzo", "slip rating", "piston ring")
KINDS: tuple[ResultKind, ...] = ("image", "product", "chunk")
ASKED = st.tuples(st.sampled_from(TEXTS), st.sampled_from(KINDS), st.sampled_from([Where(owner="anna"), Where()]))


@pytest.fixture
def sample(filled: Path, resources: Resources) -> Resources:
    return resources


def test_searches_find_what_they_would_find_first(sample: Resources) -> None:
    other = open_ledger(sample.settings.ledger)  # as another process has it

    def find(text: str, by: ResultKind, where: Where) -> SearchResults:
        return find_relevant(sample, SearchRequest(text, where=where, by=by))

    @settings(
        max_examples=20 if SOAK else 4, derandomize=True, database=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.lists(st.one_of(ASKED, ASKED, st.sampled_from(CHANGES)), min_size=8, max_size=16))
    def hold(steps: list[tuple[str, ResultKind, Where] | UpdateBase]) -> None:
        for step in steps:
            if isinstance(step, UpdateBase):
                with other.write() as connection:
                    connection.execute(step)
                continue
            found = find(*step)
            sample._read_cache = None
            assert found == find(*step)

    hold()
    other.close()


def test_search_with_a_lag_sees_its_own_writes(sample: Resources) -> None:
    def name_of_document() -> str:
        return find_relevant(served, SearchRequest("oak floor", where=Where(owner="anna"))).hits[0].document

    served = Resources(sample.settings, lag=3_600)
    name_of_document()  # keeps what it has estimated
    before = name_of_document()
    with sample.ledger.write() as connection:
        connection.execute(RENAME)
    assert name_of_document() == before
    with served.ledger.with_patience(1.0).write() as connection:
        connection.execute(RENAME)
    assert name_of_document() == f"{before}ff"
    served.close()


def test_a_second_search_reads_nothing(sample: Resources) -> None:
    for by in KINDS:
        find_relevant(
            sample, SearchRequest("oak floor", where=Where(owner="anna"), by=by)
        )  # keeps what it has estimated
        first = find_relevant(sample, SearchRequest("oak floor", where=Where(owner="anna"), by=by))
        assert first.hits
        read, sample.ledger._readers = sample.ledger._readers, None  # type: ignore[assignment]
        assert find_relevant(sample, SearchRequest("oak floor", where=Where(owner="anna"), by=by)) == first
        sample.ledger._readers = read


@pytest.mark.parametrize(
    ("begin_delete", "by", "text"),
    [
        (mark_deleting, "image", "oak floor"),
        (mark_deleting, "product", None),
        (move_to_trash, "chunk", "oak floor"),
        (move_to_trash, "image", None),
    ],
)
def test_what_another_process_deletes_is_no_longer_found(
    begin_delete: Callable[[Ledger, str], object], by: ResultKind, text: str | None, sample: Resources
) -> None:
    with closing(Resources(sample.settings, lag=3_600)) as service:  # as one that was stopped for a while
        found = find_relevant(service, SearchRequest(text, where=Where(), by=by))
        assert found.hits
        begin_delete(sample.ledger, found.hits[0].document_id)
        left = find_relevant(service, SearchRequest(text, where=Where(), by=by))
        assert left.hits == ()
