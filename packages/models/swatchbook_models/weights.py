"""Find the weights of a model: default revisions, files that are read (never pickles), name in tags, and folder.

Cheap to import. Nothing here downloads anything; only `pull.py` does.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record
from swatchbook.domain.settings import PREFIX

DEFAULT_REVISIONS: Final = {
    "google/siglip2-base-patch16-224": "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
    "facebook/dinov2-base": "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
    "Marqo/marqo-ecommerce-embeddings-B": "05d9b360d16ec25315b7d8c8ff0a46e3eec1152e",
    "Marqo/marqo-ecommerce-embeddings-L": "8a6aa5f90b823af87f710fc5139be2642a94e757",
}
"""Model -> commit that is used if no setting names another."""

FILES: Final = (
    "config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
    "model.safetensors", "model-*.safetensors", "model.safetensors.index.json",
    "open_clip_config.json", "open_clip_model.safetensors",
)  # fmt: skip
"""Files of a model that are read. Pickled weights (`pytorch_model.bin`) are not: loading them can run any code."""

_TWICE: Final = frozenset({"Marqo/marqo-ecommerce-embeddings-B", "Marqo/marqo-ecommerce-embeddings-L"})
"""Models whose repository has the same weights once more as `model.safetensors`, for code that is never run."""

TAG_REVISION_DIGITS: Final = 12


def files_of(model: str) -> list[str]:
    """Return the patterns of the files of a hub model that are read."""
    return [pattern for pattern in FILES if model not in _TWICE or pattern != "model.safetensors"]


class Checkpoint(Record):
    """A model's weights: a hub name and a commit, or a folder and the digest of its files."""

    model: str
    revision: str
    setting: str  # the setting that names the model, without its prefix

    def tag(self, recipe: str) -> str:
        """Return `name@revision/recipe`."""
        return f"{Path(self.model).name}@{self.revision[:TAG_REVISION_DIGITS]}/{recipe}"

    def folder(self) -> Path:
        """Return the folder that holds the files. Raises Configuration if they are not downloaded."""
        if is_folder(self.model):
            return Path(self.model).expanduser()
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            return Path(
                snapshot_download(
                    self.model, revision=self.revision, allow_patterns=files_of(self.model), local_files_only=True
                )
            )
        except LocalEntryNotFoundError:
            revision = self.revision[:TAG_REVISION_DIGITS]
            raise Configuration(
                f"The weights of {PREFIX}{self.setting}={self.model} at {revision} are not downloaded.",
                advice="Download them: `swatchbook models pull`.",
            ) from None


def checkpoint(value: str, setting: str) -> Checkpoint:
    """Return the weights that a setting names: `organisation/model`, `organisation/model@commit` or a folder.

    Raises Configuration if no commit is set or known.
    """
    if is_folder(value):
        return Checkpoint(model=value, revision=folder_digest(Path(value).expanduser(), setting), setting=setting)
    model, revision = split_revision(value)
    if not (revision or model in DEFAULT_REVISIONS):
        raise Configuration(
            f"{PREFIX}{setting}={model} is not pinned to a commit.",
            advice=f"Run `swatchbook models pull`: it prints the {PREFIX}{setting} to set.",
        )
    return Checkpoint(model=model, revision=revision or DEFAULT_REVISIONS[model], setting=setting)


def split_revision(value: str) -> tuple[str, str]:
    """Return name and commit of `organisation/model@commit`; "" if none is given."""
    named = re.fullmatch("(.+)@([0-9a-f]{40})", value)
    return (named[1], named[2]) if named else (value, "")


def is_folder(model: str) -> bool:
    """Return whether this is a path rather than a hub name (`organisation/model`)."""
    return model.startswith(("/", "./", "../", "~")) or Path(model).is_dir()


def folder_digest(folder: Path, setting: str) -> str:
    """Return the SHA-256 of the names and bytes of a model's files. Raises Configuration if there is no model."""
    files = sorted({file for pattern in FILES for file in folder.glob(pattern)})
    names = {file.name for file in files}
    if not ({"config.json", "preprocessor_config.json"} <= names or "open_clip_config.json" in names):
        raise Configuration(
            f"{PREFIX}{setting}={folder} contains no model.",
            advice="Name a model on the Hugging Face hub, or a folder written by `save_pretrained`.",
        )
    digests = [(file.name, _file_digest(file, file.stat().st_size, file.stat().st_mtime_ns)) for file in files]
    return hashlib.sha256(repr(digests).encode()).hexdigest()


@lru_cache(maxsize=64)
def _file_digest(file: Path, size: int, modified: int) -> str:
    """Return a file's SHA-256, cached while its size and modification time stay the same (hashing takes 0.25 s)."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
