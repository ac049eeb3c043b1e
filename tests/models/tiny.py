"""Models of the real architectures with a few thousand random weights, saved as the hub has them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import transformers  # whose classes are loaded when they are named, which takes seconds
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

SIDE = 32
WORDS = (
    "oak walnut white grey tile floor chair wool marble surface colour room of a the in matte rough smooth 60x120 cm"
)

_LAYERS = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
_VISION = {**_LAYERS, "image_size": SIDE, "patch_size": 8}
_TEXT = {**_LAYERS, "vocab_size": 160, "max_position_embeddings": 16, "pad_token_id": 0, "eos_token_id": 1}
_IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}


def save(folder: Path, kind: str) -> Path:
    """A model of this kind, with its processor and, where it reads, its tokenizer."""
    torch.manual_seed(7)
    MODELS[kind]().eval().save_pretrained(folder / kind)
    PROCESSORS[kind]().save_pretrained(folder / kind)
    if kind in ("siglip", "siglip2", "clip"):
        save_tokenizer(folder / kind)
    return folder / kind


def save_tokenizer(folder: Path) -> None:
    """Byte-level BPE, learnt from a few words, that ends every text with </s>."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    alphabet = sorted(set(WORDS) | {"Ġ"})
    trainer = trainers.BpeTrainer(vocab_size=150, special_tokens=["<pad>", "</s>", "<unk>"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator([WORDS] * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def _siglip() -> Any:
    model = transformers.SiglipModel(transformers.SiglipConfig(text_config=_TEXT, vision_config=_VISION))
    model.logit_scale.data.fill_(2.5)
    return model


def _clip() -> Any:
    return transformers.CLIPModel(transformers.CLIPConfig(text_config=_TEXT, vision_config=_VISION, projection_dim=24))


def _naflex() -> Any:
    vision = {**_LAYERS, "patch_size": 8, "num_patches": 16}
    return transformers.Siglip2Model(transformers.Siglip2Config(text_config=_TEXT, vision_config=vision))


def _dinov2() -> Any:
    return transformers.Dinov2Model(transformers.Dinov2Config(**_VISION, mlp_ratio=2))


def _dinov2_with_registers() -> Any:
    config = transformers.Dinov2WithRegistersConfig(**_VISION, mlp_ratio=2, num_register_tokens=3)
    return transformers.Dinov2WithRegistersModel(config)


def _dinov2_processor() -> Any:
    crop = {"height": SIDE, "width": SIDE}
    size = {"shortest_edge": SIDE * 8 // 7}
    return transformers.BitImageProcessorPil(size=size, crop_size=crop, resample=3, **_IMAGENET)


def _siglip_processor(resample: int) -> Callable[[], Any]:
    return lambda: transformers.SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}, resample=resample)


def _clip_processor() -> Any:
    return transformers.CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})


MODELS: Mapping[str, Callable[[], Any]] = {
    "siglip": _siglip,
    "siglip2": _siglip,  # of a fixed resolution: a SigLIP by its configuration, pictures resized bilinearly
    "clip": _clip,
    "naflex": _naflex,
    "dinov2": _dinov2,
    "dinov2_with_registers": _dinov2_with_registers,
}
PROCESSORS: Mapping[str, Callable[[], Any]] = {
    "siglip": _siglip_processor(3), "siglip2": _siglip_processor(2), "clip": _clip_processor,
    "naflex": _siglip_processor(2), "dinov2": _dinov2_processor, "dinov2_with_registers": _dinov2_processor,
}  # fmt: skip
