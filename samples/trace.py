"""A small ray tracer: rooms of boxes, ellipsoids and tubes under one window, seen once and painted many times.

`look` finds what every pixel shows and how much light falls there; `paint` puts materials on it. Lengths are metres,
x right, y away from the viewer, z up. Light is traced at a quarter of the resolution and brought up along surfaces.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samples.textures import Colour, Field, Pixels

Vector = tuple[float, float, float]
Index = NDArray[np.integer[Any]]
Hit = tuple[Field, Index]  # distance along the ray (inf: missed), face

LINEAR = ((np.arange(256) / 255) ** 2.2).astype(np.float32)  # sRGB, nearly, to light
FAR = np.float32(1e9)
COARSE = 4  # pixels between the points where light is traced
SKY = np.array((0.93, 1.0, 1.10), np.float32)
SUN = np.array((1.0, 0.86, 0.66), np.float32)
WARM = np.array((1.04, 1.0, 0.94), np.float32)
SUN_FROM = np.array((-0.80, 0.10, 0.62), np.float32) / np.float32(1.017)


@dataclass(frozen=True)
class Box:
    """An upright block from `low` to `high`, turned by `yaw` degrees about its own middle; `seam` darkens its edges."""

    slot: str
    low: Vector
    high: Vector
    yaw: float = 0
    seam: float = 0


@dataclass(frozen=True)
class Ball:
    """An ellipsoid with its half axes."""

    slot: str
    centre: Vector
    radii: Vector


@dataclass(frozen=True)
class Tube:
    """A cylinder along `axis` (0: x, 1: y, 2: z) with closed ends; `base` is the middle of its lower end."""

    slot: str
    base: Vector
    length: float
    radius: float
    axis: int = 2


Thing = Box | Ball | Tube


@dataclass(frozen=True)
class Scene:
    """A room `size` wide, deep and high with a window in its left wall (y0, y1, z0, z1), and who looks where."""

    things: tuple[Thing, ...]
    eye: Vector
    target: Vector
    size: Vector = (5.0, 5.2, 2.7)
    window: tuple[float, float, float, float] = (1.5, 4.1, 0.25, 2.35)
    width: float = 0.62  # half the picture's width at distance 1
    sun: float = 2.7
    wall: str = "wall"  # slot of the far wall


@dataclass(frozen=True)
class Look:
    """What each of (h, w) pixels shows: slot, place on the surface in metres, pixel size there, light, shine, glow."""

    slots: tuple[str, ...]
    slot: Index
    u: Field
    v: Field
    footprint: Field
    light: Field
    shine: Field
    glow: Field


@dataclass(frozen=True)
class Surface:
    """A material as the painter wants it: linear light, halved again and again; `metres` a repeat; `gloss` 0..1."""

    levels: tuple[Field, ...]
    metres: float
    gloss: float = 0.1


def surface(pixels: Pixels | Colour, metres: float = 1.0, gloss: float = 0.1) -> Surface:
    """From a square texture or a plain sRGB colour."""
    image = np.asarray(pixels, np.uint8).reshape((-1, 1, 3)) if isinstance(pixels, tuple) else pixels
    level = LINEAR[image]
    levels = [level]
    while level.shape[0] % 2 == 0 and level.shape[0] > 8:
        level = (level[::2, ::2] + level[1::2, ::2] + level[::2, 1::2] + level[1::2, 1::2]) / 4
        levels.append(level)
    return Surface(tuple(levels), metres, gloss)


# --- rays -------------------------------------------------------------------------------------------------------------


def _turn(vectors: Field, yaw: float) -> Field:
    if not yaw:
        return vectors
    c, s = np.float32(np.cos(np.radians(yaw))), np.float32(np.sin(np.radians(yaw)))
    x, y = vectors[..., 0], vectors[..., 1]
    return np.stack([c * x + s * y, c * y - s * x, vectors[..., 2]], axis=-1)


def _slabs(
    origin: Field, ray: Field, low: Sequence[float] | Field, high: Sequence[float] | Field
) -> tuple[Field, Field, Index, Index]:
    """Entry and exit distance of rays (n, 3) through an upright box, and the axis of each."""
    near, far = np.full(ray.shape[0], -FAR, np.float32), np.full(ray.shape[0], FAR, np.float32)
    enter, leave = np.zeros(ray.shape[0], np.int32), np.zeros(ray.shape[0], np.int32)
    for axis in range(3):
        inverse = 1 / np.where(np.abs(ray[:, axis]) < 1e-7, np.float32(1e-7), ray[:, axis])
        a, b = (low[axis] - origin[..., axis]) * inverse, (high[axis] - origin[..., axis]) * inverse
        first, last = np.minimum(a, b), np.maximum(a, b)
        enter, near = np.where(first > near, axis, enter), np.maximum(near, first)
        leave, far = np.where(last < far, axis, leave), np.minimum(far, last)
    return near, far, enter, leave


def _quadratic(origin: Field, ray: Field) -> Field:
    """Distance to the unit sphere (or circle, with two coordinates) in scaled space."""
    a, b = (ray * ray).sum(-1), (origin * ray).sum(-1)
    root = b * b - a * ((origin * origin).sum(-1) - 1)
    t = (-b - np.sqrt(np.maximum(root, 0))) / np.maximum(a, np.float32(1e-9))
    return np.where((root > 0) & (t > 1e-4), t, FAR)


def _sphere(thing: Thing) -> tuple[Field, float]:
    """Middle and radius of a sphere around a thing."""
    if isinstance(thing, Ball):
        return np.array(thing.centre, np.float32), max(thing.radii)
    if isinstance(thing, Tube):
        middle = np.array(thing.base, np.float32)
        middle[thing.axis] += thing.length / 2
        return middle, float(np.hypot(thing.length / 2, thing.radius))
    low, high = np.array(thing.low, np.float32), np.array(thing.high, np.float32)
    return (low + high) / 2, float(np.linalg.norm(high - low)) / 2


def hit(thing: Thing, origin: Field, ray: Field) -> Hit:
    """Nearest distance along each unit ray (n, 3), and the face met: axis for boxes, 3 round, 4 end of a tube."""
    middle, radius = _sphere(thing)
    away = middle - origin
    along = np.einsum("ij,ij->i", away, ray)
    near = np.flatnonzero(np.einsum("ij,ij->i", away, away) - along * along <= radius * radius)
    t, face = np.full(len(ray), FAR, np.float32), np.zeros(len(ray), np.int32)
    if near.size:
        t[near], face[near] = _hit(thing, origin[near], ray[near])
    return t, face


def _hit(thing: Thing, origin: Field, ray: Field) -> Hit:
    if isinstance(thing, Box):
        low, high = np.array(thing.low, np.float32), np.array(thing.high, np.float32)
        middle = (low + high) / 2
        near, far, face, _ = _slabs(
            _turn(origin - middle, thing.yaw), _turn(ray, thing.yaw), low - middle, high - middle
        )
        return np.where((near <= far) & (near > 1e-4), near, FAR), face
    if isinstance(thing, Ball):
        radii = np.array(thing.radii, np.float32)
        t = _quadratic((origin - np.array(thing.centre, np.float32)) / radii, ray / radii)
        return t, np.full(t.shape, 3, np.int32)
    return _hit_tube(thing, origin - np.array(thing.base, np.float32), ray)


def _hit_tube(tube: Tube, origin: Field, ray: Field) -> Hit:
    across = [a for a in range(3) if a != tube.axis]
    side = _quadratic(origin[..., across] / tube.radius, ray[:, across] / tube.radius)
    along = origin[..., tube.axis] + side * ray[:, tube.axis]
    t = np.where((along >= 0) & (along <= tube.length), side, FAR)
    face = np.full(t.shape, 3, np.int32)
    for end in (0.0, tube.length):
        cap = (end - origin[..., tube.axis]) / np.where(np.abs(ray[:, tube.axis]) < 1e-7, 1e-7, ray[:, tube.axis])
        spot = origin[..., across] + cap[:, None] * ray[:, across]
        better = ((spot * spot).sum(-1) < tube.radius**2) & (cap > 1e-4) & (cap < t)
        t, face = np.where(better, cap, t).astype(np.float32), np.where(better, 4, face).astype(np.int32)
    return t, face


def _nearest(scene: Scene, origin: Field, ray: Field) -> tuple[Field, Index, Index]:
    """Distance, thing (-1: the room itself) and face of the first hit of rays (n, 3) that start inside the room."""
    _, best, _, face = _slabs(origin, ray, (0, 0, 0), scene.size)
    which = np.full(best.shape, -1, np.int32)
    for number, thing in enumerate(scene.things):
        t, met = hit(thing, origin, ray)
        closer = t < best
        best, which, face = np.where(closer, t, best), np.where(closer, number, which), np.where(closer, met, face)
    return best, which, face


# --- surfaces ---------------------------------------------------------------------------------------------------------


def _describe(scene: Scene, point: Field, ray: Field, which: Index, face: Index) -> tuple[Field, Field, Field, Field]:
    """Normal (n, 3), u, v in metres and edge shade (n,) of hit points."""
    n = point.shape[0]
    normal = np.zeros((n, 3), np.float32)
    u, v, shade = np.zeros(n, np.float32), np.zeros(n, np.float32), np.ones(n, np.float32)
    for number in range(-1, len(scene.things)):
        at = np.flatnonzero(which == number)
        if not at.size:
            continue
        thing = scene.things[number] if number >= 0 else Box("", (0, 0, 0), scene.size)
        if isinstance(thing, Box):
            normal[at], u[at], v[at], shade[at] = _on_box(thing, point[at], ray[at], face[at])
        else:
            normal[at], u[at], v[at] = _on_round(thing, point[at], face[at])
    return normal, u, v, shade


def _on_box(box: Box, point: Field, ray: Field, face: Index) -> tuple[Field, Field, Field, Field]:
    low, high = np.array(box.low, np.float32), np.array(box.high, np.float32)
    middle, half = (low + high) / 2, (high - low) / 2
    local, local_ray = _turn(point - middle, box.yaw), _turn(ray, box.yaw)
    rows = np.arange(len(face))
    normal = np.zeros_like(local)
    normal[rows, face] = -np.sign(local_ray[rows, face])
    u = np.where(face == 0, local[:, 1], local[:, 0]) + middle[0]
    v = np.where(face == 2, local[:, 1], -local[:, 2]) + middle[1]
    shade = np.ones(len(face), np.float32)
    if box.seam:
        gap = half - np.abs(local)
        gap[rows, face] = FAR
        shade = 1 - 0.5 * np.exp(-gap.min(-1) / np.float32(box.seam))
    return _turn(normal, -box.yaw), u, v, shade


def _on_round(thing: Ball | Tube, point: Field, face: Index) -> tuple[Field, Field, Field]:
    if isinstance(thing, Ball):
        radii = np.array(thing.radii, np.float32)
        local = (point - np.array(thing.centre, np.float32)) / radii
        normal = local / radii
        angle, v = np.arctan2(local[:, 1], local[:, 0]), local[:, 2] * radii[2]
        u = angle * radii[0]
    else:
        local = point - np.array(thing.base, np.float32)
        a, b = [k for k in range(3) if k != thing.axis]
        normal = local.copy()
        normal[:, thing.axis] = 0
        ends = face == 4
        normal[ends] = 0
        normal[ends, thing.axis] = np.sign(local[ends, thing.axis] - thing.length / 2)
        u, v = local[:, thing.axis].copy(), np.arctan2(local[:, a], local[:, b]) * thing.radius
        u[ends], v[ends] = local[ends, a], local[ends, b]
    return normal / np.linalg.norm(normal, axis=-1, keepdims=True), u, v


# --- light ------------------------------------------------------------------------------------------------------------


def _window_light(scene: Scene, point: Field, normal: Field, rng: np.random.Generator) -> Field:
    """Light of the window on points (n, 3): 4 × 4 jittered samples of its area, shadows by the things."""
    y0, y1, z0, z1 = scene.window
    total = np.zeros(len(point), np.float32)
    for row in range(4):
        for column in range(4):
            jitter = rng.random((2, len(point)), dtype=np.float32)
            target = np.stack(
                [
                    np.full(len(point), 0.02, np.float32),
                    y0 + (y1 - y0) * (column + jitter[0]) / 4,
                    z0 + (z1 - z0) * (row + jitter[1]) / 4,
                ],
                axis=-1,
            ).astype(np.float32)
            ray = target - point
            reach = np.linalg.norm(ray, axis=-1)
            ray = ray / reach[:, None]
            facing = np.maximum((ray * normal).sum(-1), 0) * np.maximum(-ray[:, 0], 0)
            lit = facing > 1e-3
            for thing in scene.things:
                at = np.flatnonzero(lit)
                lit[at] = hit(thing, point[at], ray[at])[0] >= reach[at]
            total += np.where(lit, facing / np.maximum(reach, 0.4) ** 2, 0)
    return total * np.float32((y1 - y0) * (z1 - z0) / 16)


def _openness(scene: Scene, point: Field, normal: Field, rng: np.random.Generator) -> Field:
    """Ambient occlusion 0..1 of points (n, 3): eight cosine-weighted rays, each open as far as 1.4 m."""
    total = np.zeros(len(point), np.float32)
    for _ in range(8):
        ray = rng.standard_normal((len(point), 3), dtype=np.float32)
        ray = normal * 1.02 + ray / np.linalg.norm(ray, axis=-1, keepdims=True)
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
        t, which, _ = _nearest(scene, point, ray)
        total += np.minimum(t / np.where(which < 0, 1.0, 1.4), 1)
    return total / 8


def _sunlight(scene: Scene, point: Field, normal: Field) -> Field:
    """Sun that falls through the window, 0..1: only points that look through it are traced."""
    y0, y1, z0, z1 = scene.window
    total = np.zeros(len(point), np.float32)
    for spread in (-0.012, 0.0, 0.012):
        ray = SUN_FROM + np.array((0, spread, spread), np.float32)
        steps = point[:, 0] / -ray[0]
        y, z = point[:, 1] + steps * ray[1], point[:, 2] + steps * ray[2]
        lit = (y > y0) & (y < y1) & (z > z0) & (z < z1) & ((normal * ray).sum(-1) > 0) & (point[:, 0] > 0.03)
        for thing in scene.things:
            at = np.flatnonzero(lit)
            lit[at] = hit(thing, point[at], np.broadcast_to(ray, (at.size, 3)))[0] >= steps[at]
        total += np.where(lit, (normal * ray).sum(-1), 0)
    return total / 3


def _smooth(light: Field, key: Index) -> Field:
    """Mean over 5 × 5 coarse points of the same surface: takes out the noise of the jittered samples."""
    total, count = np.zeros_like(light), np.zeros(key.shape, np.float32)
    padded, keys = np.pad(light, ((2, 2), (2, 2), (0, 0))), np.pad(key, 2, constant_values=-9)
    h, w = key.shape
    for dy in range(5):
        for dx in range(5):
            same = keys[dy : dy + h, dx : dx + w] == key
            total += np.where(same[..., None], padded[dy : dy + h, dx : dx + w], 0)
            count += same
    return total / count[..., None]


def _bring_up(light: Field, coarse: Index, key: Index) -> Field:
    """Light (h/4, w/4, c) at every pixel: bilinear among those of the four coarse neighbours on the same surface."""
    h, w = key.shape
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) / COARSE
    top, left = y.astype(int), x.astype(int)
    total, weight = np.zeros((h, w, light.shape[2]), np.float32), np.zeros((h, w), np.float32)
    for dy in (0, 1):
        for dx in (0, 1):
            row, column = np.minimum(top + dy, coarse.shape[0] - 1), np.minimum(left + dx, coarse.shape[1] - 1)
            near = np.abs(1 - dy - (y - top)) * np.abs(1 - dx - (x - left)) + np.float32(1e-3)
            share = near * np.where(coarse[row, column] == key, 1, np.float32(1e-4))
            total += share[..., None] * light[row, column]
            weight += share
    return total / weight[..., None]


def _window_shine(scene: Scene, point: Field, normal: Field, ray: Field) -> Field:
    """The window as a soft highlight on polished surfaces (Schlick's Fresnel term, edges blurred with distance)."""
    facing = -(normal * ray).sum(-1)
    mirror = ray + 2 * facing[:, None] * normal
    steps = np.where(mirror[:, 0] < -1e-3, point[:, 0] / np.maximum(-mirror[:, 0], 1e-3), FAR)
    y, z = point[:, 1] + steps * mirror[:, 1], point[:, 2] + steps * mirror[:, 2]
    y0, y1, z0, z1 = scene.window
    inside = np.minimum(np.minimum(y - y0, y1 - y), np.minimum(z - z0, z1 - z)) / (0.12 * steps + 0.05)
    fresnel = 0.05 + 0.95 * (1 - np.clip(facing, 0, 1)) ** 5
    return np.where(steps < 50, np.clip(0.5 + inside, 0, 1) * fresnel, 0).astype(np.float32)


# --- the two moves ----------------------------------------------------------------------------------------------------


def look(scene: Scene, width: int, height: int) -> Look:
    """Trace a scene at width × height pixels."""
    rng = np.random.default_rng(7)
    eye = np.array(scene.eye, np.float32)
    forward = np.array(scene.target, np.float32) - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0, 0, 1)).astype(np.float32)
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across, above = (x / width * 2 - 1) * scene.width, (1 - y / height * 2) * scene.width * height / width
    ray = forward + across[..., None] * right + above[..., None] * up
    ray = (ray / np.linalg.norm(ray, axis=-1, keepdims=True)).reshape(-1, 3).astype(np.float32)

    distance, which, face = _nearest(scene, np.broadcast_to(eye, ray.shape), ray)
    point = eye + distance[:, None] * ray
    normal, u, v, shade = _describe(scene, point, ray, which, face)
    # a room's opposite faces share an axis: the sign of the normal tells left from right
    key = (which + 1) * 16 + face * 2 + (normal[np.arange(len(face)), np.minimum(face, 2)] > 0)
    key = key.astype(np.int32).reshape(height, width)

    at = (np.arange(0, height, COARSE)[:, None] * width + np.arange(0, width, COARSE)).ravel()
    start = point[at] + normal[at] * np.float32(2e-3)
    ambient = _openness(scene, start, normal[at], rng)
    soft = np.stack([ambient, _window_light(scene, start, normal[at], rng)], -1)
    coarse = key[::COARSE, ::COARSE]
    even = _bring_up(_smooth(soft.reshape(*coarse.shape, 2), coarse), coarse, key).reshape(-1, 2)
    sun = _sunlight(scene, point + normal * np.float32(2e-3), normal)
    light = (
        even[:, :1] * (0.50 + 0.12 * normal[:, 2:]) * WARM + 1.35 * even[:, 1:] * SKY + scene.sun * sun[:, None] * SUN
    )

    names, slot, glow = _slots(scene, point, which, face, normal)
    facing = np.maximum(np.abs((normal * ray).sum(-1)), 0.15)
    shape = (height, width)
    return Look(
        slots=names,
        slot=slot.reshape(shape),
        u=u.reshape(shape),
        v=v.reshape(shape),
        footprint=(distance * (2 * scene.width / width) / np.sqrt(facing)).reshape(shape).astype(np.float32),
        light=(light * shade[:, None]).reshape(*shape, 3).astype(np.float32),
        shine=_window_shine(scene, point, normal, ray).reshape(shape),
        glow=glow.reshape(shape),
    )


def _slots(
    scene: Scene, point: Field, which: Index, face: Index, normal: Field
) -> tuple[tuple[str, ...], Index, Field]:
    """Names of slots, the slot of each point, and what shines by itself (the window, lamps)."""
    names = ("floor", "ceiling", scene.wall, "side", *(t.slot for t in scene.things))
    room = np.where(face == 2, np.where(normal[:, 2] > 0, 0, 1), np.where((face == 1) & (normal[:, 1] < 0), 2, 3))
    slot = np.where(which < 0, room, which + 4).astype(np.int32)
    y0, y1, z0, z1 = scene.window
    through = (which < 0) & (point[:, 0] < 1e-3) & (point[:, 1] > y0) & (point[:, 1] < y1)
    through &= (point[:, 2] > z0) & (point[:, 2] < z1)
    lamp = np.isin(slot, [k for k, name in enumerate(names) if name == "lamp"])
    return names, slot, np.where(through, 2.6, np.where(lamp, 1.5, 0)).astype(np.float32)


def _sample(material: Surface, u: Field, v: Field, footprint: Field) -> Field:
    """(n, 3) linear colour at places on a surface, from the level whose texels are as large as the pixels."""
    if material.levels[0].shape[0] == 1:
        return np.broadcast_to(material.levels[0][0, 0], (u.size, 3))
    n = material.levels[0].shape[0]
    wanted = (np.log2(np.maximum(footprint * n / material.metres, 1)) + 0.3).round().astype(int)
    out = np.empty((u.size, 3), np.float32)
    for level, texels in enumerate(material.levels):
        last = level == len(material.levels) - 1
        at = np.flatnonzero(wanted >= level if last else wanted == level)
        size = texels.shape[0]
        x, y = u[at] * (size / material.metres) - 0.5, v[at] * (size / material.metres) - 0.5
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        fx, fy = (x - left)[:, None], (y - top)[:, None]
        (x0, x1), (y0, y1) = ((k % size, (k + 1) % size) for k in (left, top))
        upper = texels[y0, x0] * (1 - fx) + texels[y0, x1] * fx
        out[at] = upper * (1 - fy) + (texels[y1, x0] * (1 - fx) + texels[y1, x1] * fx) * fy
    return out


def paint(seen: Look, surfaces: Mapping[str, Surface], exposure: float = 1.0) -> Pixels:
    """(h, w, 3) uint8 picture of a look with its slots filled. KeyError for a slot without a surface."""
    shape = seen.slot.shape
    colour = np.zeros((shape[0] * shape[1], 3), np.float32)
    flat = seen.slot.ravel()
    u, v, footprint = seen.u.ravel(), seen.v.ravel(), seen.footprint.ravel()
    light, shine, glow = seen.light.reshape(-1, 3), seen.shine.ravel(), seen.glow.ravel()
    for number in np.unique(flat):
        at = np.flatnonzero(flat == number)
        material = surfaces[seen.slots[number]]
        albedo = _sample(material, u[at], v[at], footprint[at])
        colour[at] = albedo * light[at] + material.gloss * shine[at, None] * 2.2 * SKY
    colour = np.where(glow[:, None] > 0, glow[:, None] * np.array((1.0, 0.98, 0.95), np.float32), colour) * exposure
    bright = colour * (1 + colour / 9) / (1 + colour * 0.55)  # Reinhard's curve: highlights roll off, mid tones stay
    picture = np.clip(bright * 1.18, 0, 1) ** np.float32(1 / 2.2) * 255
    return np.asarray(picture.reshape(*shape, 3) + 0.5, np.uint8)
