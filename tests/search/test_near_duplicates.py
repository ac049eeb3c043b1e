"""Near-duplicates: copies of a picture in another size, compression and brightness are found, and nothing else; within
one owner; by hash and vector.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps
from sqlalchemy import select

from swatchbook.domain.settings import Settings
from swatchbook.index.contract import Where
from swatchbook.ingest.embed import process_batch
from swatchbook.ingest.publish import publish_round
from swatchbook.resources import Resources, open_resources
from swatchbook.search.near_duplicates import find_near_duplicates, fold
from swatchbook.search.query_pictures import Examples
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant, search
from swatchbook.store.ledger import claims
from swatchbook.store.ledger.tables import contents, images, placements, vectors
from tests.ingest.test_scan import begin, scanned
from tests.store.ledger.scene import change

CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "half": lambda image: image.resize((image.width // 2, image.height // 2)),
    "brighter": lambda image: ImageEnhance.Brightness(image).enhance(1.05),
    "mirrored": ImageOps.mirror,
    "cut": lambda image: image.crop((0, 0, image.width // 2, image.height)),
}


def draw(number: int) -> Image.Image:
    """A picture of soft blotches, 240 × 200; each number is another one."""
    random = np.random.default_rng(number)
    blotches = Image.fromarray(random.integers(0, 256, (8, 9, 3), np.uint8))
    return blotches.resize((240, 200), Image.Resampling.BICUBIC)


def embed(resources: Resources, folder: Path, owner: str) -> None:
    work = begin(resources, folder, owner)
    scanned(resources, work)
    for batch in claims.cut_batches(resources.ledger, work.run, 20):
        process_batch(resources, work.run, batch, size=20, last_try=True)
    publish_round(resources)


def names(resources: Resources) -> dict[str, str]:
    shown = resources.ledger.execute(select(placements.c.image, placements.c.path)).tuples()
    return {image: Path(path or "").name for image, path in shown}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures, and a home in which two owners have them."""
    folder = tmp_path_factory.mktemp("alike")
    pictures = folder / "pictures"
    pictures.mkdir()
    for number in range(6):
        draw(number).save(pictures / f"{number}.png")
    for name, alter in CHANGES.items():
        alter(draw(0)).save(pictures / f"{name}.png")
    draw(0).save(pictures / "saved.jpg", quality=50)
    for gray in (100, 101):
        Image.new("RGB", (240, 200), (gray, gray, gray)).save(pictures / f"flat-{gray}.png")
    with open_resources(Settings(home=folder / "home")) as resources:
        for owner in ("anna", "bob"):
            embed(resources, pictures, owner)
    return folder


@pytest.fixture
def resources(folder: Path, tmp_path: Path) -> Iterator[Resources]:
    shutil.copytree(folder / "home", tmp_path / "home")
    with open_resources(Settings(home=tmp_path / "home")) as opened:
        yield opened


def test_copies_are_one_group_and_nothing_else_is(resources: Resources) -> None:
    name = names(resources)
    owners = dict(resources.ledger.execute(select(images.c.id, images.c.owner)).tuples().all())
    groups = find_near_duplicates(resources)
    assert [{name[id] for id in group} for group in groups] == [{"0.png", "half.png", "brighter.png", "saved.jpg"}] * 2
    assert [len({owners[id] for id in group}) for group in groups] == [1, 1]
    (of_anna,) = find_near_duplicates(resources, "anna")
    assert name[of_anna[-1]] == "half.png"  # the one with fewest pixels
    assert {owners[id] for id in of_anna} == {"anna"}

    shown = [of_anna[3], next(id for id in name if name[id] == "3.png" and owners[id] == "anna"), of_anna[0]]
    assert fold(resources.read_cache(), shown) == {shown[0]: (shown[2],), shown[1]: ()}


def test_equal_hashes_are_not_enough(resources: Resources) -> None:
    change(resources.ledger, contents, contents.c.phash.is_not(None), phash="0f" * 8)
    name = names(resources)
    (group,) = [{name[id] for id in group} for group in find_near_duplicates(resources, "anna")]
    alike = {"0.png", "half.png", "brighter.png", "mirrored.png"}
    assert alike <= group <= alike | {"saved.jpg"}  # the mirrored one may be the first, and is less like the saved one
    with resources.ledger.write() as connection:
        connection.execute(vectors.delete())
    assert find_near_duplicates(resources) == []


def test_search_folds_copies_and_pages_continue_behind_them(resources: Resources, folder: Path) -> None:
    name, where, asked = names(resources), Where(owner="anna"), folder / "pictures" / "saved.jpg"
    every = [hit.id for hit in search(resources, SearchRequest(image=asked, where=where, k=50))]
    whole = find_relevant(resources, SearchRequest(image=asked, where=where, k=50))
    first, *others = whole.hits
    assert {name[id] for id in (first.id, *first.alike)} == {"0.png", "half.png", "brighter.png", "saved.jpg"}
    assert all(each.alike == () for each in others)
    assert sorted([first.id, *first.alike, *(each.id for each in others)]) == sorted(every)

    paged, offset = list[str](), 0
    while True:
        page = find_relevant(resources, SearchRequest(image=asked, where=where, k=2, offset=offset))
        assert len(page.hits) == min(2, len(whole.hits) - offset)
        paged += [hit.id for hit in page.hits]
        if page.next is None:
            break
        offset = page.next
    assert paged == [hit.id for hit in whole.hits]

    like = find_relevant(resources, SearchRequest(examples=Examples([first.id]), where=where, k=50))
    assert {first.id}.isdisjoint(id for hit in like.hits for id in (hit.id, *hit.alike))
    assert {*first.alike} == {like.hits[0].id, *like.hits[0].alike}  # copies of an example are results
