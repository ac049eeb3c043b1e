"""YAML that a person wrote: aliases are followed, but a few lines do not stand for billions of values."""

from pathlib import Path

import pytest
import yaml

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.yaml_problem import load_yaml
from swatchbook.doors.cli.config import _read
from swatchbook.ingest.sources.table import read_mapping

LEVELS = 30
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, LEVELS))
BOMBS = [
    LAUGHS + f"columns: *a{LEVELS - 1}\n",
    LAUGHS + f"columns: {{title: *a{LEVELS - 1}}}\n",
    LAUGHS + f"base_url: *a{LEVELS - 1}\n",
    "columns: &a {title: *a}\n",
    "columns: &a [*a]\n",
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_of_aliases_is_named_at_once(tmp_path: Path, bomb: str) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(bomb)
    for read in (read_mapping, _read):
        with pytest.raises(InvalidReference, match="its aliases repeat too many values") as caught:
            read(file)
        assert len(str(caught.value)) < 500


def test_ordinary_aliases_are_followed() -> None:
    assert load_yaml("a: &a [x, y]\nb: *a\nc: {<<: {d: *a}}") == {
        "a": ["x", "y"],
        "b": ["x", "y"],
        "c": {"d": ["x", "y"]},
    }
    assert load_yaml("") is None
    assert load_yaml("x") == "x"
    with pytest.raises(yaml.YAMLError):
        load_yaml("a: [")
