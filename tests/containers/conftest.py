"""The pool of shards on a real engine, one for each file of tests: the engine is not held for longer."""

from collections.abc import Iterator

import pytest

from tests.containers.engine import NoEngine, running_engine
from tests.containers.pool import Pool, running_pool


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    try:
        with running_engine() as engine, running_pool(engine, tmp_path_factory.mktemp("pool")) as pool:
            yield pool
    except NoEngine as reason:
        pytest.skip(str(reason))


@pytest.fixture
def pool(running: Pool) -> Iterator[Pool]:
    """With nothing amiss, and left so."""
    yield running
    running.stack.trouble()
