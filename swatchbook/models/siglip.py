"""SigLIP, SigLIP 2 (of a fixed resolution) and CLIP: pictures and texts in one space, all roles in one pass.

(Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023; Tschannen et al., "SigLIP 2", 2025;
Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.)

- `visual`: the vision tower's pooled output, which texts compare with.
- `color, texture, material, application`: the picture as a role's prompts see it. With p_i the unit vector of patch i
  in the joint space, and t that of the role's prompts (the mean of their unit vectors, of unit length again):

      v = Σ w_i p_i / |Σ w_i p_i|,   w = softmax_i(s · p_i·t),   s: the model's own logit scale, exp(logit_scale)

  CLIP's patches come into the joint space as its class token does: last layer norm, projection. SigLIP's pooling head
  is run on each patch alone; its attention then has one place to look, so only its values count (the value path of
  Zhou, Loy & Dai, "Extract Free Dense Labels from CLIP", ECCV 2022).
- `multimodal`: a picture and what is said of it, (v + t) / |v + t|, with v its `visual` vector and t that of the text
  tower, of unit length both. No second pass over pixels; a text that is longer than the tower reads is cut.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from swatchbook.arrays import Pixels, Vectors
from swatchbook.errors import Configuration, InvalidModelOutput
from swatchbook.models.device import Device, Precision
from swatchbook.models.pretrained import load_network, load_preparation, load_tokenizer
from swatchbook.models.vision import VisionEncoder
from swatchbook.models.weights import Checkpoint
from swatchbook.records import PIXEL_ROLES, Role

Patches = tuple[Tensor, Tensor]
"""The pooled picture (n, d) and its patches (n, p, d), both in the joint space, of any length."""


class SiglipVision(nn.Module):
    """Normalised pixels (n, 3, h, w) to Patches."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tower = model.vision_model

    def forward(self, pixels: Tensor) -> Patches:
        seen, head = self.tower(pixel_values=pixels), self.tower.head
        weight, bias = head.attention.in_proj_weight.chunk(3)[2], head.attention.in_proj_bias.chunk(3)[2]
        alone = head.attention.out_proj(functional.linear(seen.last_hidden_state, weight, bias))
        return seen.pooler_output, alone + head.mlp(head.layernorm(alone))


class ClipVision(nn.Module):
    """Normalised pixels (n, 3, h, w) to Patches."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tower, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixels: Tensor) -> Patches:
        seen = self.tower(pixel_values=pixels)
        patches = self.tower.post_layernorm(seen.last_hidden_state[:, 1:])  # the first is the class token
        return self.projection(seen.pooler_output), self.projection(patches)


class GuidedPooling(nn.Module):
    """Normalised pixels (n, 3, h, w) to role -> (n, d): `visual`, and what each guide makes of the patches."""

    def __init__(self, vision: nn.Module, guides: Mapping[Role, Tensor], scale: float) -> None:
        super().__init__()
        self.vision = vision
        self._roles, self._scale = tuple(guides), scale
        self._guides = torch.stack(list(guides.values()))  # no buffer: stays float32 when the towers do not

    def forward(self, pixels: Tensor) -> dict[Role, Tensor]:
        pooled, patches = self.vision(pixels)
        guided = pool(patches.float(), self._guides.to(patches.device), self._scale)
        return {Role.VISUAL: pooled, **dict(zip(self._roles, guided.unbind(dim=1), strict=True))}


def pool(patches: Tensor, guides: Tensor, scale: float) -> Tensor:
    """(n, p, d) patches and (r, d) guides of unit length to (n, r, d) of unit length, by the formula above."""
    patches = functional.normalize(patches, dim=2)
    weights = torch.softmax(scale * patches @ guides.T, dim=1)
    return functional.normalize(weights.transpose(1, 2) @ patches, dim=2)


class SiglipTextTower:
    """The text tower: texts to (n, d) of unit length in the space of `visual`. Float32 whatever the vision tower is."""

    def __init__(self, model: Any, folder: Path, checkpoint: Checkpoint) -> None:
        self._tower = model.text_model
        self._projection = getattr(model, "text_projection", nn.Identity())  # SigLIP's tower has its own
        longest = model.config.text_config.max_position_embeddings
        padded = longest if model.config.model_type == "siglip" else None  # SigLIP was trained on texts of one length
        self._masked = padded is None
        self._tokenizer = load_tokenizer(folder, checkpoint, longest=longest, pad_to=padded)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Texts are lower-cased first, as all three were trained; SigLIP 2's published tokenizer leaves that out."""
        tokens = self._tokenizer.encode_batch([text.lower() for text in texts])
        device = next(self._tower.parameters()).device
        ids = torch.tensor([each.ids for each in tokens], device=device)
        mask = torch.tensor([each.attention_mask for each in tokens], device=device) if self._masked else None
        with torch.inference_mode():
            read = self._tower(input_ids=ids, attention_mask=mask).pooler_output
            return functional.normalize(self._projection(read), dim=1)

    def move(self, device: str) -> None:
        """To where the pictures are: thousands of texts are read beside them."""
        self._tower.to(device)
        self._projection.to(device)

    def guides(self, prompts: Mapping[Role, Sequence[str]]) -> dict[Role, Tensor]:
        """role -> (d,) of unit length: the mean of its prompts."""
        return {role: functional.normalize(self.embed(given).mean(dim=0), dim=0) for role, given in prompts.items()}


VISIONS: Final[Mapping[str, type[SiglipVision] | type[ClipVision]]] = {"siglip": SiglipVision, "clip": ClipVision}
"""By the model type that a checkpoint gives itself. SigLIP 2 of a fixed resolution is a SigLIP there."""


class SiglipEncoder:
    """An `ImageEncoder` that is a `TextTower`, too. Threads may share it."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        tags: Mapping[Role, str],
        prompts: Mapping[Role, Sequence[str]],
        *,
        device: Device,
        precision: Precision,
    ) -> None:
        folder = checkpoint.folder()
        model = load_network(folder, checkpoint)
        kind = model.config.model_type
        if kind not in VISIONS or (kind == "siglip" and not model.vision_model.use_head):
            raise Configuration(
                f"SWATCHBOOK_ENCODER_MODEL={checkpoint.model} is a {kind} that Swatchbook cannot use.",
                advice="Name a SigLIP, a SigLIP 2 of a fixed resolution (not NaFlex), or a CLIP.",
            )
        self._words = SiglipTextTower(model, folder, checkpoint)
        network = GuidedPooling(VISIONS[kind](model), self._words.guides(prompts), model.logit_scale.exp().item())
        preparation = load_preparation(folder, checkpoint)
        seen = {role: tag for role, tag in tags.items() if role in PIXEL_ROLES}
        self.vision = VisionEncoder(network, seen, preparation, device=device, precision=precision)
        self._words.move(self.vision.device)
        self.tags, self.dimensions, self.side = self.vision.tags, self.vision.dimensions, self.vision.side

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """role -> (n, dimension) float32, unit length. Raises OutOfMemory, InvalidModelOutput."""
        return self.vision.encode(pictures)

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension) float32, unit length, in the space of the role `visual`. Raises OutOfMemory."""
        if not texts:
            return np.empty((0, self.dimensions[Role.VISUAL]), np.float32)
        return np.concatenate(self.vision.share(self._read, texts))

    def _read(self, texts: Sequence[str]) -> Vectors:
        vectors: Vectors = self._words.embed(texts).cpu().numpy()
        return vectors

    def join(self, seen: Vectors, said: Sequence[str]) -> Vectors:
        """(n, dimension) float32, unit length: the role `multimodal`. Raises OutOfMemory, InvalidModelOutput."""
        both = seen + self.encode_queries(said)
        lengths = np.linalg.norm(both, axis=1, keepdims=True)
        if not (lengths > 0).all():  # of no number, too
            raise InvalidModelOutput("What is said of a picture is the very opposite of it, or no number.")
        made: Vectors = (both / lengths).astype(np.float32)
        return made


class WithStructure:
    """A SiglipEncoder, and DINOv2 beside it, as one `ImageEncoder` and `TextTower`."""

    def __init__(self, words: SiglipEncoder, structure: VisionEncoder) -> None:
        self.words, self.structure = words, structure
        self.tags = {**words.tags, **structure.tags}
        self.dimensions = {**words.dimensions, **structure.dimensions}
        self.side = max(words.side, structure.side)

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """role -> (n, dimension) float32, unit length. Raises OutOfMemory, InvalidModelOutput."""
        return {**self.words.encode(pictures), **self.structure.encode(pictures)}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension) float32, unit length, in the space of the role `visual`. Raises OutOfMemory."""
        return self.words.encode_queries(texts)

    def join(self, seen: Vectors, said: Sequence[str]) -> Vectors:
        """(n, dimension) float32, unit length: the role `multimodal`. Raises OutOfMemory, InvalidModelOutput."""
        return self.words.join(seen, said)
