"""Models of the real architectures with a few thousand random weights, saved as the hub has them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    BitImageProcessorPil,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    Siglip2Config,
    Siglip2Model,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

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


def _siglip() -> SiglipModel:
    model = SiglipModel(SiglipConfig(text_config=_TEXT, vision_config=_VISION))
    model.logit_scale.data.fill_(2.5)
    return model


def _clip() -> CLIPModel:
    return CLIPModel(CLIPConfig(text_config=_TEXT, vision_config=_VISION, projection_dim=24))


def _naflex() -> Siglip2Model:
    vision = {**_LAYERS, "patch_size": 8, "num_patches": 16}
    return Siglip2Model(Siglip2Config(text_config=_TEXT, vision_config=vision))


def _dinov2() -> Dinov2Model:
    return Dinov2Model(Dinov2Config(**_VISION, mlp_ratio=2))


def _dinov2_with_registers() -> Dinov2WithRegistersModel:
    return Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**_VISION, mlp_ratio=2, num_register_tokens=3))


def _dinov2_processor() -> BitImageProcessorPil:
    crop = {"height": SIDE, "width": SIDE}
    return BitImageProcessorPil(size={"shortest_edge": SIDE * 8 // 7}, crop_size=crop, resample=3, **_IMAGENET)


def _siglip_processor(resample: int) -> Callable[[], SiglipImageProcessorPil]:
    return lambda: SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}, resample=resample)


def _clip_processor() -> CLIPImageProcessorPil:
    return CLIPImageProcessorPil(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})


MODELS: Mapping[str, Callable[[], Any]] = {
    "siglip": _siglip,
    "siglip2": _siglip,  # of a fixed resolution: a SigLIP by its configuration, pictures resized bilinearly
    "clip": _clip,
    "naflex": _naflex,
    "dinov2": _dinov2,
    "dinov2_with_registers": _dinov2_with_registers,
}
PROCESSORS: Mapping[str, Callable[[], Any]] = {
    "siglip": _siglip_processor(3),
    "siglip2": _siglip_processor(2),
    "clip": _clip_processor,
    "naflex": _siglip_processor(2),
    "dinov2": _dinov2_processor,
    "dinov2_with_registers": _dinov2_processor,
}
