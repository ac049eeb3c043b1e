"""Where a network runs, and in which precision."""

import copy
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypeVar

import torch
from torch import Tensor, nn

from swatchbook.errors import Configuration
from swatchbook.records import Role

Device = Literal["auto", "cpu", "cuda", "mps"]
Precision = Literal["auto", "float32", "bfloat16"]
Network = TypeVar("Network", bound=nn.Module)

LEAST_COSINE: Final = 0.999  # of a probe's vectors in bfloat16 and in float32


def choose_device(asked: Device) -> torch.device:
    """The device asked for; `auto`: CUDA, else MPS, else the processor. Raises Configuration for a missing one."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if asked == "auto":
        return torch.device(next(name for name, is_there in there.items() if is_there))
    if not there[asked]:
        raise Configuration(
            f"SWATCHBOOK_DEVICE={asked}: torch finds no such device here.",
            advice=f"Found: {', '.join(name for name, is_there in there.items() if is_there)}; `auto` takes the first.",
        )
    return torch.device(asked)


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 itself, so that it is faster there and not slower."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return any(able.get(name) for name in ("amx_bf16", "avx512_bf16", "bf16"))
    return False


def lighten(
    network: Network, asked: Precision, device: torch.device, look: Callable[[Network], Mapping[Role, Tensor]]
) -> Network:
    """A float32 network on the device in the precision asked for.

    `auto`: bfloat16 where the device has it and the vectors that `look` makes of a fixed probe, (n, d) of unit length
    each, stay within a cosine of LEAST_COSINE; else float32. Raises Configuration for bfloat16 that cannot be had.
    """
    network = network.to(device)
    if asked == "float32" or (asked == "auto" and not has_native_bfloat16(device)):
        return network
    try:
        lighter = copy.deepcopy(network).to(torch.bfloat16)
        seen = look(lighter)
    except RuntimeError as error:
        raise Configuration(
            f"SWATCHBOOK_DTYPE=bfloat16: {device} cannot compute in it ({error}).", advice="Set it to `auto`."
        ) from error
    return lighter if asked == "bfloat16" or likeness(look(network), seen) >= LEAST_COSINE else network


def likeness(some: Mapping[Role, Tensor], other: Mapping[Role, Tensor]) -> float:
    """The least cosine of any two vectors that should be the same; −1 where one is no number."""
    cosines = torch.cat([(some[role] * other[role]).sum(dim=1) for role in some])
    return float(torch.nan_to_num(cosines, nan=-1.0).min())
