"""Load stored pictures as pixels, from the file store through the decoders; one that fails does not stop the others."""

from collections.abc import Sequence
from contextlib import ExitStack, suppress

from swatchbook.arrays import Pixels
from swatchbook.errors import Failure, FileMissing, Policy
from swatchbook.ledger import items
from swatchbook.resources import Resources


def load_pixels(resources: Resources, keys: Sequence[str], side: int) -> "dict[str, Pixels | Failure]":
    """Return content key → pixels with a longest side of at most `side` pixels, or the Failure of that picture."""
    files = items.source_files(resources.ledger, keys)
    pictures: dict[str, Pixels | Failure] = {}
    with ExitStack() as stack:
        paths = []
        for key in keys:
            if key not in files:
                pictures[key] = FileMissing(
                    "The stored picture is missing.", advice="Ingest its document again with --force."
                )
                continue
            try:
                paths.append((key, stack.enter_context(resources.files.local(files[key]))))
            except Failure as failure:
                pictures[key] = failure
        decoded = resources.decoders.decode([path for _, path in paths], side)
        pictures.update((key, picture) for (key, _), picture in zip(paths, decoded, strict=True))
    return {key: _blame_store(resources, files.get(key), picture) for key, picture in pictures.items()}


def _blame_store(resources: Resources, file: str | None, picture: "Pixels | Failure") -> "Pixels | Failure":
    """Return FileMissing instead of a final failure if the stored file is damaged: it may be stored again."""
    if isinstance(picture, Failure) and picture.policy is Policy.NEVER and file:
        with suppress(Failure):
            if not resources.files.is_whole(file):
                advice = "`swatchbook verify --deep --repair` has it stored again."
                return FileMissing("The stored picture is damaged.", advice=advice)
    return picture
