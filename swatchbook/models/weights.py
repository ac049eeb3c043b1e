"""Weights from the Hugging Face hub: which revision is meant, what it is called in tags, where it lies.

Cheap to import. Nothing here downloads anything: `pull.py` does, when people ask for it.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from swatchbook.errors import Configuration
from swatchbook.records import Record
from swatchbook.settings import PREFIX

KNOWN: Final = {
    "google/siglip2-base-patch16-224": "75de2d55ec2d0b4efc50b3e9ad70dba96a7b2fa2",
    "facebook/dinov2-base": "f9e44c814b77203eaa57a6bdbbd535f21ede1415",
}
"""Commits that Swatchbook takes where no setting names another."""

FILES: Final = (
    "config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json",
    "model.safetensors", "model-*.safetensors", "model.safetensors.index.json",
)  # fmt: skip
"""What is read of a model. Never pickled weights (`pytorch_model.bin`): those run what they please."""

SHOWN: Final = 12  # digits of a revision in a tag


class Checkpoint(Record):
    """One model's weights: a name on the hub and a commit, or a folder and the digest of what is in it."""

    model: str
    revision: str
    setting: str  # that chose the model, without its prefix

    def tag(self, recipe: str) -> str:
        """`name@revision/recipe`"""
        return f"{Path(self.model).name}@{self.revision[:SHOWN]}/{recipe}"

    def folder(self) -> Path:
        """Where all its files lie. Raises Configuration while they are not there."""
        if is_folder(self.model):
            return Path(self.model).expanduser()
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

        try:
            found = snapshot_download(
                self.model, revision=self.revision, allow_patterns=list(FILES), local_files_only=True
            )
        except LocalEntryNotFoundError:
            raise Configuration(
                f"The weights of {PREFIX}{self.setting}={self.model} at {self.revision[:SHOWN]} are not here.",
                advice="Fetch them: `swatchbook models pull`.",
            ) from None
        return Path(found)


def checkpoint(model: str, revision: str, setting: str) -> Checkpoint:
    """The weights that these settings mean. Raises Configuration where they leave the revision open."""
    if is_folder(model):
        if revision:
            raise Configuration(
                f"{PREFIX}{setting}={model} is a folder: it has no revision.",
                advice=f"Remove {revision_setting(setting)}; what is in the folder says which it is.",
            )
        return Checkpoint(model=model, revision=digest(Path(model).expanduser(), setting), setting=setting)
    if not (revision or model in KNOWN):
        raise Configuration(
            f"{PREFIX}{setting}={model} is not pinned.",
            advice=f"`swatchbook models pull` fetches it and says which {revision_setting(setting)} to set.",
        )
    return Checkpoint(model=model, revision=revision or KNOWN[model], setting=setting)


def revision_setting(setting: str) -> str:
    """The variable that pins what the setting chose: ENCODER_MODEL is pinned by SWATCHBOOK_ENCODER_REVISION."""
    return PREFIX + setting.replace("_MODEL", "_REVISION")


def is_folder(model: str) -> bool:
    """Whether a path is meant. Names on the hub are `organisation/model`."""
    return model.startswith(("/", "./", "../", "~")) or Path(model).is_dir()


def digest(folder: Path, setting: str) -> str:
    """SHA-256 of the names and bytes of a model's files. Raises Configuration where there is no model."""
    files = sorted({file for pattern in FILES for file in folder.glob(pattern)})
    if not {"config.json", "preprocessor_config.json"} <= {file.name for file in files}:
        raise Configuration(
            f"{PREFIX}{setting}={folder} holds no model.",
            advice="Name one on the Hugging Face hub, or a folder that `save_pretrained` has written.",
        )
    known = [(file.name, _file_digest(file, file.stat().st_size, file.stat().st_mtime_ns)) for file in files]
    return hashlib.sha256(repr(known).encode()).hexdigest()


@lru_cache(maxsize=64)
def _file_digest(file: Path, size: int, changed: int) -> str:
    """Of a file that is the same as long as its size and time of change are: weights take a quarter of a second."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
