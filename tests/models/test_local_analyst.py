from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageFont

from swatchbook.domain.analysis import understanding_text
from swatchbook.domain.records import Analysis, Role
from swatchbook.domain.settings import Settings
from swatchbook.models import registry
from swatchbook.models.image_network import SIDE as NETWORK_SIDE
from swatchbook.models.image_network import Network
from swatchbook.models.images.local_analysis import PALETTE, ColorNames, analyse
from swatchbook.models.images.pixels import shrink
from swatchbook.models.local_analyst import PRINT_SIDE, SIDE, LocalAnalyst
from swatchbook_base.arrays import Pixels
from tests.models.drawn_clock import drawn_clock
from tests.models.images.materials import PALETTES, material

ANALYST, COLOR_NAMES = LocalAnalyst(Network()), ColorNames()


def small(picture: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.HAMMING))


def measured(*pictures: Pixels) -> list[Analysis]:
    """Return what the rules say, without what the network recognises, which takes most of the time."""
    return [analyse(shrink(picture, SIDE), COLOR_NAMES) for picture in pictures]


def analysis(picture: Pixels) -> Analysis:
    return measured(picture)[0]


def test_patterns_are_named_in_every_palette() -> None:
    words = {"wood": "grained", "terrazzo": "speckled", "speckle": "speckled", "weave": "woven", "stripes": "striped"}
    words |= {"checks": "chequered", "bricks": "tiled", "concrete": "mottled", "plain": "plain"}
    for pattern, word in words.items():
        pieces = [small(material(pattern, palette)) for palette in PALETTES]
        assert {found.pattern for found in measured(*pieces)} == {word}, pattern


def test_veins_are_named_unless_crowded_in_a_corner() -> None:
    pieces = [small(material("marble", palette, piece)) for palette in PALETTES for piece in range(5)]
    words = [found.pattern for found in measured(*pieces)]
    assert set(words) <= {"veined", None}
    assert words.count("veined") >= 0.7 * len(words)


def test_scenes_and_cut_outs_have_no_pattern() -> None:
    cut_out = np.full((160, 160, 3), 255, np.uint8)
    cut_out[40:140, 50:110] = material("speckle", "navy", side=160)[40:140, 50:110]
    room = np.concatenate([
        np.full((90, 160, 3), 210, np.uint8), material("wood", "oak", side=160)[:70]
    ])  # fmt: skip
    assert [(found.pattern, found.textures) for found in measured(cut_out, room)] == [(None, ())] * 2


def test_turning_a_picture_changes_no_word() -> None:
    for pattern in ("wood", "stripes", "bricks", "marble"):
        picture = small(material(pattern, "oak"))
        upright, *turned = measured(*(np.rot90(picture, turn) for turn in range(4)))
        words = [(each.pattern, each.textures, each.contrast) for each in turned]
        assert words == [(upright.pattern, upright.textures, upright.contrast)] * 3


def test_colors_bear_the_names_people_use() -> None:
    for name, code in PALETTE.items():
        (color,) = analysis(np.full((32, 32, 3), list(bytes.fromhex(code)), np.uint8)).colors
        assert (color.name, color.share, color.hex) == (name, 1.0, f"#{code}")
    colors = {"ffffff": "white", "000000": "black", "808080": "grey", "383e42": "anthracite", "c80000": "red"}
    for code, name in (colors | {"000080": "dark blue", "f5ebd7": "ivory", "ffd700": "yellow"}).items():
        assert analysis(np.full((20, 20, 3), list(bytes.fromhex(code)), np.uint8)).colors[0].name == name


def test_shares_and_contrast_follow_areas_and_ignore_specks() -> None:
    picture = np.full((100, 100, 3), 255, np.uint8)
    picture[:30] = (20, 20, 20)
    picture[50, :50] = (200, 0, 0)
    assert [(color.name, color.share) for color in analysis(picture).colors] == [("white", 0.695), ("black", 0.3)]
    stripes = np.zeros((80, 80, 1), np.uint8)
    stripes[:, ::4] = stripes[:, 1::4] = 1
    found = [analysis(np.repeat(120 + stripes * np.uint8(step), 3, axis=2)).contrast for step in (10, 50, 120)]
    assert found == ["low", "medium", "high"]


def test_only_blurred_tiny_or_unexposed_pictures_lose_quality() -> None:
    sharp, swatch = small(material("checks", "slate")), np.full((160, 160, 3), (180, 150, 120), np.uint8)
    blurred = np.asarray(Image.fromarray(sharp).resize((20, 20), Image.Resampling.BOX).resize((SIDE, SIDE)))
    pictures = (sharp, blurred, swatch, swatch[:12, :12], np.zeros_like(swatch))
    of_sharp, of_blurred, of_swatch, of_tiny, of_dark = (each.quality for each in measured(*pictures))
    assert (of_sharp > 0.9, of_blurred < 0.6 * of_sharp, of_swatch, of_tiny < 0.2) == (True, True, 1.0, True)
    assert of_dark <= 0.5


@given(st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(lambda size: arrays(np.uint8, (*size, 3))))
def test_any_pixels_are_analysed_within_bounds(picture: Pixels) -> None:
    found = analysis(picture)  # the record itself refuses shares, confidence and quality outside 0–1
    assert sum(color.share for color in found.colors) <= 1 + 1e-9
    assert found == analysis(picture)


def test_picture_decoded_for_larger_models_is_analysed_alike() -> None:
    large = material("wood", "oak", side=4 * SIDE)
    whole, small, middle = ANALYST.analyse([large, shrink(large, SIDE), shrink(large, NETWORK_SIDE)])
    assert whole.model_copy(update={"recognised": small.recognised}) == small
    assert whole == middle


def test_what_is_recognised_is_told() -> None:
    for ground in ("white", "tan"):
        (found,) = ANALYST.analyse([drawn_clock(ground)])
        assert found.recognised == ("clock",)
        assert understanding_text(found).startswith("Recognised: clock. Colors: ")


def test_surfaces_are_recognised_as_nothing() -> None:
    patterns = ("wood", "terrazzo", "speckle", "weave", "stripes", "checks", "bricks", "concrete", "plain", "marble")
    pieces = [material(pattern, palette, side=400) for palette in list(PALETTES)[::3] for pattern in patterns]
    told = [found.recognised for found in ANALYST.analyse(pieces)]
    assert told == [()] * len(told)


@pytest.mark.parametrize(("ocr", "reads"), [("auto", False), ("always", True)])
def test_print_in_pictures_is_read_by_choice(tmp_path: Path, ocr: Literal["auto", "always"], *, reads: bool) -> None:
    spec = registry.by_rules(Settings(home=tmp_path, ocr=ocr))
    label = Image.new("RGB", (900, 600), "beige")
    ImageDraw.Draw(label).text((80, 200), "Porto Grey\n60x120 cm", fill="black", font=ImageFont.load_default(90))
    analyst = spec.load(registry.Models(Settings(home=tmp_path)))
    printed, plain = analyst.analyse([np.asarray(label), material("concrete", next(iter(PALETTES)), 0)], None)
    assert isinstance(printed, Analysis)
    assert isinstance(plain, Analysis)
    assert spec.tags == {Role.ANALYSIS: analyst.tag}
    assert (analyst.tag == ANALYST.tag, analyst.side) == ((False, PRINT_SIDE) if reads else (True, NETWORK_SIDE))
    assert printed.printed_text == ("Porto Grey\n60x120 cm" if reads else None)
    assert plain.printed_text is None
