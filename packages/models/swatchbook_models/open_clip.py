"""SigLIP models that OpenCLIP saved, such as Marqo's for e-commerce: read their weights into transformers' SigLIP.

Their repositories bring Python code for transformers; it is never run. OpenCLIP builds the vision tower with timm; its
names and packed projections differ from transformers', the mathematics do not (tests/test_open_clip.py).
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import Tensor

CONFIG: Final = "open_clip_config.json"
WEIGHTS: Final = "open_clip_model.safetensors"
VISION: Final = re.compile(r"vit_(base|large)_patch16_siglip_\d+")
"""timm's names of the vision towers that are read: a pooling head, and the exact GELU."""

HEAD_SIZE: Final = 64  # head size of every SigLIP whose vision tower VISION matches

_NAMES: Final = (
    (r"^visual\.trunk\.patch_embed\.proj", "vision_model.embeddings.patch_embedding"),
    (r"^visual\.trunk\.pos_embed", "vision_model.embeddings.position_embedding.weight"),
    (r"^visual\.trunk\.attn_pool\.latent", "vision_model.head.probe"),
    (r"^visual\.trunk\.attn_pool\.proj", "vision_model.head.attention.out_proj"),
    (r"^visual\.trunk\.attn_pool\.norm", "vision_model.head.layernorm"),
    (r"^visual\.trunk\.attn_pool\.mlp", "vision_model.head.mlp"),
    (r"^visual\.trunk\.norm", "vision_model.post_layernorm"),
    (r"^visual\.trunk\.blocks", "vision_model.encoder.layers"),
    (r"^text\.token_embedding", "text_model.embeddings.token_embedding"),
    (r"^text\.positional_embedding", "text_model.embeddings.position_embedding.weight"),
    (r"^text\.transformer\.resblocks", "text_model.encoder.layers"),
    (r"^text\.ln_final", "text_model.final_layer_norm"),
    (r"^text\.text_projection", "text_model.head"),
    (r"\.(norm|ln_)([12])\.", r".layer_norm\2."),
    (r"\.attn\.(out_)?proj\.", ".self_attn.out_proj."),
    (r"\.mlp\.c_fc\.", ".mlp.fc1."),
    (r"\.mlp\.c_proj\.", ".mlp.fc2."),
)  # fmt: skip
"""OpenCLIP's names as patterns -> transformers'."""

_PACKED: Final = re.compile(r"(.*\.layers\.\d+)\.attn\.(?:qkv\.|in_proj_)(weight|bias)")
"""Query, key and value of a layer in one tensor."""


def is_supported(config: Mapping[str, Any]) -> bool:
    """Return whether an `open_clip_config.json` describes a SigLIP that `load_siglip` can build."""
    model = config.get("model_cfg", {})
    vision, text = model.get("vision_cfg", {}), model.get("text_cfg", {})
    return (
        VISION.fullmatch(vision.get("timm_model_name", "")) is not None
        and vision.get("timm_pool") == "map"
        and text.get("pool_type") == "last"
        and text.get("no_causal_mask") is True
        and text.get("proj_bias") is True
    )


def preparation_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return an `open_clip_config.json`'s preprocessing as a `preprocessor_config.json` has it."""
    prepared = config.get("preprocess_cfg", {})
    side = prepared.get("size", config["model_cfg"]["vision_cfg"]["image_size"])
    height, width = side if isinstance(side, list) else (side, side)
    return {
        "size": {"height": height, "width": width},
        "resample": {"bilinear": 2, "bicubic": 3}.get(prepared.get("interpolation", "bicubic"), -1),
        "image_mean": prepared.get("mean", [0.5] * 3),
        "image_std": prepared.get("std", [0.5] * 3),
    }


def load_siglip(folder: Path) -> Any:
    """Return transformers' SiglipModel, float32, with the weights of a folder.

    Raises OSError, ValueError, SafetensorError for files that are missing or damaged, and ValueError for weights that
    do not belong to a SigLIP.
    """
    from safetensors.torch import load_file
    from transformers import SiglipModel

    config = json.loads((folder / CONFIG).read_text())
    weights = dict(_renamed(load_file(folder / WEIGHTS)))
    try:
        model = SiglipModel(_siglip_config(config["model_cfg"], weights))
        model.load_state_dict({name: weight.float() for name, weight in weights.items()})
    except (KeyError, RuntimeError) as error:
        raise ValueError("its weights are not those of a SigLIP") from error
    return model


def _siglip_config(model: Mapping[str, Any], weights: Mapping[str, "Tensor"]) -> Any:
    """Return the SiglipConfig of OpenCLIP's configuration; sizes are read from the weights."""
    from transformers import SiglipConfig

    patches = weights["vision_model.embeddings.patch_embedding.weight"]
    words = weights["text_model.embeddings.token_embedding.weight"]
    approximate = model["text_cfg"].get("act_kwargs", {}).get("approximate") == "tanh"
    vision = {
        **_layers(weights, "vision_model", patches.shape[0]),
        "image_size": model["vision_cfg"]["image_size"],
        "patch_size": patches.shape[2],
        "hidden_act": "gelu",
    }
    text = {
        **_layers(weights, "text_model", words.shape[1]),
        "vocab_size": words.shape[0],
        "max_position_embeddings": model["text_cfg"]["context_length"],
        "projection_size": weights["text_model.head.weight"].shape[0],
        "hidden_act": "gelu_pytorch_tanh" if approximate else "gelu",
    }
    return SiglipConfig(text_config=text, vision_config=vision)


def _layers(weights: Mapping[str, "Tensor"], tower: str, width: int) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "intermediate_size": weights[f"{tower}.encoder.layers.0.mlp.fc1.weight"].shape[0],
        "num_hidden_layers": sum(
            re.fullmatch(rf"{tower}\.encoder\.layers\.\d+\.mlp\.fc1\.weight", name) is not None for name in weights
        ),
        "num_attention_heads": max(1, width // HEAD_SIZE),
        "layer_norm_eps": 1e-6,
    }


def _renamed(weights: Mapping[str, "Tensor"]) -> Iterator[tuple[str, "Tensor"]]:
    """Yield OpenCLIP's weights under transformers' names, packed projections as transformers has them."""
    import torch

    pool = "visual.trunk.attn_pool"
    for name, weight in weights.items():
        if name.startswith((f"{pool}.q.", f"{pool}.kv.")):
            continue  # joined below
        renamed = name
        for pattern, replacement in _NAMES:
            renamed = re.sub(pattern, replacement, renamed)
        if name == "visual.trunk.pos_embed":
            weight = weight[0]
        elif not weight.shape:  # logit_scale and logit_bias: one number there, a vector here
            weight = weight[None]
        if packed := _PACKED.fullmatch(renamed):
            for part, of_part in zip("qkv", weight.chunk(3), strict=True):
                yield f"{packed[1]}.self_attn.{part}_proj.{packed[2]}", of_part
        else:
            yield renamed, weight
    for kind in ("weight", "bias"):
        if f"{pool}.q.{kind}" in weights:
            joined = torch.cat([weights[f"{pool}.q.{kind}"], weights[f"{pool}.kv.{kind}"]])
            yield f"vision_model.head.attention.in_proj_{kind}", joined
