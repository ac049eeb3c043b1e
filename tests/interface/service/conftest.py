"""The service on a fresh home, asked without a socket; its loop stands still."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from interface.service.app import create_app
from swatchbook.lab import Lab
from swatchbook.settings import load_settings

ADDRESS = "http://127.0.0.1:8420"
"""Without keys the service answers to no other name."""


async def stand_still(lab: Lab) -> None:
    """A loop that brings nothing back."""
    await asyncio.Event().wait()


@pytest.fixture
def client(home: Path) -> Iterator[TestClient]:
    """Anybody on this machine, of a service without keys."""
    with TestClient(create_app(load_settings(), loop=stand_still), base_url=ADDRESS) as client:
        yield client
