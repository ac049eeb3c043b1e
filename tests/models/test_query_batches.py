"""Queries of several threads are encoded together, and each thread gets its own result or its own error."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from swatchbook.models.query_batches import MOST_QUERIES, Batches


def together(make: Callable[[Sequence[int]], Sequence[int]], asked: Sequence[int]) -> tuple[list[object], list[int]]:
    """What each of these is answered when all but the first come while the first is made, and the sizes of batches."""
    sizes, begun, go_on = list[int](), threading.Event(), threading.Event()

    def held(given: Sequence[int]) -> Sequence[int]:
        sizes.append(len(given))
        begun.set()
        assert go_on.wait(10)
        return make(given)

    batches = Batches(held)

    def ask(number: int) -> object:
        try:
            return batches.ask([number])[0]
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(asked)) as threads:
        answers = [threads.submit(ask, asked[0])]
        assert begun.wait(10)
        answers += [threads.submit(ask, each) for each in asked[1:]]
        while len(batches._waiting) < len(asked) - 1:
            threading.Event().wait(0.01)
        go_on.set()
        return [each.result() for each in answers], sizes


def test_who_comes_while_one_is_made_is_made_in_batches() -> None:
    answers, sizes = together(lambda given: [2 * each for each in given], range(1 + MOST_QUERIES + 3))
    assert answers == [2 * each for each in range(1 + MOST_QUERIES + 3)]
    assert sizes == [1, MOST_QUERIES, 3]


def test_an_error_is_only_of_the_one_that_causes_it() -> None:
    def make(given: Sequence[int]) -> Sequence[int]:
        if 2 in given:
            raise ValueError("two")
        return given

    assert together(make, range(5))[0] == [0, 1, "two", 3, 4]


def test_several_at_once_keep_their_order() -> None:
    batches = Batches(lambda given: [str(each) for each in given])
    assert batches.ask(range(3 * MOST_QUERIES + 1)) == [str(each) for each in range(3 * MOST_QUERIES + 1)]
    assert batches.ask([]) == []
    with pytest.raises(ZeroDivisionError):
        Batches(lambda given: [1 // each for each in given]).ask([1, 0])
