"""Shards in containers, on a real engine: what dies there costs nothing, and the end comes by itself.

The rest of the list, which takes half an hour, is in soak.py.
"""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import select

from swatchbook.ledger import accounts
from swatchbook.ledger.items import sources
from swatchbook.ledger.tables import images, items, placements
from swatchbook.records import DocumentStatus, ItemState, Role
from swatchbook.verify import verify
from tests.conftest import SOAK
from tests.containers.pool import Pool
from tests.doubles.models import picture_key
from tests.ledger_audit import writes
from tests.servers.audit import Audit
from tests.servers.halfway import PICTURES, conclude, half_way, tell
from tests.servers.stack import Stack

pytestmark = pytest.mark.timeout(1_500)  # the first run makes every image

AMONG = 250 if SOAK else PICTURES
"""Pictures of which one kills whoever takes it up."""


def test_containers_killed_and_out_of_memory_are_made_up_for_by_others(pool: Pool, tmp_path: Path) -> None:
    document = half_way(pool.stack, tmp_path / "killed.pdf", execution="pool")
    pool.engine.run("kill", pool.containers()[pool.live(document)[0]])
    pool.stack.trouble(memory=1_024)
    pool.stack.wait_until(pool.out_of_memory, "a container has run out of memory")
    pool.stack.trouble()
    conclude(pool.stack, "killed_and_out_of_memory", document)
    shards = pool.runs(document)
    assert {shard["state"] for shard in shards} <= {"ended", "dead"}
    assert pool.containers().keys() >= {shard["prefect_run"] for shard in shards}
    assert str(Path("/proc/self/ns/pid").readlink()) not in {shard["pid_namespace"] for shard in shards}


def test_picture_that_kills_every_container_is_named_and_all_others_are_made(pool: Pool, tmp_path: Path) -> None:
    stack = pool.stack
    document = half_way(stack, tmp_path / "deadly.pdf", pictures=AMONG, picture=cheap, execution="pool")
    stack.trouble(deadly=an_open_picture(stack, document))
    seconds = stack.wait_for(
        document, DocumentStatus.WAITING, DocumentStatus.COMPLETED, DocumentStatus.FAILED, seconds=max(180, AMONG)
    )
    stack.trouble()
    report = accounts.report(stack.lab.ledger, document)
    assert report.status == DocumentStatus.WAITING
    assert {failed.kind for failed in report.failed_images} == {"crashed_worker"}
    found = Audit(
        missing=AMONG - report.images_complete,
        twice=sum(times - 1 for times in writes(stack.lab.ledger).values()),
        unfound=sum(space.missing + space.foreign for space in verify(stack.lab).spaces),
    )
    tell(f"deadly_picture among {AMONG}", found, seconds)
    assert found == Audit(missing=1, twice=0, unfound=0)


def cheap(dice: np.random.Generator) -> bytes:
    """A few large squares: a hundredth of a picture with noise, so that a small file store holds a thousand."""
    squares = Image.fromarray(dice.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    out = BytesIO()
    squares.resize((120, 120), Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


def an_open_picture(stack: Stack, document: str) -> str:
    """The key, as encoders know it, of a picture that nobody has taken up yet."""
    query = (
        select(items.c.key)
        .join(images, images.c.content_key == items.c.key)
        .join(placements, placements.c.image == images.c.id)
        .where(placements.c.document == document, items.c.role == Role.VISUAL)
        .where(items.c.state == ItemState.PENDING, items.c.lease.is_(None))
    )
    with stack.lab.ledger.read() as connection:
        key = connection.execute(query.order_by(items.c.key).limit(1)).scalar_one()
    with stack.lab.files.local(sources(stack.lab.ledger, [key])[key]) as path:
        (pixels,) = stack.lab.decoders.decode([path], stack.lab.models.encoder.side)
    assert isinstance(pixels, np.ndarray)
    return picture_key(pixels)
