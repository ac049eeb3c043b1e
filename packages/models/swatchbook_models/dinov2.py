"""Make the vectors of the role `structure` with DINOv2 (Oquab et al., TMLR 2024).

With or without registers (Darcet et al., ICLR 2024).
"""

from typing import Any, Final

from torch import Tensor, nn

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Role
from swatchbook_models.device import Device, Precision
from swatchbook_models.pretrained import load_network, load_preparation
from swatchbook_models.vision_encoder import VisionEncoder
from swatchbook_models.weights import Checkpoint

KINDS: Final = ("dinov2", "dinov2_with_registers")


class Dinov2(nn.Module):
    """Map normalised pixels (n, 3, h, w) to `structure` (n, hidden size): the class token after the last layer norm."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> dict[Role, Tensor]:
        return {Role.STRUCTURE: self.model(pixel_values=pixels).pooler_output}


def load_dinov2(checkpoint: Checkpoint, tag: str, *, device: Device, precision: Precision) -> VisionEncoder:
    """Load the encoder of the role `structure`. Raises Configuration for missing weights or another kind of model."""
    folder = checkpoint.folder()
    model = load_network(folder, checkpoint)
    if model.config.model_type not in KINDS:
        raise Configuration(
            f"SWATCHBOOK_STRUCTURE_MODEL={checkpoint.model} is a {model.config.model_type} model, not DINOv2.",
            advice="Name a DINOv2 model, such as facebook/dinov2-base.",
        )
    preparation = load_preparation(folder, checkpoint)
    return VisionEncoder(Dinov2(model), {Role.STRUCTURE: tag}, preparation, device=device, precision=precision)
