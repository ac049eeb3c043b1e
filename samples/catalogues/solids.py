"""Pictures of turned things (knobs, rails, jugs, bowls): solids of revolution under a lamp."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

RGB = tuple[int, int, int]
LAMP = np.array([-0.45, -0.5, 0.74])  # where the light comes from: x to the right, y down, z to the viewer
SHARPNESS = 26  # of the highlight


def solid(profile: Sequence[float], colour: RGB, size: tuple[int, int], *, gloss: float = 0.5) -> Image.Image:
    """The thing as RGBA on nothing, `size` pixels: `profile` has its half-widths from top to foot, as shares of 1."""
    width, height = size
    down = np.linspace(0, len(profile) - 1, height)
    radius = np.interp(down, np.arange(len(profile)), profile)
    radius = np.convolve(np.pad(radius, 6, mode="edge"), np.hanning(15)[1:-1] / np.hanning(15).sum(), "valid")
    across = np.linspace(-1, 1, width)[None, :]
    half = np.maximum(radius, 1e-3)[:, None]
    alpha = np.clip((half - np.abs(across)) * width / 2 + 0.5, 0, 1) * (radius > 0.01)[:, None]
    nx = np.clip(across / half, -1, 1)
    slope = np.gradient(radius) * height / 2
    normal = np.stack([nx, np.broadcast_to(-slope[:, None], nx.shape), np.sqrt(1 - nx**2)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.clip(normal @ LAMP, 0, 1)[..., None]
    pixels = np.array(colour) * (0.34 + 0.74 * light) + 255 * gloss * light**SHARPNESS
    rgba = np.concatenate([np.clip(pixels, 0, 255), 255 * alpha[..., None]], -1)
    return Image.fromarray(rgba.astype(np.uint8), "RGBA")


def on_ground(thing: Image.Image, ground: RGB, margin: float = 0.1) -> Image.Image:
    """The thing on a flat ground, with `margin` of its size around it."""
    width, height = thing.size
    left, top = round(width * margin), round(height * margin)
    picture = Image.new("RGB", (width + 2 * left, height + 2 * top), ground)
    picture.paste(thing, (left, top), thing)
    return picture
