"""Copies of buckets that nothing is made of are garbage a month after their last use."""

from filelock import FileLock

from swatchbook.resources import Resources
from swatchbook.upkeep.gc import DAY, sweep
from swatchbook_buckets.bucket_copy import copy_bucket
from tests.deployments.conftest import queued
from tests.s3_server import Bucket
from tests.upkeep.test_gc import HOUR, age


def test_copy_goes_a_month_after_its_last_use(resources: Resources, bucket: Bucket) -> None:
    settings, month = resources.settings, 30 * DAY + HOUR
    bucket.put("pdfs/a.pdf", b"%PDF")
    bucket.put("pictures/a.png", b"a picture")
    pdfs, pictures = (copy_bucket(settings, f"{bucket.url}/{name}", takes=bool).path for name in ("pdfs", "pictures"))
    queued(resources, content=str(pictures.resolve()), kind="folder")
    for folder in (pdfs, pictures):
        age(folder.parent / "copied.jsonl", folder / next(folder.iterdir()).name, seconds=month)
    copy_bucket(settings, f"{bucket.url}/pdfs", takes=bool)  # nothing new: the copy is in use all the same
    assert sweep(resources).previews == 0
    age(pdfs.parent / "copied.jsonl", seconds=month)
    with FileLock(pdfs.parent / "copying.lock"):
        assert sweep(resources).previews == 0, "another process copies to it"
    assert sweep(resources).previews == 2
    assert [path.name for path in pdfs.parent.iterdir()] == ["copying.lock"]
    assert sweep(resources).previews == 0
    assert (pictures / "a.png").read_bytes() == b"a picture"
