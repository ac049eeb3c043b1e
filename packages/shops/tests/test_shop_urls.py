"""Pictures of an item that are relative to its address."""

import json
from pathlib import Path

from swatchbook.resources import Resources
from tests.ingest.sources.pictures import write
from tests.ingest.test_scan_urls import at, begin, reasons, resources, scanned, server
from tests.origin import Origin

__all__ = ("resources", "server")


def test_url_for_a_file_says_it_is_missing(resources: Resources, tmp_path: Path, server: Origin) -> None:
    item = {"id": "oak", "title": "Oak", "url": at(server, "/p/1"), "image": "media/gone.jpg"}
    work = begin(resources, write(tmp_path / "items.jsonl", json.dumps(item).encode()))
    scanned(resources, work)
    (reason,) = reasons(resources, work).values()
    assert "answered 404" in reason
    assert reason.endswith("A file was looked for first: media/gone.jpg: The file cannot be found: no such file "
                           "or directory.")  # fmt: skip
