"""A provider that answers and misbehaves as it is told."""

from collections.abc import Iterator

import pytest

from tests.models.providers.standin import Provider, provider


@pytest.fixture
def there() -> Iterator[Provider]:
    with provider() as server:
        yield server
