"""Rooms and still lifes in which materials are shown. A slot names a surface; what it is made of, the caller says."""

from collections.abc import Callable, Mapping
from math import cos, radians, sin

from samples.trace import Ball, Box, Scene, Thing, Tube


def _window_bars(y0: float = 1.5, y1: float = 4.1, z0: float = 0.25, z1: float = 2.35) -> tuple[Thing, ...]:
    bars = [Box("white", (0, y - 0.025, z0), (0.05, y + 0.025, z1)) for y in (y0, (y0 + y1) / 2, y1)]
    bars += [Box("white", (0, y0, z - 0.025), (0.05, y1, z + 0.025)) for z in (z0, (z0 + z1) / 2 + 0.25, z1)]
    return tuple(bars)


def _curtain(y: float) -> tuple[Thing, ...]:
    return tuple(Tube("curtain", (0.12 + 0.03 * (k % 2), y + 0.075 * k, 0.02), 2.6, 0.05) for k in range(5))


def _sofa(x: float, y: float, width: float, yaw: float = 0) -> tuple[Thing, ...]:
    """Seen from the front; x, y its front left corner."""
    seats = max(1, round(width / 0.8))
    w = (width - 0.36) / seats
    parts: list[Thing] = [
        Box("dark", (x + 0.1, y + 0.1, 0), (x + width - 0.1, y + 0.8, 0.12)),
        Box("sofa", (x, y + 0.02, 0.1), (x + width, y + 0.92, 0.28), seam=0.02),
        Box("sofa", (x, y, 0.1), (x + 0.18, y + 0.92, 0.62), seam=0.025),
        Box("sofa", (x + width - 0.18, y, 0.1), (x + width, y + 0.92, 0.62), seam=0.025),
    ]
    for k in range(seats):
        left = x + 0.18 + k * w
        parts.append(Box("sofa", (left, y, 0.28), (left + w, y + 0.7, 0.45), seam=0.02))
        parts.append(Box("sofa", (left, y + 0.66, 0.28), (left + w, y + 0.9, 0.84), seam=0.03))
    if yaw:
        parts = [_spin(p, x + width / 2, y + 0.46, yaw) for p in parts]
    return tuple(parts)


def _spin(thing: Thing, cx: float, cy: float, yaw: float) -> Thing:
    """A box turned about (cx, cy); other things have no yaw and stay."""
    if not isinstance(thing, Box):
        return thing
    mx, my = (thing.low[0] + thing.high[0]) / 2 - cx, (thing.low[1] + thing.high[1]) / 2 - cy
    c, s = cos(radians(yaw)), sin(radians(yaw))
    dx, dy = c * mx - s * my - mx, s * mx + c * my - my
    (a, b, e), (f, g, h) = thing.low, thing.high
    return Box(thing.slot, (a + dx, b + dy, e), (f + dx, g + dy, h), thing.yaw + yaw, thing.seam)


def _plant(x: float, y: float, tall: float = 1.1) -> tuple[Thing, ...]:
    leaves = [
        (0.0, 0.0, 1.0, 0.20),
        (-0.17, 0.06, 0.86, 0.16),
        (0.18, -0.04, 0.82, 0.17),
        (0.05, 0.12, 0.74, 0.15),
        (-0.10, -0.12, 0.68, 0.14),
        (0.14, 0.10, 0.96, 0.13),
        (-0.15, 0.02, 1.06, 0.12),
    ]
    crown = tuple(Ball("leaf", (x + a, y + b, tall * h), (r, r, r * 1.15)) for a, b, h, r in leaves)
    return (Tube("pot", (x, y, 0), 0.36, 0.17), Tube("dark", (x, y, 0.3), tall * 0.6, 0.02), *crown)


def _table(x: float, y: float, radius: float, high: float) -> tuple[Thing, ...]:
    return (
        Tube("top", (x, y, high - 0.035), 0.035, radius),
        Tube("dark", (x, y, 0.02), high - 0.05, 0.03),
        Tube("dark", (x, y, 0), 0.02, radius * 0.55),
    )


def _lamp(x: float, y: float) -> tuple[Thing, ...]:
    return (
        Tube("dark", (x, y, 0), 0.02, 0.14),
        Tube("dark", (x, y, 0.02), 1.5, 0.012),
        Ball("lamp", (x, y, 1.62), (0.15, 0.15, 0.15)),
    )


def _pendant(x: float, y: float, z: float, r: float = 0.13) -> tuple[Thing, ...]:
    return (Tube("dark", (x, y, z), 2.7 - z, 0.006), Ball("lamp", (x, y, z), (r, r, r)))


def _picture(x: float, z: float, w: float, h: float, wall: float = 5.2) -> tuple[Thing, ...]:
    return (
        Box("dark", (x, wall - 0.035, z), (x + w, wall, z + h)),
        Box("paper", (x + 0.03, wall - 0.04, z + 0.03), (x + w - 0.03, wall - 0.01, z + h - 0.03)),
        Box("art", (x + w * 0.22, wall - 0.043, z + h * 0.2), (x + w * 0.78, wall - 0.01, z + h * 0.8)),
    )


def _skirting() -> tuple[Thing, ...]:
    return (Box("white", (0, 5.18, 0), (5, 5.2, 0.09)), Box("white", (4.98, 0, 0), (5, 5.2, 0.09)))


def living() -> Scene:
    things = (
        *_window_bars(),
        *_curtain(1.05),
        *_curtain(4.2),
        *_skirting(),
        *_sofa(1.9, 3.6, 2.1),
        Box("rug", (1.5, 2.1, 0), (3.9, 3.9, 0.012)),
        *_table(2.75, 2.75, 0.42, 0.36),
        Ball("pot", (2.7, 2.8, 0.43), (0.09, 0.09, 0.08)),
        *_lamp(4.35, 4.4),
        *_plant(1.2, 4.6),
        *_picture(2.5, 1.35, 0.62, 0.8),
        *_picture(3.25, 1.35, 0.5, 0.8),
    )
    return Scene(things, (3.05, 0.12, 1.35), (2.55, 4.2, 0.72))


def hall() -> Scene:
    things = (
        *_window_bars(),
        *_skirting(),
        Box("wood", (1.4, 4.6, 0.38), (3.4, 5.0, 0.46)),
        Box("dark", (1.6, 4.65, 0), (1.66, 4.95, 0.38)),
        Box("dark", (3.14, 4.65, 0), (3.2, 4.95, 0.38)),
        Tube("pot", (1.8, 4.8, 0.46), 0.3, 0.1),
        Ball("leaf", (1.8, 4.8, 0.98), (0.2, 0.2, 0.28)),
        *_picture(1.75, 1.1, 1.4, 1.1),
        *_plant(4.3, 4.4, 1.4),
        *_pendant(3.1, 3.6, 1.72, 0.17),
        Box("wood", (3.9, 1.9, 0), (4.98, 3.4, 0.85)),
        Ball("pot", (4.4, 2.5, 0.97), (0.12, 0.12, 0.12)),
    )
    return Scene(things, (2.3, 0.1, 1.05), (2.45, 4.6, 0.55))


def bath() -> Scene:
    things = (
        *_window_bars(),
        Box("wood", (1.5, 4.62, 0.45), (3.5, 5.18, 0.82)),
        Box("white", (1.48, 4.6, 0.82), (3.52, 5.2, 0.87)),
        Ball("white", (2.05, 4.88, 0.9), (0.27, 0.2, 0.13)),
        Ball("white", (2.95, 4.88, 0.9), (0.27, 0.2, 0.13)),
        Tube("brass", (2.05, 5.1, 0.87), 0.3, 0.014),
        Tube("brass", (2.95, 5.1, 0.87), 0.3, 0.014),
        Tube("brass", (2.05, 4.95, 1.16), 0.16, 0.012, axis=1),
        Tube("brass", (2.95, 4.95, 1.16), 0.16, 0.012, axis=1),
        Tube("mirror", (2.05, 5.16, 1.62), 0.03, 0.32, axis=1),
        Tube("mirror", (2.95, 5.16, 1.62), 0.03, 0.32, axis=1),
        *_pendant(1.5, 4.85, 1.75, 0.1),
        *_pendant(3.5, 4.85, 1.75, 0.1),
        Box("linen", (1.7, 4.6, 0.5), (2.05, 4.615, 0.78)),
        *_plant(4.4, 4.5, 1.2),
        Box("white", (3.98, 1.7, 0), (4.85, 3.5, 0.56), seam=0.01),
    )
    return Scene(things, (2.2, 0.9, 1.45), (2.55, 5, 1.12), width=0.6)


def kitchen() -> Scene:
    things = (
        *_window_bars(),
        Box("cabinet", (0.9, 4.6, 0.1), (5, 5.18, 0.88)),
        Box("top", (0.85, 4.56, 0.88), (5, 5.2, 0.92)),
        *(Box("dark", (0.9 + 0.68 * k, 4.592, 0.1), (0.908 + 0.68 * k, 4.6, 0.88)) for k in range(1, 6)),
        Box("wood", (1.3, 4.85, 1.62), (4.4, 5.2, 1.66)),
        *(Tube("pot", (1.5 + 0.33 * k, 5.0, 1.66), 0.1 + 0.05 * (k % 3), 0.06) for k in range(8)),
        Box("top", (1.35, 2.5, 0.9), (3.85, 3.35, 0.95)),
        Box("top", (1.35, 2.5, 0), (1.4, 3.35, 0.9)),
        Box("top", (3.8, 2.5, 0), (3.85, 3.35, 0.9)),
        Box("cabinet", (1.42, 2.75, 0.06), (3.78, 3.33, 0.9)),
        *_pendant(2.0, 2.9, 1.75),
        *_pendant(3.2, 2.9, 1.75),
        Ball("pot", (2.3, 2.9, 1.02), (0.16, 0.16, 0.075)),
        Ball("art", (2.25, 2.88, 1.07), (0.05, 0.05, 0.05)),
        Ball("art", (2.36, 2.93, 1.07), (0.05, 0.05, 0.05)),
        Tube("brass", (3.2, 5.1, 0.92), 0.34, 0.014),
        Tube("brass", (3.2, 4.9, 1.25), 0.2, 0.012, axis=1),
    )
    return Scene(things, (3.4, 0.15, 1.6), (2.45, 4.4, 0.86), wall="splash")


def chairs() -> Scene:
    things = (
        *_window_bars(),
        *_curtain(1.05),
        *_skirting(),
        *_sofa(1.35, 2.9, 0.98, yaw=-24),
        *_sofa(3.0, 2.8, 0.98, yaw=22),
        *_table(2.66, 2.75, 0.24, 0.5),
        Ball("pot", (2.66, 2.75, 0.6), (0.07, 0.07, 0.1)),
        Box("rug", (1.1, 2.0, 0), (4.2, 4.1, 0.012)),
        *_picture(2.05, 1.05, 1.2, 1.1),
        *_plant(4.45, 4.5, 1.4),
        *_lamp(1.0, 4.5),
    )
    return Scene(things, (2.7, 0.35, 1.15), (2.62, 4.0, 0.66), width=0.58)


def bedroom() -> Scene:
    channels = tuple(
        Box("sofa", (1.2 + 0.26 * k, 5.06, 0.2), (1.45 + 0.26 * k, 5.18, 1.3), seam=0.03) for k in range(10)
    )
    things = (
        *_window_bars(),
        *_curtain(1.05),
        *channels,
        Box("wood", (1.5, 2.9, 0.02), (3.5, 5.05, 0.3)),
        Box("linen", (1.52, 2.95, 0.3), (3.48, 5.05, 0.52), seam=0.03),
        Box("sofa", (1.5, 2.9, 0.31), (3.5, 3.75, 0.55), seam=0.03),
        *(Box("white", (1.65 + 0.9 * k, 4.6, 0.5), (2.42 + 0.9 * k, 5.03, 0.74), seam=0.05) for k in range(2)),
        *(Box("sofa", (1.85 + 0.8 * k, 4.45, 0.52), (2.3 + 0.8 * k, 4.66, 0.8), seam=0.05) for k in range(2)),
        *_table(1.15, 4.75, 0.22, 0.5),
        *_table(3.85, 4.75, 0.22, 0.5),
        *_pendant(1.15, 4.8, 1.2, 0.11),
        *_pendant(3.85, 4.8, 1.2, 0.11),
        Box("rug", (0.9, 2.2, 0), (4.1, 4.2, 0.015)),
    )
    return Scene(things, (3.6, 0.35, 1.5), (2.4, 4.4, 0.62), width=0.56)


def lobby() -> Scene:
    panels = tuple(Box("dark", (0.98 + k, 5.185, 0.1), (0.99 + k, 5.2, 2.7)) for k in range(4))
    things = (
        *_window_bars(),
        *panels,
        Box("counter", (1.3, 3.5, 0), (3.9, 4.1, 1.02)),
        Box("top", (1.25, 3.45, 1.02), (3.95, 4.15, 1.07)),
        Box("dark", (1.32, 3.52, 0), (3.88, 4.08, 0.06)),
        *_pendant(1.8, 3.8, 1.85, 0.15),
        *_pendant(2.6, 3.8, 1.85, 0.15),
        *_pendant(3.4, 3.8, 1.85, 0.15),
        Tube("pot", (3.5, 3.8, 1.07), 0.22, 0.08),
        Ball("leaf", (3.5, 3.8, 1.42), (0.17, 0.17, 0.2)),
        *_plant(4.5, 3.4, 1.5),
        *_plant(0.7, 4.6, 1.2),
    )
    return Scene(things, (2.9, 0.2, 1.4), (2.55, 4.4, 0.95), wall="wall")


def stack() -> Scene:
    """Six samples piled on a plinth, edges to the viewer, one leaning on the wall."""
    things: list[Thing] = [Box("plinth", (1.6, 3.2, 0), (3.6, 4.6, 0.8))]
    for k, (dx, dy, yaw) in enumerate(
        ((0, 0, 4), (0.04, 0.02, -7), (-0.03, 0.03, 9), (0.02, -0.02, -3), (0, 0.01, 14))
    ):
        low = (2.0 + dx, 3.5 + dy, 0.8 + 0.05 * k)
        things.append(Box(f"sample{k % 3}", low, (low[0] + 0.95, low[1] + 0.7, low[2] + 0.045), yaw, 0.004))
    things += [
        Box("sample0", (2.75, 4.2, 0.8), (3.45, 4.26, 1.72), -9, 0.004),
        Ball("pot", (1.8, 4.1, 0.98), (0.13, 0.13, 0.18)),
    ]
    return Scene((*things, *_window_bars()), (2.2, 1.5, 1.78), (2.62, 3.9, 1.06), width=0.42)


def board() -> Scene:
    """A designer's board from above: six samples laid out on a table."""
    places = (
        (1.75, 2.1, 0.62, 0.62, 3),
        (2.42, 2.2, 0.44, 0.6, -5),
        (1.8, 2.78, 0.5, 0.42, -4),
        (2.36, 2.88, 0.6, 0.46, 6),
        (2.98, 2.3, 0.36, 0.36, 10),
        (3.02, 2.82, 0.34, 0.5, -3),
    )
    things: list[Thing] = [Box("plinth", (0.6, 1.2, 0), (4.6, 4.6, 0.75))]
    for k, (x, y, w, d, yaw) in enumerate(places):
        things.append(Box(f"sample{k}", (x, y, 0.75), (x + w, y + d, 0.78 + 0.02 * (k % 3)), yaw, 0.006))
    things += [
        Tube("brass", (2.3, 2.72, 0.765), 0.5, 0.012, axis=0),
        Ball("leaf", (3.4, 2.72, 0.8), (0.09, 0.16, 0.05)),
        Ball("leaf", (3.48, 2.6, 0.8), (0.15, 0.07, 0.05)),
    ]
    return Scene((*things, *_window_bars()), (2.5, 1.75, 2.2), (2.52, 2.62, 0.76), width=0.52, sun=2.4)


def roll() -> Scene:
    """Goods on the roll: three lying, their end spread towards the viewer."""
    things = (
        Box("plinth", (0.5, 1.5, 0), (4.5, 4.9, 0.3)),
        Box("sample0", (1.5, 1.9, 0.3), (3.4, 3.4, 0.306)),
        Tube("sample0", (1.5, 3.42, 0.45), 1.9, 0.15, axis=0),
        Tube("sample1", (1.6, 3.8, 0.44), 1.9, 0.14, axis=0),
        Tube("sample2", (1.65, 3.62, 0.71), 1.8, 0.13, axis=0),
        *_window_bars(),
    )
    return Scene(things, (3.1, 0.9, 1.5), (2.45, 3.1, 0.42), width=0.46)


def slabs() -> Scene:
    """Three large formats leaning side by side in the light."""
    things = (
        *_window_bars(),
        Box("sample0", (1.1, 4.7, 0), (2.1, 4.76, 2.0), 4, 0.004),
        Box("sample1", (1.95, 4.5, 0), (2.95, 4.56, 1.7), -3, 0.004),
        Box("sample2", (2.85, 4.25, 0), (3.6, 4.31, 1.35), 5, 0.004),
        Box("wood", (3.85, 4.1, 0), (4.25, 4.5, 0.45), 12),
        Ball("pot", (4.05, 4.3, 0.6), (0.1, 0.1, 0.15)),
    )
    return Scene(things, (2.9, 0.9, 1.1), (2.6, 4.4, 0.85), width=0.55)


SCENES: Mapping[str, Callable[[], Scene]] = {
    f.__name__: f for f in (living, hall, bath, kitchen, chairs, bedroom, lobby, stack, board, roll, slabs)
}
