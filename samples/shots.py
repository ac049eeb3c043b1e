"""Pictures of materials: a shot says what is to be seen, `develop` makes its pixels, `encode` its bytes."""

import io
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from samples.scenes import SCENES
from samples.textures import Field, Pixels, laid, noise, texture
from samples.trace import Look, Surface, look, paint, surface


@dataclass(frozen=True)
class Stuff:
    """A material in one colour; `metres` a repeat, `laid` tiles across and down a repeat."""

    material: str
    palette: tuple[tuple[int, int, int], ...]
    seed: int
    metres: float = 1.0
    gloss: float = 0.1
    laid: tuple[int, int] | None = None


@dataclass(frozen=True)
class Shot:
    """One picture, `size` pixels. `kind` names its maker in KINDS; `seed` tells apart shots of the same stuff.

    Of a scene: `scene` its name, `use` where the first stuff goes (the others are samples), `frame` the part that is
    shown (x0, y0, x1, y1 as shares), `decor` which furniture stands there. `encoding` is a key of ENCODINGS.
    """

    kind: str
    stuffs: tuple[Stuff, ...]
    size: tuple[int, int]
    seed: int
    scene: str = ""
    use: str = ""
    frame: tuple[float, float, float, float] = (0, 0, 1, 1)
    mirrored: bool = False
    decor: int = 0
    encoding: str = "jpeg"


LOOK = (960, 720)  # pixels at which scenes are traced; shots are cut from it and scaled down
SMALL_LOOK = (480, 360)


@lru_cache(maxsize=48)
def _texture(stuff: Stuff) -> Pixels:
    return texture(stuff.material, stuff.palette, stuff.seed)


@lru_cache(maxsize=1)
def _look(scene: str, size: tuple[int, int]) -> Look:
    return look(SCENES[scene](), *size)


# --- flat pictures ----------------------------------------------------------------------------------------------------


def _window(pixels: Pixels, size: tuple[int, int], share: float, rng: np.random.Generator) -> Image.Image:
    """A part of a texture, from anywhere, as wide as `share` of it, scaled to `size` (width, height)."""
    n = pixels.shape[0]
    width, height = size
    across, down = n * share, n * share * height / width
    left, top = (int(k) for k in rng.integers(0, n, 2))
    rows, columns = np.arange(top, top + int(down)) % n, np.arange(left, left + int(across)) % n
    return Image.fromarray(pixels[np.ix_(rows, columns)]).resize(size, Image.Resampling.BICUBIC)


def _lit(image: Image.Image, rng: np.random.Generator, depth: float = 0.09) -> Image.Image:
    """The picture under a lamp to one side: brighter there, darker opposite."""
    width, height = image.size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    fall = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    pixels = np.asarray(image, np.float32) * (1 + 2 * depth * fall.astype(np.float32))[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def swatch(shot: Shot) -> Image.Image:
    """The material seen from straight above."""
    rng = np.random.default_rng(shot.seed)
    return _lit(_window(_texture(shot.stuffs[0]), shot.size, 0.92, rng), rng, 0.05)


def close(shot: Shot) -> Image.Image:
    """The material from near by, turned a little, out of focus towards two edges."""
    rng = np.random.default_rng(shot.seed)
    width, height = shot.size
    image = _window(_texture(shot.stuffs[0]), (int(width * 1.3), int(height * 1.3)), 0.62, rng)
    image = image.rotate(float(rng.uniform(-9, 9)), Image.Resampling.BICUBIC)
    left, top = int(width * 0.15), int(height * 0.15)
    image = image.crop((left, top, left + width, top + height))
    y = np.abs(np.linspace(-1, 1, height, dtype=np.float32) - rng.uniform(-0.2, 0.2))
    mask = Image.fromarray((np.clip(y * 1.5 - 0.6, 0, 1) * 255).astype(np.uint8)[:, None].repeat(width, 1))
    image.paste(image.filter(ImageFilter.GaussianBlur(width / 160)), mask=mask)
    return _lit(image, rng, 0.15)


def drape(shot: Shot) -> Image.Image:
    """Cloth or hide in folds: a height field bends the texture and shades it."""
    rng = np.random.default_rng(shot.seed)
    n = 640
    y, x = np.mgrid[0:n, 0:n].astype(np.float32) / n
    angle = rng.uniform(0.2, 0.9)
    across = x * np.cos(angle) + y * np.sin(angle) + 0.045 * noise(rng, 2.4)
    folds = np.sin(2 * np.pi * 2.1 * across) + 0.22 * np.sin(2 * np.pi * 5.3 * across + 1.3) + 0.12 * noise(rng, 2.6)
    gx, gy = np.gradient(folds, axis=1) * n, np.gradient(folds, axis=0) * n
    shade = np.clip(0.92 - 0.011 * gx - 0.008 * gy + 0.09 * folds, 0.34, 1.3).astype(np.float32)
    bent = ((y * n * 1.0 + 9 * folds).astype(int) % n, (x * n * 1.0 + 12 * folds).astype(int) % n)
    pixels = np.clip(_texture(shot.stuffs[0])[bent] * shade[..., None], 0, 255).astype(np.uint8)
    width, height = shot.size
    scale = max(width, height) / n
    image = Image.fromarray(pixels).resize((round(n * scale), round(n * scale)), Image.Resampling.LANCZOS)
    return image.crop((0, 0, width, height))


def cutout(shot: Shot) -> Image.Image:
    """A thick sample in perspective on nothing: RGBA, opaque but for its outline."""
    width, height = shot.size
    corners = np.array([(0.30, 0.10), (0.97, 0.34), (0.70, 0.86), (0.03, 0.52)]) * (width, height)  # from the back
    thick = 0.055 * height
    face = Image.fromarray(_texture(shot.stuffs[0])).resize((600, 600))
    top = face.transform(
        shot.size, Image.Transform.PERSPECTIVE, _coefficients(corners, 600), Image.Resampling.BICUBIC
    ).convert("RGBA")
    scale = 4
    mask, body = (Image.new("L", (width * scale, height * scale)) for _ in range(2))
    ImageDraw.Draw(mask).polygon([(x * scale, y * scale) for x, y in corners], fill=255)
    rim = [
        corners[3],
        corners[2],
        corners[1],
        corners[1] + (0, thick),
        corners[2] + (0, thick),
        corners[3] + (0, thick),
    ]
    ImageDraw.Draw(body).polygon([(x * scale, y * scale) for x, y in rim], fill=255)
    mean = np.asarray(face).reshape(-1, 3).mean(0)
    x = np.arange(width)[None, :].repeat(height, 0)
    side = np.where((x < corners[2][0])[..., None], mean * 0.78, mean * 0.5)
    out = np.dstack([side, np.asarray(body.resize(shot.size, Image.Resampling.BOX))]).astype(np.uint8)
    image = Image.fromarray(out)
    top.putalpha(mask.resize(shot.size, Image.Resampling.BOX))
    image.alpha_composite(top)
    return image


def strip(shot: Shot) -> Image.Image:
    """All stuffs side by side: the ribbon at the foot of the pages."""
    width, height = shot.size
    share = width // len(shot.stuffs)
    ribbon = Image.new("RGB", shot.size)
    for k, stuff in enumerate(shot.stuffs):
        ribbon.paste(Image.fromarray(_texture(stuff)).resize((share * 2, share * 2)), (k * share, -share))
    return ribbon.crop((0, 0, width, height))


def logo(shot: Shot) -> Image.Image:
    """The house's mark: two overlapping discs, one ring, on nothing."""
    width, height = shot.size
    image = Image.new("RGBA", (width * 4, height * 4))
    draw = ImageDraw.Draw(image)
    r = height * 4
    draw.ellipse((0, 0, r, r), fill=(38, 38, 36, 255))
    draw.ellipse((r * 0.62, 0, r * 1.62, r), outline=(178, 96, 62, 255), width=r // 9)
    return image.resize(shot.size, Image.Resampling.BOX)


def seal(shot: Shot) -> Image.Image:
    """A round certificate mark with as many petals as its seed says."""
    width, height = shot.size
    image = Image.new("RGB", (width * 4, height * 4), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    w, c = width * 4, width * 2
    colour = ((64, 104, 78), (58, 84, 120), (168, 112, 48))[shot.seed % 3]
    draw.ellipse((4, 4, w - 4, w - 4), outline=colour, width=w // 16)
    for k in range(3 + shot.seed):
        angle = 2 * np.pi * k / (3 + shot.seed)
        x, y = c + 0.24 * w * np.cos(angle), c + 0.24 * w * np.sin(angle)
        draw.ellipse((x - w * 0.1, y - w * 0.1, x + w * 0.1, y + w * 0.1), fill=colour)
    return image.resize(shot.size, Image.Resampling.BOX)


def _coefficients(corners: Field, n: int) -> list[float]:
    """The eight numbers with which Pillow maps a quadrilateral (4, 2) back to an n × n square."""
    square = [(0, 0), (n, 0), (n, n), (0, n)]
    rows, values = [], []
    for (x, y), (u, v) in zip(corners, square, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [float(k) for k in np.linalg.solve(np.array(rows, float), np.array(values, float))]


# --- rooms ------------------------------------------------------------------------------------------------------------

OAK = Stuff("planks", ((126, 90, 56), (180, 138, 94), (208, 172, 126)), 901, 1.6, 0.25)
PALE_OAK = Stuff("planks", ((168, 150, 126), (202, 186, 160), (226, 214, 192)), 902, 1.6, 0.2)
SCREED = Stuff("concrete", ((150, 148, 144), (180, 178, 172), (200, 198, 192)), 903, 3.0, 0.2)
WALNUT = Stuff("planks", ((62, 42, 30), (96, 68, 48), (128, 96, 70)), 904, 1.2, 0.25)
CLOTH = Stuff("linen", ((150, 142, 128), (184, 174, 158), (206, 198, 184)), 905, 0.6, 0.0)
RUG = Stuff("carpet", ((168, 160, 146), (206, 198, 184), (228, 222, 210)), 906, 1.0, 0.0)
WHITE_STONE = Stuff("marble", ((244, 243, 240), (230, 229, 227), (140, 142, 148)), 907, 1.8, 0.5)

DECOR: tuple[Mapping[str, tuple[int, int, int] | Stuff], ...] = (
    {
        "wall": (228, 222, 210),
        "art": (188, 92, 60),
        "pot": (196, 122, 92),
        "cabinet": (92, 104, 96),
        "sofa": CLOTH,
        "floor": SCREED,
        "wood": OAK,
        "curtain": (226, 218, 204),
    },
    {
        "wall": (202, 208, 202),
        "art": (58, 92, 88),
        "pot": (226, 220, 208),
        "cabinet": (66, 72, 80),
        "sofa": (96, 112, 104),
        "floor": PALE_OAK,
        "wood": PALE_OAK,
        "curtain": (210, 214, 208),
    },
    {
        "wall": (226, 208, 192),
        "art": (206, 156, 84),
        "pot": (120, 80, 62),
        "cabinet": (168, 132, 110),
        "sofa": (148, 84, 62),
        "floor": OAK,
        "wood": WALNUT,
        "curtain": (232, 220, 206),
    },
    {
        "wall": (196, 202, 212),
        "art": (52, 66, 104),
        "pot": (84, 96, 116),
        "cabinet": (222, 220, 214),
        "sofa": (82, 92, 112),
        "floor": PALE_OAK,
        "wood": WALNUT,
        "curtain": (222, 224, 226),
    },
)

STILL: Mapping[str, tuple[int, int, int] | Stuff] = {
    "side": (234, 230, 222),
    "ceiling": (242, 240, 236),
    "white": (240, 238, 232),
    "dark": (46, 43, 42),
    "rug": RUG,
    "top": WHITE_STONE,
    "leaf": (74, 102, 66),
    "lamp": (255, 240, 220),
    "paper": (246, 242, 234),
    "brass": (198, 156, 90),
    "mirror": (176, 190, 196),
    "linen": (222, 214, 200),
    "plinth": (222, 214, 202),
    "splash": (222, 218, 210),
    "counter": WALNUT,
}

PUT: Mapping[str, tuple[str, ...]] = {
    "floor": ("floor",),
    "rug": ("rug",),
    "wall": ("wall", "splash"),
    "counter": ("counter", "top", "splash"),
    "upholstery": ("sofa",),
    "samples": (),
}
"""Which slots of a room the shown material takes, by its use."""


@lru_cache(maxsize=32)
def _material(stuff: tuple[int, int, int] | Stuff) -> Surface:
    if isinstance(stuff, Stuff):
        pixels = _texture(stuff)
        return surface(laid(pixels, *stuff.laid, stuff.seed) if stuff.laid else pixels, stuff.metres, stuff.gloss)
    return surface(stuff, gloss=0.12)


def scene(shot: Shot, traced: tuple[int, int] = LOOK) -> Image.Image:
    """A room or still life in which the stuffs are shown."""
    seen = _look(shot.scene, traced)
    filling = dict(STILL) | dict(DECOR[shot.decor])
    filling |= dict.fromkeys(PUT[shot.use], shot.stuffs[0])
    filling |= {f"sample{k}": shot.stuffs[k % len(shot.stuffs)] for k in range(6)}
    shown = {seen.slots[k] for k in np.unique(seen.slot)}
    pixels = paint(seen, {slot: _material(filling[slot]) for slot in sorted(shown)}, exposure=1.12)
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = shot.frame
    image = Image.fromarray(pixels)
    image.paste(image.filter(ImageFilter.BoxBlur(1)), mask=_edges(seen))
    image = image.crop((round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)))
    if shot.mirrored:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return image.resize(shot.size, Image.Resampling.LANCZOS)


def _edges(seen: Look) -> Image.Image:
    """Mask of the pixels on either side of an outline: blurred, they stand in for antialiasing."""
    slot = seen.slot
    edge = np.zeros(slot.shape, dtype=bool)
    edge[:, 1:] |= slot[:, 1:] != slot[:, :-1]
    edge[1:] |= slot[1:] != slot[:-1]
    edge[:-1] |= edge[1:]
    edge[:, :-1] |= edge[:, 1:]
    return Image.fromarray(edge.astype(np.uint8) * 255)


def quick_scene(shot: Shot) -> Image.Image:
    """A scene traced at half the resolution: for the small catalogue."""
    return scene(shot, SMALL_LOOK)


KINDS: Mapping[str, Callable[[Shot], Image.Image]] = {
    f.__name__: f for f in (swatch, close, drape, cutout, strip, logo, seal, scene, quick_scene)
}


def develop(shot: Shot) -> Image.Image:
    """The picture, RGB or RGBA, `shot.size` pixels."""
    return KINDS[shot.kind](shot)


def tint(image: Image.Image, edition: int) -> Image.Image:
    """The picture in another light: how later editions get their own pixels without being made anew."""
    if not edition:
        return image
    rng = np.random.default_rng(edition)
    gains = rng.uniform(0.84, 1.12, 3)
    bands = list(image.split())
    bands[:3] = [b.point([min(255, round(k * g)) for k in range(256)]) for b, g in zip(bands, gains, strict=False)]
    return Image.merge(image.mode, bands)


# --- bytes ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Coded:
    """An image as a PDF stores it: the stream, its dictionary entries, and its soft mask's (deflated, 8 bit)."""

    size: tuple[int, int]
    data: bytes
    entries: str
    mask: bytes | None = None


def _jpeg(image: Image.Image, quality: int = 80) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality, optimize=True)
    return out.getvalue()


def _to_jpeg(image: Image.Image) -> Coded:
    return Coded(image.size, _jpeg(image), "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode")


def _to_cmyk(image: Image.Image) -> Coded:
    """Grey moved to the black plate, as a printer's file has it. Pillow writes Adobe's inverted CMYK, hence Decode."""
    cmy = 255 - np.asarray(image.convert("RGB"), np.float32)
    black = cmy.min(-1, keepdims=True) * 0.85
    planes = np.concatenate([(cmy - black) / np.maximum(255 - black, 1) * 255, black], -1)
    data = _jpeg(Image.fromarray(np.clip(planes + 0.5, 0, 255).astype(np.uint8), "CMYK"), 84)
    entries = "/ColorSpace/DeviceCMYK/BitsPerComponent 8/Decode[1 0 1 0 1 0 1 0]/Filter/DCTDecode"
    return Coded(image.size, data, entries)


def _to_jpx(image: Image.Image) -> Coded:
    out = io.BytesIO()
    image.save(out, "JPEG2000", quality_mode="rates", quality_layers=[22], irreversible=True)
    return Coded(image.size, out.getvalue(), "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/JPXDecode")


def _to_masked(image: Image.Image) -> Coded:
    rgba = np.array(image.convert("RGBA"))
    rgba[rgba[..., 3] == 0] = 0  # black under the mask: whoever drops the mask sees it
    data, mask = (zlib.compress(np.ascontiguousarray(k).tobytes(), 9) for k in (rgba[..., :3], rgba[..., 3]))
    return Coded(image.size, data, "/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode", mask)


def _to_inline(image: Image.Image) -> Coded:
    """For BI … EI in the content: hexadecimal, so that no byte of it can look like its end."""
    return Coded(image.size, _jpeg(image, 70).hex().encode() + b">", "/CS/RGB/BPC 8/F[/AHx/DCT]")


ENCODINGS: Mapping[str, Callable[[Image.Image], Coded]] = {
    "jpeg": _to_jpeg,
    "cmyk": _to_cmyk,
    "jpx": _to_jpx,
    "masked": _to_masked,
    "inline": _to_inline,
}


def encode(image: Image.Image, encoding: str) -> Coded:
    """The bytes of a picture. KeyError for an encoding that is not in ENCODINGS."""
    return ENCODINGS[encoding](image)
