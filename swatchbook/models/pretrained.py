"""A model's folder to what is in it: the network, its preparation of pictures, its tokenizer. Nothing is downloaded."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swatchbook.errors import Configuration
from swatchbook.images.prepare import Preparation, read_preparation
from swatchbook.models.weights import SHOWN, Checkpoint
from swatchbook.settings import PREFIX

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def load_network(folder: Path, checkpoint: Checkpoint) -> Any:
    """The transformers model, float32, on the processor. Raises Configuration where the folder holds none."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # stderr is for people
    try:
        model, found = AutoModel.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise _unusable(checkpoint, str(error)) from error
    if lost := sorted(found["missing_keys"]) or found["mismatched_keys"]:  # transformers would make them up
        raise _unusable(checkpoint, f"its weights lack {lost[0]} and {len(lost) - 1} more")
    return model.eval()


def load_preparation(folder: Path, checkpoint: Checkpoint) -> Preparation:
    """How the model wants its pictures. Raises Configuration."""
    return read_preparation(_read(folder, "preprocessor_config.json", checkpoint), checkpoint.model)


def load_tokenizer(folder: Path, checkpoint: Checkpoint, *, longest: int, pad_to: int | None) -> "Tokenizer":
    """The tokenizer, cutting texts at `longest` tokens, padding to `pad_to` or else to the longest of a batch.

    Read from tokenizer.json itself: transformers' class for SigLIP wants sentencepiece, and that for SigLIP 2 is
    named wrongly in its repository (it is said to be Gemma's, which does not lower case).
    """
    from tokenizers import Tokenizer

    config = _read(folder, "tokenizer_config.json", checkpoint)
    token = config.get("pad_token")
    token = token["content"] if isinstance(token, dict) else token
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises no narrower class
        raise Configuration(f"{checkpoint.model} has no tokenizer.json that can be read: {error}") from error
    number = tokenizer.token_to_id(token) if token else None
    if number is None:
        raise Configuration(f"{checkpoint.model} has no token to pad with.", advice="Choose another model.")
    tokenizer.enable_truncation(longest)
    side = config.get("padding_side", "right")
    tokenizer.enable_padding(direction=side, pad_id=number, pad_token=token, length=pad_to)
    return tokenizer


def _unusable(checkpoint: Checkpoint, why: str) -> Configuration:
    return Configuration(
        f"{PREFIX}{checkpoint.setting}={checkpoint.model} at {checkpoint.revision[:SHOWN]} cannot be loaded: {why}.",
        advice="Delete it from the Hugging Face cache and run `swatchbook models pull`, or choose another model.",
    )


def _read(folder: Path, name: str, checkpoint: Checkpoint) -> dict[str, Any]:
    try:
        found = json.loads((folder / name).read_text())
    except (OSError, ValueError) as error:
        raise Configuration(
            f"{checkpoint.model} has no {name} that can be read: {error}", advice="Run `swatchbook models pull`."
        ) from error
    return dict(found)
