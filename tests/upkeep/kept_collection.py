"""Small collections of made-up documents whose files are stored, and what is compared of two collections."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from swatchbook.ingest.publish import publish_all
from swatchbook.resources import Resources
from swatchbook.store.ledger import edited_products
from swatchbook.store.ledger.portable_rows import PORTABLE, portable_files, portable_rows
from swatchbook.store.ledger.publishing import searchable_ids
from swatchbook.store.ledger.runs import Run
from swatchbook.store.ledger.space_registry import registered
from tests.store.ledger import scene


class Stopped(Exception):
    """The work ends here, as if it were killed."""


class Steps:
    """A progress that ends the work at the report of this number."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __call__(self, done: int, total: int) -> None:
        assert done <= total
        self.left -= 1
        if not self.left:
            raise Stopped


def begin(resources: Resources, *names: str, owner: str = "anna", content: str = "catalogue") -> Run:
    """A run at a document that shows these pictures and has a text; nothing is made of them yet."""
    for data, suffix in ((content, ".pdf"), *((name, ".png") for name in names)):
        resources.files.put_bytes(data.encode(), suffix)
    run = scene.begin(resources.ledger, owner=owner, content=content)
    scene.stage_results.save_chunks(resources.ledger, run, scene.chunked(run, f"About {content}."))
    pictures = scene.extraction(*(scene.placed(run, name) for name in names))
    scene.stage_results.save_extraction(resources.ledger, run, pictures)
    return run


def make(resources: Resources, *names: str, owner: str = "anna", content: str = "catalogue") -> str:
    """A completed, published document; its id."""
    run = begin(resources, *names, owner=owner, content=content)
    scene.make_all(resources.ledger, run)
    edited_products.save_assembly(resources.ledger, run, [scene.product(run, f"Product of {content}")], [])
    publish_all(resources, at_most=0)
    scene.end(resources.ledger, run)
    return run.document


def rows(resources: Resources) -> dict[str, list[str]]:
    """Table -> its rows as text, in order."""
    with resources.ledger.read() as connection:
        return {table.name: sorted(_text(row) for row in portable_rows(connection, table)) for table in PORTABLE}


def _text(row: Mapping[str, Any]) -> str:
    return repr(sorted(dict(row).items()))


def files(resources: Resources) -> dict[str, bytes]:
    """Key -> bytes of the files that the ledger names."""
    with resources.ledger.read() as connection:
        return {key: resources.files.read(key) for key in portable_files(connection)}


def indexed(resources: Resources) -> dict[str, dict[str, tuple[Any, list[float]]]]:
    """Space -> id -> payload and vector, of all that should be in the index."""
    held = dict[str, dict[str, tuple[Any, list[float]]]]()
    for each in registered(resources.ledger):
        ids = sorted(searchable_ids(resources.ledger, each.space))
        stored = resources.index.fetch(each.space, ids)
        held[each.space.name] = {i: (found.payload, np.round(found.vector, 5).tolist()) for i, found in stored.items()}
        assert sorted(resources.index.ids(each.space)) == ids
    return held
