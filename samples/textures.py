"""Procedural materials: tileable colour textures of stone, wood, cloth, leather, metal and the like.

A texture is an (n, n, 3) uint8 sRGB array that repeats without a seam, drawn from a seed and a palette. Noise is
shaped in the frequency domain (Voss 1985: spectrum ~ 1 / f^beta), which makes it tileable for free.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[np.floating[Any]]
Pixels = NDArray[np.uint8]
Colour = tuple[int, int, int]

SIZE = 640  # pixels a side: the largest that keeps the whole catalogue under a minute on two cores


def noise(rng: np.random.Generator, beta: float, *, stretch: float = 1.0, coarse: float = 1.0, n: int = SIZE) -> Field:
    """(n, n) tileable noise, mean 0, deviation 1. `stretch` > 1 draws it out along x; features end at 1/`coarse`."""
    ky = np.fft.fftfreq(n)[:, None] * n
    kx = np.fft.rfftfreq(n)[None, :] * n
    radius = np.sqrt(ky**2 / stretch + kx**2 * stretch + coarse**2)
    white = np.fft.rfft2(rng.standard_normal((n, n), dtype=np.float32))
    white[0, 0] = 0
    field = np.fft.irfft2(white * radius ** (-beta), s=(n, n))
    return np.asarray(field / field.std(), dtype=np.float32)


def band(rng: np.random.Generator, frequency: float, *, width: float = 0.35, n: int = SIZE) -> Field:
    """(n, n) tileable noise around one frequency (cycles a side): its zero lines form a net of cells."""
    ky = np.fft.fftfreq(n)[:, None] * n
    kx = np.fft.rfftfreq(n)[None, :] * n
    log = np.log(np.maximum(np.hypot(ky, kx), 0.5) / frequency)
    field = np.fft.irfft2(
        np.fft.rfft2(rng.standard_normal((n, n), dtype=np.float32)) * np.exp(-((log / width) ** 2)), s=(n, n)
    )
    return np.asarray(field / field.std(), dtype=np.float32)


def warp(field: Field, dx: Field, dy: Field) -> Field:
    """The field read at (y + dy, x + dx) pixels, wrapped: bends straight features without opening a seam."""
    n = field.shape[0]
    y, x = np.mgrid[0:n, 0:n]
    return field[(y + dy).astype(int) % n, (x + dx).astype(int) % n]


def ramp(t: Field, colours: list[Colour]) -> Field:
    """(n, n, 3) colours looked up along a gradient; `t` is clipped to 0..1."""
    stops = np.linspace(0, 1, len(colours))
    table = np.array(colours, dtype=np.float32)
    return np.stack([np.interp(t, stops, table[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def unit(field: Field, spread: float = 2.2) -> Field:
    """Noise of deviation 1 brought to 0..1, `spread` deviations to either side."""
    return np.clip(field / (2 * spread) + 0.5, 0, 1)


def relief(height: Field, strength: float) -> Field:
    """(n, n, 1) brightness factor of a height field lit from the upper left."""
    slope = (height - np.roll(height, (1, 1), (0, 1))) + 0.5 * (height - np.roll(height, 1, 0))
    return (1 + strength * slope)[..., None]


def to_pixels(colour: Field) -> Pixels:
    return np.clip(colour + 0.5, 0, 255).astype(np.uint8)


def stone(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Sedimentary stone: soft clouds along a bedding plane, darker drifts, fine grain."""
    clouds = warp(noise(rng, 1.7, stretch=1.6), 26 * noise(rng, 2), 26 * noise(rng, 2))
    drift = np.exp(-np.abs(warp(noise(rng, 2.1, stretch=2.5), 34 * noise(rng, 2), 30 * noise(rng, 2))) * 7)
    grain = noise(rng, 0.4)
    t = 0.62 * unit(clouds) + 0.26 * unit(noise(rng, 1.1)) + 0.12 * unit(grain)
    colour = ramp((t - 0.5) * 1.7 + 0.5, palette) * (1 - 0.11 * drift[..., None])
    return colour + 3.2 * grain[..., None]


def concrete(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Cast concrete: broad tonal clouds, trowel strokes, air pores."""
    t = 0.6 * unit(noise(rng, 2.0)) + 0.25 * unit(noise(rng, 1.2, stretch=6)) + 0.15 * unit(noise(rng, 0.8))
    pores = np.clip(band(rng, 58) - 2.35, 0, 1) + np.clip(band(rng, 24) - 2.75, 0, 1)
    return ramp((t - 0.5) * 1.9 + 0.5, palette) * (1 - 0.42 * pores[..., None]) + 2.6 * noise(rng, 0.2)[..., None]


def marble(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Marble: a pale cloudy ground, one bold and one fine net of veins. The palette's last colour is the vein's."""
    *ground, vein = palette
    bend = 60 * noise(rng, 2.2)
    bold = np.exp(-np.abs(warp(noise(rng, 2.3), bend, 60 * noise(rng, 2.2))) * 26)
    fine = np.exp(-np.abs(warp(noise(rng, 1.8), bend, 40 * noise(rng, 2.0))) * 34)
    haze = np.exp(-np.abs(warp(noise(rng, 2.3), 46 * noise(rng, 2.2), 46 * noise(rng, 2.2))) * 3.2)
    broken = np.clip(unit(noise(rng, 1.8)) * 2 - 0.45, 0, 1)
    weight = np.clip(0.75 * bold * broken + 0.32 * fine * (1 - broken) + 0.30 * haze * broken, 0, 0.92)[..., None]
    base = ramp(unit(noise(rng, 1.9)), ground)
    return base * (1 - weight) + np.array(vein, np.float32) * weight + 1.4 * noise(rng, 0.3)[..., None]


def chips(rng: np.random.Generator, palette: list[Colour], sizes: list[tuple[int, float]]) -> tuple[Pixels, Field]:
    """Angular chips thrown on a wrapping canvas: their colours (n, n, 3) and their cover (n, n) in 0..1.

    `sizes` lists (how many, radius in pixels), the largest first; a smaller chip never covers a larger one.
    """
    scale = 2
    n = SIZE * scale
    canvas, cover = Image.new("RGB", (n, n)), Image.new("L", (n, n))
    draw, mask = ImageDraw.Draw(canvas), ImageDraw.Draw(cover)
    taken = np.zeros((SIZE, SIZE), dtype=bool)
    for count, radius in sizes:
        for _ in range(count):
            cx, cy = rng.integers(0, SIZE, 2)
            r = radius * rng.uniform(0.55, 1.25)
            reach = np.ix_(*(np.arange(int(c - r * 0.9), int(c + r * 0.9) + 1) % SIZE for c in (cy, cx)))
            if taken[reach].any():
                continue
            taken[reach] = True
            corners = int(rng.integers(5, 9))
            angles = np.sort(rng.uniform(0, 2 * np.pi, corners))
            radii = r * rng.uniform(0.65, 1.05, corners)
            tone = rng.uniform(-14, 14)
            fill = tuple(int(np.clip(c + tone, 0, 255)) for c in palette[int(rng.integers(len(palette)))])
            for ox in (-SIZE, 0, SIZE):
                for oy in (-SIZE, 0, SIZE):
                    if -r < cx + ox < SIZE + r and -r < cy + oy < SIZE + r:
                        xs, ys = cx + ox + radii * np.cos(angles), cy + oy + radii * np.sin(angles)
                        outline = [(float(x) * scale, float(y) * scale) for x, y in zip(xs, ys, strict=True)]
                        draw.polygon(outline, fill=fill)
                        mask.polygon(outline, fill=255)
    small = (SIZE, SIZE)
    share = np.asarray(cover.resize(small, Image.Resampling.BOX), dtype=np.float32) / 255
    return np.asarray(canvas.resize(small, Image.Resampling.BOX)), share


def terrazzo(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Terrazzo: marble chips of three sizes in a cement ground (the first colour of the palette)."""
    ground, *stones = palette
    colour, cover = chips(rng, stones, [(90, 30), (420, 15), (2600, 5.5)])
    base = np.array(ground, np.float32) + 4 * noise(rng, 1.4)[..., None] + 4 * noise(rng, 0.3)[..., None]
    inlaid = colour.astype(np.float32) + (cover * 9 * noise(rng, 1.2))[..., None]
    return base * (1 - cover[..., None]) + inlaid


def cells(rng: np.random.Generator, count: int) -> tuple[Field, Field, NDArray[np.int64]]:
    """Voronoi cells of a jittered, wrapping grid: distance to the nearest and second seed (in cells), and whose it is.

    Worley 1996; three arrays (n, n).
    """
    seeds = rng.uniform(0.05, 0.95, (count, count, 2)).astype(np.float32)
    grid = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) * (count / SIZE)
    home = grid.astype(np.int64)
    first = np.full((SIZE, SIZE), 9, np.float32)
    second, owner = first.copy(), np.zeros((SIZE, SIZE), np.int64)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            row, column = home[0] + dy, home[1] + dx
            seed = seeds[row % count, column % count]
            distance = np.hypot(row + seed[..., 0] - grid[0], column + seed[..., 1] - grid[1]).astype(np.float32)
            second = np.minimum(second, np.maximum(first, distance))
            owner = np.where(distance < first, (row % count) * count + column % count, owner)
            first = np.minimum(first, distance)
    return first, second, owner


def cork(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Pressed cork: granules of many tones, dark bark (the first colour) in the joints and as flecks."""
    bark, *granules = palette
    first, second, owner = cells(rng, 46)
    tones = ramp(rng.uniform(0, 1, 46 * 46).astype(np.float32), granules)
    dark = (rng.random(46 * 46) < 0.07)[owner, None]
    joint = np.exp(-(second - first) * 9)[..., None]
    body = np.where(dark, np.array(bark, np.float32) * 1.1, tones[owner]) * (1 + 0.07 * noise(rng, 0.9)[..., None])
    body = body * (1 - 0.55 * joint) + np.array(bark, np.float32) * 0.55 * joint
    return (body + 5 * noise(rng, 0.4)[..., None]) * relief(first, -0.35)


def zellige(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Hand-cut glazed tiles, 8 × 8: each with its own tone, tilt and glaze, in pale grout."""
    count, joint = 8, 2.1
    cell = SIZE / count
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    x, y = x + 1.3 * noise(rng, 1.6), y + 1.3 * noise(rng, 1.6)
    column, row = (x // cell).astype(int) % count, (y // cell).astype(int) % count
    u, v = (x % cell) / cell - 0.5, (y % cell) / cell - 0.5
    tone = rng.uniform(0.08, 0.92, (count, count)).astype(np.float32)[row, column]
    tilt = rng.normal(0, 1, (2, count, count)).astype(np.float32)
    slope = u * tilt[0][row, column] + v * tilt[1][row, column]
    pooled = unit(noise(rng, 1.5)) - 0.5
    glaze = ramp(np.clip(tone + 0.42 * pooled, 0, 1), palette) * (1 + 0.17 * slope + 0.05 * band(rng, 20))[..., None]
    edge = np.minimum(0.5 - np.abs(u), 0.5 - np.abs(v)) * cell
    bevel = np.clip((edge - joint) / 5, 0, 1)
    shine = np.clip(unit(noise(rng, 1.7), 1.6) * 1.5 + 0.5 * slope - 0.95, 0, 1) * bevel
    tile = glaze * (0.72 + 0.28 * bevel)[..., None] + 70 * shine[..., None]
    grout = np.array((214, 207, 194), np.float32) + 6 * noise(rng, 0.6)[..., None]
    inside = np.clip(edge - joint + 1, 0, 1)[..., None]
    return grout * (1 - inside) + tile * inside


def grain(rng: np.random.Generator) -> tuple[Field, Field]:
    """Wood along x: growth rings drawn out into flames, and pores; both (n, n), 0..1."""
    sweep = noise(rng, 2.2, stretch=24)
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * (2.6 * sweep + 0.12 * noise(rng, 1.4, stretch=60)))
    pores = np.clip(noise(rng, 0.5, stretch=160) - 1.0, 0, 1.4)
    return rings.astype(np.float32), np.asarray(pores, np.float32)


def planks(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Boards along x, six abreast, staggered: each with its own cut and tone."""
    rings, pores = grain(rng)
    fibre = unit(noise(rng, 1.0, stretch=90))
    rows, width = 5, SIZE // 5
    colour = np.empty((SIZE, SIZE, 3), dtype=np.float32)
    for row in range(rows):
        joints = sorted({int(rng.integers(0, SIZE)), int(rng.integers(0, SIZE))})
        strip = slice(row * width, (row + 1) * width)
        for start, end in [*pairwise(joints), (joints[-1], joints[0] + SIZE)]:
            columns = np.arange(start, end) % SIZE
            shift = (int(rng.integers(SIZE)), int(rng.integers(SIZE)))
            cut = np.ix_(np.arange(shift[0], shift[0] + width) % SIZE, (columns + shift[1]) % SIZE)
            t = 0.42 * rings[cut] + 0.46 * fibre[cut] + rng.uniform(-0.08, 0.22)
            board = ramp(t, palette) * (1 - 0.22 * pores[cut][..., None]) * rng.uniform(0.93, 1.05)
            board[:2] *= 0.62
            board[2:3] *= 1.06
            board[:, :2] *= 0.62
            colour[strip, columns] = board
    return colour + 2 * noise(rng, 0.3)[..., None]


def herringbone(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Parquet blocks 1 : 4. Cell (x, y) lies in a level block where (x - y) mod 8 < 4, else in an upright one."""
    rings, pores = grain(rng)
    fibre = unit(noise(rng, 1.0, stretch=90))
    ratio, cells = 4, 16
    short = SIZE // cells
    colour = np.zeros((SIZE, SIZE, 3), dtype=np.float32)
    for line in range(cells):
        for lane in range(cells // (2 * ratio)):
            for upright in (False, True):
                block = _parquet_block(rng, palette, (rings, pores, fibre), (short, ratio * short))
                along = (line + 2 * ratio * lane - (2 * ratio - 1) * upright) * short
                block = block.transpose(1, 0, 2) if upright else block
                left, top = (line * short, along) if upright else (along, line * short)
                rows = np.arange(top, top + block.shape[0]) % SIZE
                colour[np.ix_(rows, np.arange(left, left + block.shape[1]) % SIZE)] = block
    return colour


def _parquet_block(
    rng: np.random.Generator, palette: list[Colour], wood: tuple[Field, Field, Field], shape: tuple[int, int]
) -> Field:
    """(short, long, 3): one block cut from anywhere in the wood, with a dark joint on two sides."""
    rings, pores, fibre = wood
    top, left = rng.integers(0, SIZE, 2)
    cut = np.ix_(np.arange(top, top + shape[0]) % SIZE, np.arange(left, left + shape[1]) % SIZE)
    t = 0.3 * rings[cut] + 0.5 * fibre[cut] + rng.uniform(-0.04, 0.28)
    block = ramp(t, palette) * (1 - 0.22 * pores[cut][..., None]) * rng.uniform(0.92, 1.06)
    block[:1], block[:, :1] = block[:1] * 0.55, block[:, :1] * 0.55
    return block


def carpet(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Looped wool: rows of tufts, yarns of several dyes, shade between the rows."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    rows = 80
    jitter = 1.2 * noise(rng, 1.2)
    phase_x = 2 * np.pi * (x + jitter) * rows / SIZE
    phase_y = 2 * np.pi * (y + 1.2 * noise(rng, 1.2)) * rows / SIZE
    tuft = (0.5 + 0.5 * np.cos(phase_y)) ** 0.7 * (0.62 + 0.38 * np.cos(phase_x + np.pi * ((y * rows / SIZE) // 1 % 2)))
    yarn = noise(rng, 0.0, n=rows)
    dye = unit(np.kron(yarn, np.ones((SIZE // rows, SIZE // rows), np.float32)) * 0.8 + 0.6 * noise(rng, 1.4))
    fibre = 1 + 0.07 * noise(rng, 0.2) + 0.05 * noise(rng, 0.5, stretch=4)
    return ramp(dye, palette) * ((0.48 + 0.62 * tuft) * fibre)[..., None]


def linen(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Plain weave: slubbed warp and weft crossing over and under."""
    threads = 128
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    column, row = (x * threads / SIZE).astype(int), (y * threads / SIZE).astype(int)
    over = (column + row) % 2 == 0
    slub_x, slub_y = noise(rng, 0.7, stretch=60), noise(rng, 0.7, stretch=60).T
    across = np.abs(np.sin(np.pi * y * threads / SIZE)) ** 0.6
    along = np.abs(np.sin(np.pi * x * threads / SIZE)) ** 0.6
    height = np.where(over, across, along)
    dye_x = rng.normal(0, 0.12, threads).astype(np.float32)[row]
    dye_y = rng.normal(0, 0.12, threads).astype(np.float32)[column]
    t = np.where(over, unit(slub_x) + dye_x, unit(slub_y) + dye_y)
    return ramp(t, palette) * (0.6 + 0.42 * height)[..., None] + 4 * noise(rng, 0.2)[..., None]


def leather(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Full-grain leather: pebbles between creases, a waxy sheen, slow changes of tone."""
    net = warp(band(rng, 44), 5 * noise(rng, 1.6), 5 * noise(rng, 1.6))
    crease = np.exp(-((net / 0.42) ** 2)) * (0.6 + 0.4 * unit(noise(rng, 1.4)))
    fine = np.exp(-((band(rng, 90) / 0.5) ** 2))
    height = np.asarray(1 - crease - 0.25 * fine, np.float32)
    t = 0.7 * unit(noise(rng, 1.9)) + 0.3 * unit(noise(rng, 0.9))
    colour = ramp(t, palette) * (1 - 0.34 * crease - 0.1 * fine)[..., None]
    return colour * relief(height, 0.3) + 1.6 * noise(rng, 0.3)[..., None]


def metal(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Brushed sheet: hairlines along x, slow reflections, a breath of patina."""
    lines = noise(rng, 0.35, stretch=900)
    sheen = noise(rng, 2.4, stretch=0.2)
    patina = unit(noise(rng, 1.8))
    t = 0.5 + 0.13 * sheen + 0.12 * (patina - 0.5)
    return ramp(np.asarray(t, np.float32), palette) * (1 + 0.055 * lines)[..., None] + 1.5 * noise(rng, 0.1)[..., None]


def hammered(rng: np.random.Generator, palette: list[Colour]) -> Field:
    """Hand-hammered sheet: shallow overlapping dents that catch the light."""
    first, _, owner = cells(rng, 17)
    dents = np.asarray(np.minimum(first, 0.75) ** 2 * 6, np.float32)
    t = 0.45 + 0.1 * noise(rng, 2.0) + 0.08 * rng.standard_normal(17 * 17).astype(np.float32)[owner]
    return ramp(np.asarray(t, np.float32), palette) * relief(dents, 0.6) + 2 * noise(rng, 0.3)[..., None]


MATERIALS: Mapping[str, Callable[[np.random.Generator, list[Colour]], Field]] = {
    f.__name__: f
    for f in (
        stone,
        concrete,
        marble,
        terrazzo,
        cork,
        zellige,
        planks,
        herringbone,
        carpet,
        linen,
        leather,
        metal,
        hammered,
    )
}


def texture(material: str, palette: tuple[Colour, ...], seed: int) -> Pixels:
    """(SIZE, SIZE, 3) uint8 of one material in one palette. KeyError for a material that is not in MATERIALS."""
    return to_pixels(MATERIALS[material](np.random.default_rng(seed), list(palette)))


def laid(
    pixels: Pixels, columns: int, rows: int, seed: int, joint: Colour = (172, 166, 158), *, bond: bool = False
) -> Pixels:
    """The texture cut into tiles, shuffled by wrapping shifts, with joints; `bond` staggers every other row."""
    rng = np.random.default_rng(seed)
    n = pixels.shape[0]
    out = np.empty_like(pixels)
    ys, xs = (np.linspace(0, n, k + 1).astype(int) for k in (rows, columns))
    for row in range(rows):
        shift = (xs[1] // 2) * (row % 2) if bond else 0
        for column in range(columns):
            y, x = np.arange(ys[row], ys[row + 1]), np.arange(xs[column], xs[column + 1])
            dy, dx = rng.integers(0, n, 2)
            source = pixels[np.ix_((y + dy) % n, (x + dx) % n)]
            tone = rng.uniform(0.965, 1.03)
            tile = np.clip(source * tone, 0, 255).astype(np.uint8)
            tile[:2], tile[:, :2] = joint, joint
            out[np.ix_(y, (x + shift) % n)] = tile
    return out
