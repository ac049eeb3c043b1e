"""Stored pictures as pixels, each failing alone."""

from collections.abc import Sequence
from contextlib import ExitStack

from swatchbook.arrays import Pixels
from swatchbook.errors import Failure, FileMissing
from swatchbook.ledger import items
from swatchbook.resources import Resources


def load_pixels(resources: Resources, keys: Sequence[str], side: int) -> "dict[str, Pixels | Failure]":
    """Pixels by content key, their longest side at most `side`."""
    files = items.source_files(resources.ledger, keys)
    found: dict[str, Pixels | Failure] = {}
    with ExitStack() as stack:
        paths = []
        for key in keys:
            if key not in files:
                found[key] = FileMissing("Its picture is missing.", advice="Ingest its document again with --force.")
                continue
            try:
                paths.append((key, stack.enter_context(resources.files.local(files[key]))))
            except Failure as failure:
                found[key] = failure
        decoded = resources.decoders.decode([path for _, path in paths], side)
        found.update((key, picture) for (key, _), picture in zip(paths, decoded, strict=True))
    return found
