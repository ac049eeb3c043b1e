"""Choose the device of a network (`auto`: CUDA, else MPS, else the CPU) and its precision.

The precision is bfloat16 if the hardware has it and test vectors stay within a cosine of 0.999, else float32.
"""

import copy
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeVar

import torch
from torch import Tensor, nn

from swatchbook.domain.errors import Configuration, reason_of
from swatchbook.domain.records import Role

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16"]
Network = TypeVar("Network", bound=nn.Module)

LEAST_COSINE: Final = 0.999  # between a test image's vectors in bfloat16 and in float32


def choose_device(name: Device) -> torch.device:
    """Return the device of this name; `auto` is CUDA, else MPS, else the CPU. Raises Configuration if it is missing."""
    has_device = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    available = [device for device, is_available in has_device.items() if is_available]
    if name == "auto":
        return torch.device(available[0])
    if name not in available:
        raise Configuration(
            f"SWATCHBOOK_DEVICE={name}: torch finds no such device on this machine.",
            advice=f"Available: {', '.join(available)}. `auto` uses the first.",
        )
    return torch.device(name)


def has_native_bfloat16(device: torch.device) -> bool:
    """Return whether the hardware multiplies in bfloat16; emulated bfloat16 is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return any(capabilities.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    return False


def to_precision(
    network: Network,
    precision: Precision,
    device: torch.device,
    embed_probe: Callable[[Network], Mapping[Role, Tensor]],
) -> Network:
    """Return a float32 network on the device, in the given precision.

    `embed_probe` returns a network's vectors for fixed test images: role -> (n, d), unit length. `auto` is bfloat16 if
    the device has it and these vectors stay within a cosine of LEAST_COSINE of the float32 ones; else float32.
    Raises Configuration if bfloat16 is set and not supported.
    """
    network = network.to(device)
    if precision == "float32" or (precision == "auto" and not has_native_bfloat16(device)):
        return network
    try:
        reduced = copy.deepcopy(network).to(torch.bfloat16)
        vectors = embed_probe(reduced)
    except RuntimeError as error:
        raise Configuration(
            f"SWATCHBOOK_DTYPE=bfloat16: {device} does not support bfloat16 ({reason_of(error)}).",
            advice="Set it to `auto`.",
        ) from error
    if precision == "bfloat16" or lowest_cosine(embed_probe(network), vectors) >= LEAST_COSINE:
        return reduced
    return network


def lowest_cosine(one: Mapping[Role, Tensor], other: Mapping[Role, Tensor]) -> float:
    """Return the lowest cosine between corresponding unit vectors; NaN counts as −1."""
    cosines = torch.cat([(one[role] * other[role]).sum(dim=1) for role in one])
    return float(torch.nan_to_num(cosines, nan=-1.0).min())
