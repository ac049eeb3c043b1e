"""Where networks run and in which precision."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Role
from swatchbook_models import device
from swatchbook_models.device import choose_device, to_precision

CPU = torch.device("cpu")


class Steady(nn.Module):
    """A network that bfloat16 does no harm."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.linspace(-1, 1, 64).view(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.weight


class Delicate(Steady):
    """One whose vectors are what is left of numbers that nearly cancel out: nothing, in bfloat16."""

    def forward(self, x: Tensor) -> Tensor:
        return (x @ self.weight + 1_000.0) - 1_000.0


def look(network: nn.Module) -> dict[Role, Tensor]:
    given = torch.linspace(0, 1, 16).view(2, 8).to(next(network.parameters()).dtype)
    with torch.inference_mode():
        return {Role.VISUAL: functional.normalize(network(given).float(), dim=1)}


def precision(network: nn.Module) -> torch.dtype:
    return next(network.parameters()).dtype


def test_half_precision_is_taken_if_native_and_accurate(monkeypatch: pytest.MonkeyPatch) -> None:
    for network, asked, native, taken in (
        (Steady(), "auto", True, torch.bfloat16), (Delicate(), "auto", True, torch.float32),
        (Steady(), "auto", False, torch.float32), (Delicate(), "bfloat16", True, torch.bfloat16),
        (Steady(), "float32", True, torch.float32),
    ):  # fmt: skip
        monkeypatch.setattr(device, "has_native_bfloat16", lambda _, native=native: native)
        assert precision(to_precision(network, asked, CPU, look)) == taken, (network, asked, native)


def test_processors_say_themselves_whether_they_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for able in ({"avx512_bf16": True}, {"amx_bf16": True}, {"avx512_bf16": False}, {}):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda able=able: able)
        assert device.has_native_bfloat16(CPU) == any(able.values())


def test_missing_device_is_an_error_naming_the_setting() -> None:
    assert choose_device("cpu") == CPU
    for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())):
        if not there:
            with pytest.raises(Configuration, match=f"SWATCHBOOK_DEVICE={name}"):
                choose_device(name)
