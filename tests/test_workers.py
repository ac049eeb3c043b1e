"""How the suite is dealt out."""

import os

import pytest


def test_a_file_stays_with_one_worker(request: pytest.FixtureRequest) -> None:
    """Grouping fails in silence, and then each worker starts every server."""
    is_dealt_out = "PYTEST_XDIST_WORKER" in os.environ
    assert request.node.nodeid.endswith("@tests/test_workers.py") == is_dealt_out
