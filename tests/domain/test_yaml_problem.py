"""YAML that a person or a stranger wrote: aliases are followed, but a few lines do not stand for billions of values,
and no tag runs anything or ends in an error of the parser.
"""

from pathlib import Path

import pytest
import yaml

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.yaml_problem import load_yaml
from swatchbook_tables.rows import read_mapping

LEVELS = 30
LAUGHS = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, LEVELS))
BOMBS = [
    LAUGHS + f"columns: *a{LEVELS - 1}\n", LAUGHS + f"columns: {{title: *a{LEVELS - 1}}}\n",
    LAUGHS + f"base_url: *a{LEVELS - 1}\n", "columns: &a {title: *a}\n", "columns: &a [*a]\n",
]  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS)
def test_bomb_of_aliases_is_named_at_once(tmp_path: Path, bomb: str) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(bomb)
    with pytest.raises(InvalidReference, match="its aliases repeat too many values") as caught:
        read_mapping(file)
    assert len(str(caught.value)) < 500


HOSTILE = ("!!bool x", "!!int ''", "!!float ''", "!!timestamp x", "!!python/name:os.system ''",
           "!!python/object/apply:os.system [exit]", "[" * 5_000)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: value[:20])
def test_value_that_attacks_the_parser_is_named(tmp_path: Path, value: str) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(f"columns: {value}\n")
    with pytest.raises(InvalidReference, match="this is not YAML"):
        read_mapping(file)


def test_large_mapping_is_refused_and_not_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(f"columns: {{title: Was}}\n#{'x' * (1 << 20)}\ncolmns: {{}}\n")
    with pytest.raises(InvalidReference, match="larger than 1 MiB"):
        read_mapping(file)


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
