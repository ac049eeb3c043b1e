"""Encode pictures and texts in one space with SigLIP, SigLIP 2 (fixed resolution) or CLIP.

(Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023; Tschannen et al., "SigLIP 2", 2025;
Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.)

- `visual`: the vision tower's pooled output, which texts are compared with.
- `color, texture, material, application`: the patches, weighted by their similarity to the role's prompts. With p_i the
  unit vector of patch i in the joint space, and t that of the role's prompts (the normalised mean of their vectors):

      v = Σ w_i p_i / |Σ w_i p_i|,   w = softmax_i(s · p_i·t),   s: the model's logit scale, exp(logit_scale)

  CLIP's patches are projected into the joint space like its class token: last layer norm, projection. For SigLIP the
  pooling head runs on each patch alone; attention over a single patch returns its value projection (the value path
  of Zhou, Loy & Dai, "Extract Free Dense Labels from CLIP", ECCV 2022).
- `multimodal`: a picture and its text, (v + t) / |v + t|, with v the picture's `visual` vector and t the text tower's
  vector, both of unit length. It needs no second pass over the pixels; a text beyond the tower's limit is truncated.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from swatchbook.domain.errors import Configuration, InvalidModelOutput
from swatchbook.domain.records import PIXEL_ROLES, Role
from swatchbook_base.arrays import Pixels, Vectors
from swatchbook_models.device import Device, Precision
from swatchbook_models.pretrained import load_network, load_preparation, load_tokenizer
from swatchbook_models.vision_encoder import VisionEncoder
from swatchbook_models.weights import Checkpoint

Patches = tuple[Tensor, Tensor]
"""The pooled pictures (n, d) and their patches (n, p, d), both in the joint space, not normalised."""


class SiglipVision(nn.Module):
    """Map normalised pixels (n, 3, h, w) to Patches."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tower = model.vision_model

    def forward(self, pixels: Tensor) -> Patches:
        output, head = self.tower(pixel_values=pixels), self.tower.head
        weight, bias = head.attention.in_proj_weight.chunk(3)[2], head.attention.in_proj_bias.chunk(3)[2]
        values = head.attention.out_proj(functional.linear(output.last_hidden_state, weight, bias))
        return output.pooler_output, values + head.mlp(head.layernorm(values))


class ClipVision(nn.Module):
    """Map normalised pixels (n, 3, h, w) to Patches."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.tower, self.projection = model.vision_model, model.visual_projection

    def forward(self, pixels: Tensor) -> Patches:
        output = self.tower(pixel_values=pixels)
        patches = self.tower.post_layernorm(output.last_hidden_state[:, 1:])  # the first is the class token
        return self.projection(output.pooler_output), self.projection(patches)


class GuidedPooling(nn.Module):
    """Map normalised pixels (n, 3, h, w) to role -> (n, d): `visual`, and the patches pooled by each role's guide."""

    def __init__(self, vision: nn.Module, guides: Mapping[Role, Tensor], scale: float) -> None:
        super().__init__()
        self.vision = vision
        self._roles, self._scale = tuple(guides), scale
        self._guides = torch.stack(list(guides.values()))  # not a buffer, so that it stays float32

    def forward(self, pixels: Tensor) -> dict[Role, Tensor]:
        pooled, patches = self.vision(pixels)
        guided = pool(patches.float(), self._guides.to(patches.device), self._scale)
        return {Role.VISUAL: pooled, **dict(zip(self._roles, guided.unbind(dim=1), strict=True))}


def pool(patches: Tensor, guides: Tensor, scale: float) -> Tensor:
    """Pool patches (n, p, d) by guides (r, d, unit length) into (n, r, d), unit length, by the formula above."""
    patches = functional.normalize(patches, dim=2)
    weights = torch.softmax(scale * patches @ guides.T, dim=1)
    return functional.normalize(weights.transpose(1, 2) @ patches, dim=2)


class SiglipTextTower:
    """The text tower, always float32: embeds texts in the space of the role `visual`."""

    def __init__(self, model: Any, folder: Path, checkpoint: Checkpoint) -> None:
        self._tower = model.text_model
        self._projection = getattr(model, "text_projection", nn.Identity())  # part of SigLIP's tower already
        longest = model.config.text_config.max_position_embeddings
        padded = longest if model.config.model_type == "siglip" else None  # SigLIP was trained on padded texts
        self._masked = padded is None
        self._tokenizer = load_tokenizer(folder, checkpoint, longest=longest, pad_to=padded)

    def embed(self, texts: Sequence[str]) -> Tensor:
        """Return (n, d), unit length.

        Texts are converted to lower case, as in the training of all three; SigLIP 2's tokenizer.json does not do it.
        """
        tokens = self._tokenizer.encode_batch([text.lower() for text in texts])
        device = next(self._tower.parameters()).device
        ids = torch.tensor([each.ids for each in tokens], device=device)
        mask = torch.tensor([each.attention_mask for each in tokens], device=device) if self._masked else None
        with torch.inference_mode():
            pooled = self._tower(input_ids=ids, attention_mask=mask).pooler_output
            return functional.normalize(self._projection(pooled), dim=1)

    def move(self, device: str) -> None:
        """Move the tower to a device: the role `multimodal` embeds as many texts as pictures."""
        self._tower.to(device)
        self._projection.to(device)

    def guides(self, prompts: Mapping[Role, Sequence[str]]) -> dict[Role, Tensor]:
        """Return role -> (d,), unit length: the mean of its prompts' vectors."""
        return {role: functional.normalize(self.embed(texts).mean(dim=0), dim=0) for role, texts in prompts.items()}


VISIONS: Final[Mapping[str, type[SiglipVision] | type[ClipVision]]] = {"siglip": SiglipVision, "clip": ClipVision}
"""Model type in config.json -> vision network. SigLIP 2 of a fixed resolution has the type `siglip`."""


class SiglipEncoder:
    """An `ImageEncoder` and `TextTower`, with the vectors of another encoder (DINOv2's `structure`) if there is one.

    Thread-safe.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        tags: Mapping[Role, str],
        prompts: Mapping[Role, Sequence[str]],
        *,
        structure: VisionEncoder | None = None,
        device: Device,
        precision: Precision,
    ) -> None:
        folder = checkpoint.folder()
        model = load_network(folder, checkpoint)
        kind = model.config.model_type
        if kind not in VISIONS or (kind == "siglip" and not model.vision_model.use_head):
            raise Configuration(
                f"SWATCHBOOK_ENCODER_MODEL={checkpoint.model} is a {kind} model, which Swatchbook does not support.",
                advice="Name a SigLIP model, a SigLIP 2 model of a fixed resolution (not NaFlex), or a CLIP model.",
            )
        self._text_tower = SiglipTextTower(model, folder, checkpoint)
        network = GuidedPooling(VISIONS[kind](model), self._text_tower.guides(prompts), model.logit_scale.exp().item())
        preparation = load_preparation(folder, checkpoint)
        pixel_tags = {role: tag for role, tag in tags.items() if role in PIXEL_ROLES}
        self.vision = VisionEncoder(network, pixel_tags, preparation, device=device, precision=precision)
        self._text_tower.move(self.vision.device)
        self._encoders = [self.vision, *([structure] if structure else [])]
        self.tags = {role: tag for each in self._encoders for role, tag in each.tags.items()}
        self.dimensions = {role: size for each in self._encoders for role, size in each.dimensions.items()}
        self.side = max(each.side for each in self._encoders)

    def encode(self, pictures: Sequence[Pixels]) -> Mapping[Role, Vectors]:
        """role -> (n, dimension) float32, unit length. Raises OutOfMemory, InvalidModelOutput."""
        return {role: block for each in self._encoders for role, block in each.encode(pictures).items()}

    def encode_queries(self, texts: Sequence[str]) -> Vectors:
        """(n, dimension) float32, unit length, in the space of the role `visual`. Raises OutOfMemory."""
        if not texts:
            return np.empty((0, self.dimensions[Role.VISUAL]), np.float32)
        return np.concatenate(self.vision.map_batches(lambda some: self._text_tower.embed(some).cpu().numpy(), texts))

    def combine(self, visual: Vectors, texts: Sequence[str]) -> Vectors:
        """Return `multimodal` (n, dimension) float32, unit length. Raises OutOfMemory, InvalidModelOutput."""
        sums = visual + self.encode_queries(texts)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        if not (lengths > 0).all():  # also false for NaN
            raise InvalidModelOutput("A picture's vector and its text's are exactly opposite, or one of them is NaN.")
        combined: Vectors = (sums / lengths).astype(np.float32)
        return combined
