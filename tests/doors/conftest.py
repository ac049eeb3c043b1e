"""The service on a fresh home, or on one that holds the sample as anna's; asked without a socket, its loop still."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from swatchbook.domain.settings import load_settings
from swatchbook_service.app import create_app
from tests.doors.served import rest

ADDRESS = "http://127.0.0.1:8420"
"""Without keys the service answers to no other name."""

ANNA, BERT, BOTH, ALL = (f"{name}-0123456789abcdef" for name in ("anna", "bert", "both", "all"))
"""Keys, of the owners that KEYS says."""

KEYS = [
    {"name": "anna", "key": ANNA, "owners": ["anna"]},
    {"name": "bert", "key": BERT, "owners": ["bert"]},
    {"name": "both", "key": BOTH, "owners": ["bert", "anna"]},
    {"name": "all", "key": ALL, "owners": ["*"]},
]

Client = AbstractContextManager[TestClient]


def bearing(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def asking() -> Client:
    """Somebody on this machine, of a service with the settings of the environment."""
    return TestClient(create_app(load_settings(), loop=rest), base_url=ADDRESS)


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    """Anybody on this machine, of a service without keys."""
    with asking() as client:
        yield client


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_API_KEYS", json.dumps(KEYS))
