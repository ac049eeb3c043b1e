"""Stored pictures as pixels: what is wrong with one of them, and who is to blame."""

import pytest

from swatchbook.domain.errors import Failure, FileMissing, UnreadableImage
from swatchbook.ingest.embed import load_pixels
from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import contents
from tests.pdf.making import gradient, jpeg
from tests.store.ledger.scene import put


def stored(resources: Resources, data: bytes) -> tuple[str, str]:
    """The content key and the file key of a picture."""
    file = resources.files.put_bytes(data, ".jpg")
    put(resources.ledger, contents, key=file[:64], file=file)
    return file[:64], file


def failure_of(resources: Resources, key: str) -> Failure:
    found = load_pixels(resources, [key], side=64)[key]
    assert isinstance(found, Failure)
    return found


@pytest.mark.parametrize("kept", [0, 20, 400])
def test_picture_cut_short_in_storage_is_not_rejected(resources: Resources, kept: int) -> None:
    whole = jpeg(gradient(300, 300))
    key, file = stored(resources, whole)
    with resources.files.local(file) as path:
        path.write_bytes(whole[:kept])
    failure = failure_of(resources, key)
    assert isinstance(failure, FileMissing)
    assert "verify --deep --repair" in str(failure)
    resources.files.put_bytes(whole, ".jpg")
    assert not isinstance(load_pixels(resources, [key], side=64)[key], Failure)


def test_picture_that_arrives_broken_is_rejected(resources: Resources) -> None:
    key, _ = stored(resources, b"this is no picture")
    assert isinstance(failure_of(resources, key), UnreadableImage)
