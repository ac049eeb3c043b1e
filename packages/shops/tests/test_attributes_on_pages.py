"""What a shop keeps of a product for exports is no text for people."""

from pathlib import Path

from fastapi.testclient import TestClient

from swatchbook.domain.records import IngestOptions
from swatchbook.ingest.begin_run import begin_work
from swatchbook.ingest.register_path import register_folder
from swatchbook.ingest.run import Work
from swatchbook.ingest.scan import scan
from swatchbook.resources import Resources
from tests.doors.pages import page, resources, sample
from tests.ingest.sources.pictures import draw

__all__ = ("resources", "sample")


def test_attributes_for_exports_are_not_shown(sample: TestClient, resources: Resources, tmp_path: Path) -> None:
    draw(tmp_path / "shop" / "oak.png", 1)
    (tmp_path / "shop" / "wc-export.csv").write_text(
        "ID,Type,SKU,Name,Parent,Images,Attribute 1 name,Attribute 1 value(s)\n1,simple,S,Stool,,oak.png,Finish,oiled\n"
    )
    file, options = tmp_path / "shop" / "wc-export.csv", IngestOptions()
    registered = register_folder(resources, file, owner="anna", options=options)
    work = begin_work(resources, registered)
    assert isinstance(work, Work)
    scan(resources, work, b"", progress=lambda done, total: None)
    (product,) = sample.get(f"/documents/{registered.document.id}/products").json()["products"]
    read = page(sample, f"/products/{product['id']}")
    assert "oiled" in read.text
    assert "shop_attributes" in product["metadata"]
    assert "shop attributes" not in read.text
