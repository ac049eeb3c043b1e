"""Load a model's network, image preprocessing and tokenizer from its folder. Weights must be complete and in
safetensors format; no code of the model runs. Nothing is downloaded.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swatchbook.domain.errors import Configuration, reason_of
from swatchbook.domain.settings import PREFIX
from swatchbook_models import open_clip
from swatchbook_models.encoder_input import Preparation, read_preparation
from swatchbook_models.weights import TAG_REVISION_DIGITS, Checkpoint

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def load_network(folder: Path, checkpoint: Checkpoint) -> Any:
    """Load the transformers model, float32, on the CPU. Raises Configuration if the folder has no usable weights."""
    from safetensors import SafetensorError

    try:
        return _load_siglip_of_open_clip(folder, checkpoint) if _is_open_clip(folder) else _load(folder, checkpoint)
    except (OSError, ValueError, SafetensorError) as error:
        raise _unusable(checkpoint, f"its files are missing or damaged ({reason_of(error)})") from error


def _is_open_clip(folder: Path) -> bool:
    return (folder / open_clip.CONFIG).is_file()


def _load_siglip_of_open_clip(folder: Path, checkpoint: Checkpoint) -> Any:
    if not open_clip.is_supported(_read_json(folder, open_clip.CONFIG, checkpoint)):
        raise Configuration(
            f"{PREFIX}{checkpoint.setting}={checkpoint.model} is an OpenCLIP model, of which only SigLIP B/16 and L/16 "
            "are read.",
            advice="Choose another model, such as Marqo/marqo-ecommerce-embeddings-B.",
        )
    return open_clip.load_siglip(folder).eval()


def _load(folder: Path, checkpoint: Checkpoint) -> Any:
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    logging.disable_progress_bar()  # stderr is for Swatchbook's own progress
    model, loading_info = AutoModel.from_pretrained(
        folder,
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
    )
    # transformers would fill these in with random numbers
    if missing := sorted(loading_info["missing_keys"]) or loading_info["mismatched_keys"]:
        raise _unusable(checkpoint, f"its weights lack {missing[0]} and {len(missing) - 1} more")
    return model.eval()


def load_preparation(folder: Path, checkpoint: Checkpoint) -> Preparation:
    """Load the image preprocessing that the model was trained with. Raises Configuration if it is missing."""
    if _is_open_clip(folder):
        config = open_clip.preparation_config(_read_json(folder, open_clip.CONFIG, checkpoint))
    else:
        config = _read_json(folder, "preprocessor_config.json", checkpoint)
    return read_preparation(config, checkpoint.model)


def load_tokenizer(folder: Path, checkpoint: Checkpoint, *, longest: int, pad_to: int | None) -> "Tokenizer":
    """Load the tokenizer; it truncates to `longest` tokens and pads to `pad_to`, or to the longest text of a batch.

    It is read from tokenizer.json: transformers' class for SigLIP needs sentencepiece, and SigLIP 2's repository names
    the wrong class (Gemma's, which does not convert to lower case). Raises Configuration if the file is missing.
    """
    from tokenizers import Tokenizer

    config = _read_json(folder, "tokenizer_config.json", checkpoint)
    token = config.get("pad_token")
    token = token["content"] if isinstance(token, dict) else token
    try:
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    except Exception as error:  # tokenizers raises no narrower class
        raise _unreadable(checkpoint, "tokenizer.json", error) from error
    pad_id = tokenizer.token_to_id(token) if token else None
    if pad_id is None:
        raise Configuration(f"{checkpoint.model} has no padding token.", advice="Choose another model.")
    tokenizer.enable_truncation(longest)
    side = config.get("padding_side", "right")
    tokenizer.enable_padding(direction=side, pad_id=pad_id, pad_token=token, length=pad_to)
    return tokenizer


def _unusable(checkpoint: Checkpoint, reason: str) -> Configuration:
    revision = checkpoint.revision[:TAG_REVISION_DIGITS]
    return Configuration(
        f"{PREFIX}{checkpoint.setting}={checkpoint.model} at {revision} cannot be loaded: {reason}.",
        advice="Delete it from the Hugging Face cache and run `swatchbook models pull`, or choose another model.",
    )


def _read_json(folder: Path, name: str, checkpoint: Checkpoint) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / name).read_text()))
    except (OSError, ValueError) as error:
        raise _unreadable(checkpoint, name, error) from error


def _unreadable(checkpoint: Checkpoint, name: str, error: Exception) -> Configuration:
    return Configuration(
        f"{checkpoint.model} has no readable {name}: {reason_of(error)}.", advice="Run `swatchbook models pull`."
    )
