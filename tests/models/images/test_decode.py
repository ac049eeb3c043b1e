import base64
import io
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageCms

from swatchbook.domain.errors import (
    CrashedWorker,
    Failure,
    FileMissing,
    ProviderTimeout,
    TooLarge,
    UnreadableImage,
)
from swatchbook.domain.settings import Settings
from swatchbook.models.images.decoder_pool import Decoders, Header
from swatchbook_base.arrays import Pixels
from tests.models.images.hostile import png
from tests.models.images.materials import material

HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAA"
    "AAAERAAAEAAQAAAAABoQABAAAAAAAAADQAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAA"
    "AADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkA"
    "AAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAA"
    "AAAoY2xhcAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAD"
    "xtZGF0AAAAMCgBrxOAdp8Jm5R/8Jav8kHzGq/3IWAqeiM3zdDi+VyMp8V9idqqTWJsLizUXxADjA=="
)
"""64 × 48 pixels, the first 20 columns green, the others red."""


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with Decoders(Settings(max_image_mb=1, max_image_megapixels=2, max_image_side=4000)) as it:
        yield it


@pytest.fixture
def troubled() -> Iterator[Decoders]:
    with Decoders(Settings(), module="tests.models.images.troubled_decode", seconds=1) as it:
        yield it


def children() -> set[int]:
    """Process ids of this process' children."""
    return {child.pid for child in psutil.Process().children()}


def pixels(decoders: Decoders, path: Path, side: int = 64) -> Pixels:
    (decoded,) = decoders.decode([path], side)
    assert isinstance(decoded, np.ndarray), decoded
    return decoded


def failure(decoders: Decoders, path: Path) -> Failure:
    (decoded,) = decoders.decode([path], 64)
    assert isinstance(decoded, Failure), decoded
    return decoded


def halves(mode: str, left: object, right: object, size: tuple[int, int] = (80, 40)) -> Image.Image:
    image = Image.new(mode, size, left)  # type: ignore[arg-type]
    image.paste(right, (size[0] // 2, 0, *size))  # type: ignore[arg-type]
    return image


def left_and_right(picture: Pixels) -> tuple[list[int], list[int]]:
    height, width, _ = picture.shape
    return picture[height // 2, width // 4].tolist(), picture[height // 2, width * 3 // 4].tolist()


def test_relative_path_is_that_of_the_caller(
    decoders: Decoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The children may have been started in another folder."""
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    assert decoders.decode([tmp_path / "a.png"], 4)
    monkeypatch.chdir(tmp_path)
    (decoded,) = decoders.decode([Path("a.png")], 4)
    assert not isinstance(decoded, Failure)


def test_heic_of_a_phone_is_read(decoders: Decoders, tmp_path: Path) -> None:
    (tmp_path / "IMG_1234.HEIC").write_bytes(HEIC)
    (header,) = decoders.headers([tmp_path / "IMG_1234.HEIC"])
    assert isinstance(header, Header)
    assert (header.format, header.width, header.height) == ("HEIF", 64, 48)
    left, right = left_and_right(pixels(decoders, tmp_path / "IMG_1234.HEIC"))
    assert left[1] > left[0] + 100
    assert right[0] > right[1] + 100


def test_pictures_return_in_order_at_the_requested_side(decoders: Decoders, tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(23)]
    for n, path in enumerate(paths):
        Image.new("RGB", (100 + n, 50), (n * 10, 0, 0)).save(path)
    decoded = decoders.decode(paths, 64)
    assert [picture.shape[1] for picture in decoded if isinstance(picture, np.ndarray)] == [64] * 23
    assert [int(picture[0, 0, 0]) for picture in decoded if isinstance(picture, np.ndarray)] == [
        n * 10 for n in range(23)
    ]


def test_shrinking_keeps_the_mean_of_the_picture(decoders: Decoders, tmp_path: Path) -> None:
    surface = material("terrazzo", "oak")
    for name in ("surface.jpg", "surface.png"):  # a JPEG is decoded smaller
        Image.fromarray(surface).save(tmp_path / name, quality=92)
        mean = pixels(decoders, tmp_path / name).mean(axis=(0, 1))
        assert mean == pytest.approx(surface.mean(axis=(0, 1)), abs=1.0)


def test_every_mode_becomes_srgb_over_white(decoders: Decoders, tmp_path: Path) -> None:
    black, white = [0, 0, 0], [255, 255, 255]
    for image, suffix, left, right in (
        (halves("1", 0, 1), "png", black, white),
        (halves("L", 10, 200), "png", [10, 10, 10], [200, 200, 200]),
        (halves("LA", (10, 255), (0, 0)), "png", [10, 10, 10], white),
        (halves("RGBA", (200, 0, 0, 255), (0, 0, 0, 0)), "png", [200, 0, 0], white),
        (halves("RGBA", (200, 0, 0, 255), (0, 0, 0, 128)), "webp", [200, 0, 0], [127, 127, 127]),
        (halves("RGB", "#102030", "#a0b0c0").quantize(4), "gif", [16, 32, 48], [160, 176, 192]),
        (halves("CMYK", (0, 0, 0, 0), (0, 0, 0, 255)), "jpg", white, black),
        (halves("CMYK", (0, 0, 0, 0), (0, 255, 255, 0)), "tif", white, [255, 0, 0]),
        (halves("I;16", 0, 32896), "png", black, [128, 128, 128]),
        (halves("F", 0.0, 0.5), "tif", black, [128, 128, 128]),
        (halves("LAB", (255, 128, 128), (0, 128, 128)), "tif", white, black),
        (halves("YCbCr", (128, 128, 128), (255, 128, 128)), "jpg", [128, 128, 128], white),
    ):
        path = tmp_path / f"halves.{suffix}"
        image.save(path, **({"lossless": True} if suffix == "webp" else {"quality": 95} if suffix == "jpg" else {}))
        apart = np.abs(np.subtract(left_and_right(pixels(decoders, path)), (left, right))).max()
        assert apart <= 3, (image.mode, suffix)


def test_color_under_transparent_pixels_does_not_bleed(decoders: Decoders, tmp_path: Path) -> None:
    image = np.zeros((400, 400, 4), np.uint8)
    image[:, ::2] = (0, 200, 0, 0)  # unseen green between seen red
    image[:, 1::2] = (200, 0, 0, 255)
    Image.fromarray(image, "RGBA").save(tmp_path / "fringe.png")
    red, green, blue = pixels(decoders, tmp_path / "fringe.png").mean(axis=(0, 1))
    assert abs(green - blue) <= 1
    assert red > 200


def test_white_on_transparency_is_seen(decoders: Decoders, tmp_path: Path) -> None:
    white, grey, dark = [255, 255, 255], [64, 64, 64], [40, 40, 40]
    for name, left, right in (
        ("white", (255, 255, 255, 255), (0, 0, 0, 0)),
        ("dark", (40, 40, 40, 255), (0, 0, 0, 0)),
        ("whole", (255, 255, 255, 255), (255, 255, 255, 255)),
        ("nothing", (0, 0, 0, 0), (255, 255, 255, 0)),
    ):
        halves("RGBA", left, right).save(tmp_path / f"{name}.png")
    found = {path.stem: left_and_right(pixels(decoders, path)) for path in tmp_path.glob("*.png")}
    assert found == {
        "white": (white, grey), "dark": (dark, white), "whole": (white, white), "nothing": (white, white),
    }  # fmt: skip


def test_exif_orientation_is_undone(decoders: Decoders, tmp_path: Path) -> None:
    corner, turn = Image.new("RGB", (60, 40), "white"), Image.Transpose
    corner.paste((200, 0, 0), (0, 0, 30, 20))
    mirrored = (turn.FLIP_LEFT_RIGHT, turn.ROTATE_180, turn.FLIP_TOP_BOTTOM)
    ways = (None, *mirrored, turn.TRANSPOSE, turn.ROTATE_90, turn.TRANSVERSE, turn.ROTATE_270)
    for orientation, way in enumerate(ways, 1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = corner if way is None else corner.transpose(way)
        turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
        shown = pixels(decoders, tmp_path / "turned.jpg")
        assert shown.shape == (40, 60, 3), orientation
        assert shown[5, 5, 1] < 60, orientation
        assert shown[-5, -5, 1] > 200, orientation


def test_embedded_profile_is_converted_to_srgb(decoders: Decoders, tmp_path: Path) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB", 5000))
    Image.new("RGB", (20, 20), (128, 90, 90)).save(tmp_path / "plain.png")
    Image.new("RGB", (20, 20), (128, 90, 90)).save(tmp_path / "wrong.png", icc_profile=lab.tobytes())
    Image.new("RGB", (20, 20), (128, 90, 90)).save(tmp_path / "broken.png", icc_profile=b"no profile")
    Image.new("RGB", (20, 20), (128, 90, 90)).save(tmp_path / "linear.png", icc_profile=linear_profile())
    for name in ("plain", "wrong", "broken"):  # a profile of another colour space, or none at all, changes nothing
        assert pixels(decoders, tmp_path / f"{name}.png")[0, 0].tolist() == [128, 90, 90]
    linear = pixels(decoders, tmp_path / "linear.png")[0, 0].tolist()
    assert np.abs(np.subtract(linear, [188, 160, 160])).max() <= 2  # sRGB's curve of 128 / 255 and 90 / 255


def linear_profile() -> bytes:
    """sRGB's own profile with its tone curves replaced by straight lines."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (count,) = struct.unpack(">I", data[128:132])
    straight = b"curv" + bytes(8)
    place = len(data)
    for n in range(count):
        entry = 132 + 12 * n
        if data[entry : entry + 4] in (b"rTRC", b"gTRC", b"bTRC"):
            data[entry + 4 : entry + 12] = struct.pack(">II", place, len(straight))
        if data[entry : entry + 4] == b"desc":
            start, length = struct.unpack(">II", data[entry + 4 : entry + 12])
            text = bytes(data[start : start + length]).replace("sRGB".encode("utf-16-be"), "line".encode("utf-16-be"))
            data[start : start + length] = text.replace(b"sRGB", b"line")
    data += straight
    data[:4] = struct.pack(">I", len(data))
    return bytes(data)


def test_animations_show_their_first_frame(decoders: Decoders, tmp_path: Path) -> None:
    first, second = Image.new("RGB", (20, 20), (250, 0, 0)), Image.new("RGB", (20, 20), (0, 0, 250))
    for suffix in ("gif", "webp", "png", "tif", "mpo"):
        first.save(tmp_path / f"moving.{suffix}", save_all=True, append_images=[second])
        assert pixels(decoders, tmp_path / f"moving.{suffix}")[10, 10, 0] > 240, suffix


def test_files_over_the_limit_are_refused_unopened(decoders: Decoders, tmp_path: Path) -> None:
    (tmp_path / "big.jpg").write_bytes(bytes(2 << 20))
    refused = failure(decoders, tmp_path / "big.jpg")
    assert isinstance(refused, TooLarge)
    assert "2.0 MiB" in str(refused)


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.fromarray(material("wood", "oak")).save(out, "JPEG")
    return out.getvalue()


def test_broken_pictures_say_why(decoders: Decoders, tmp_path: Path) -> None:
    for data, reason in (
        (jpeg()[:3000], "truncated"),
        (jpeg()[:20], "broken|not a picture"),
        (b"", "not a picture"),
        (b"%PDF-1.7 this is something else", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),  # Pillow would hand it to Ghostscript
        (png(size=(10, 10), pixels=zlib.compress(b"")), "broken"),
    ):
        (tmp_path / "broken.jpg").write_bytes(data)
        refused = failure(decoders, tmp_path / "broken.jpg")
        assert isinstance(refused, UnreadableImage)
        assert re.search(reason, str(refused))


def test_jpeg_without_its_last_bytes_is_whole(decoders: Decoders, tmp_path: Path) -> None:
    for name, how in (("plain", {}), ("progressive", {"progressive": True}), ("grey", {"quality": 5})):
        out = io.BytesIO()
        Image.fromarray(material("wood", "oak")).convert("L" if name == "grey" else "RGB").save(out, "JPEG", **how)
        whole, *cut = (tmp_path / f"{name}{lost}.jpg" for lost in (0, 2, 1, 400))
        for path, lost in zip((whole, *cut), (0, 2, 1, 400), strict=True):
            path.write_bytes(out.getvalue()[: len(out.getvalue()) - lost])
        expected, *ended, truncated = decoders.decode([whole, *cut], 64)
        assert all(np.array_equal(expected, each) for each in ended), name
        assert isinstance(truncated, UnreadableImage), name
        lacking = [header.lacks_end for header in decoders.headers([whole, *cut]) if isinstance(header, Header)]
        assert lacking == [False, True, True, False], name


def test_missing_file_is_tried_again_later(decoders: Decoders, tmp_path: Path) -> None:
    assert isinstance(failure(decoders, tmp_path / "gone.jpg"), FileMissing)
    assert isinstance(failure(decoders, tmp_path), FileMissing | UnreadableImage)


def test_deadly_picture_fails_alone(troubled: Decoders, tmp_path: Path) -> None:
    for name, kind in (("deadly", CrashedWorker), ("killed", CrashedWorker), ("hanging", ProviderTimeout)):
        paths = [tmp_path / f"{name if n in (4, 5) else 'fine'}{n}.jpg" for n in range(12)]
        for path in paths:
            path.write_bytes(jpeg())
        decoded = troubled.decode(paths, 32)
        assert {n: type(one) for n, one in enumerate(decoded) if isinstance(one, Failure)} == {4: kind, 5: kind}


def test_picture_of_a_killed_child_is_still_decoded(troubled: Decoders, tmp_path: Path) -> None:
    paths = [tmp_path / f"{'once' if n in (0, 4, 5) else 'fine'}{n}.jpg" for n in range(12)]
    for path in paths:
        path.write_bytes(jpeg())
    assert all(isinstance(one, np.ndarray) for one in troubled.decode(paths, 32))


def test_picture_too_large_for_memory_fails_alone(tmp_path: Path) -> None:
    Image.new("P", (9000, 9000)).save(tmp_path / "vast.png")
    Image.new("P", (90, 90)).save(tmp_path / "small.png")
    with Decoders(Settings(child_memory_mb=256, decoders=1, max_image_megapixels=100)) as decoders:
        before, vast, after = decoders.decode([tmp_path / f"{name}.png" for name in ("small", "vast", "small")], 32)
    assert isinstance(vast, TooLarge)
    assert "child_memory_mb" in str(vast)
    assert isinstance(before, np.ndarray)
    assert isinstance(after, np.ndarray)


def test_header_is_read_without_decoding(decoders: Decoders, tmp_path: Path) -> None:
    turned, cut = tmp_path / "turned.jpg", tmp_path / "cut.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 40)).save(turned, exif=exif)
    Image.new("RGBA", (30, 20)).save(cut)
    cut.write_bytes(cut.read_bytes()[:50])  # its pixels are missing, not its header
    (tmp_path / "text.webp").write_text("no picture")
    Image.new("1", (4_001, 1)).save(tmp_path / "long.png")
    names = ("turned.jpg", "cut.png", "text.webp", "long.png", "missing.png")
    sideways, rgba, text, long, missing = decoders.headers([tmp_path / name for name in names])
    assert sideways == Header(width=40, height=80, mode="RGB", format="JPEG")
    assert rgba == Header(width=30, height=20, mode="RGBA", format="PNG")
    assert [type(each) for each in (text, long, missing)] == [UnreadableImage, TooLarge, FileMissing]


def test_orientation_of_a_png_is_found_anywhere(decoders: Decoders, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    names = [tmp_path / f"{name}.png" for name in ("plain", "before", "after")]
    Image.new("RGB", (80, 40)).save(names[0])
    Image.new("RGB", (80, 40)).save(names[1], exif=exif)
    data = names[1].read_bytes()
    start, at_end = data.index(b"eXIf") - 4, data.index(b"IEND") - 4
    end = start + 12 + struct.unpack(">I", data[start : start + 4])[0]
    names[2].write_bytes(data[:start] + data[end:at_end] + data[start:end] + data[at_end:])
    plain, *turned = decoders.headers(names)
    assert plain == Header(width=80, height=40, mode="RGB", format="PNG")
    assert turned == [Header(width=40, height=80, mode="RGB", format="PNG")] * 2
    for name in names[1:]:
        assert pixels(decoders, name, 160).shape == (80, 40, 3)
