from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.errors import OutOfMemory
from swatchbook.domain.runtime.batch_size import ITEM_BYTES, BatchSize, count_that_fits
from swatchbook.ingest.bisect import bisect

PLENTY = 1_000 * ITEM_BYTES


@given(free=st.integers(-(2**50), 2**50), each=st.integers(1, 2**40), most=st.integers(1, 256))
def test_as_many_are_worked_at_once_as_fit(free: int, each: int, most: int) -> None:
    count = count_that_fits(free, each, most)
    assert 1 <= count <= most
    assert count == 1 or count * each <= free
    assert count == most or (count + 1) * each > free


def test_size_follows_the_free_memory() -> None:
    fit = BatchSize(20)
    sizes = [fit.next_size(free) for free in (6 * ITEM_BYTES, PLENTY, 0, 0, PLENTY, 1)]
    assert sizes == [6, 20, 10, 5, 20, 1]  # at last there is some, but not enough for one item
    assert fit.warnings() == ("Worked one at a time because memory was near or above 80 %: 1 times.",)


def test_one_huge_item_keeps_no_size_small() -> None:
    def work(given: Sequence[int]) -> Sequence[int]:
        if 3 in given:
            raise OutOfMemory("Too large.")
        return given

    fit = BatchSize(20)
    made = bisect(work, list(range(20)), fit)
    assert [number for number, each in enumerate(made) if isinstance(each, OutOfMemory)] == [3]
    assert fit.next_size(PLENTY) == 20
    assert fit.warnings() == ()
