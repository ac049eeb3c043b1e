"""Read a YAML file that a person wrote, within bounds; say where it is not YAML: the line, and the parser's words."""

from pathlib import Path
from typing import Any

import yaml

from swatchbook_base.one_line import one_line

_MOST_VALUES = 100_000
"""The most values of a file, each as often as its aliases repeat it. A few lines can stand for billions."""


def load_yaml(text: str | bytes) -> Any:
    """Return what a YAML file holds.

    Raises YAMLError, also for a key that is there twice, ValueError for an impossible date, and RecursionError.
    """
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    if node is None:
        return None
    if _count(node, {}) > _MOST_VALUES:
        raise yaml.MarkedYAMLError(problem="its aliases repeat too many values", problem_mark=node.start_mark)
    try:
        return loader.construct_document(node)
    except (KeyError, IndexError, AttributeError) as error:  # what PyYAML raises for `!!bool x`
        raise yaml.MarkedYAMLError(problem="a tag does not fit its value", problem_mark=node.start_mark) from error


def _count(node: yaml.Node, counted: dict[yaml.Node, float]) -> float:
    """Return how many values a node expands to; infinity if it contains itself."""
    if node not in counted:
        counted[node] = float("inf")  # until it is counted
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_keys(node)
        parts = [each for pair in node.value for each in pair] if isinstance(node, yaml.MappingNode) else node.value
        inside = parts if isinstance(node, yaml.CollectionNode) else ()
        counted[node] = 1 + sum(_count(each, counted) for each in inside)
    return counted[node]


def _refuse_repeated_keys(node: yaml.MappingNode) -> None:
    """Raise YAMLError for a key that a mapping has twice: the parser would take the last, and say nothing."""
    known = set[tuple[str, str]]()
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            if (key.tag, key.value) in known:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value} is there twice", problem_mark=key.start_mark)
            known.add((key.tag, key.value))


def yaml_problem(file: Path, error: Exception) -> str:
    """Return what is wrong with a file as a sentence, from the parser's error."""
    mark = getattr(error, "problem_mark", None)
    place = f"{file}, line {mark.line + 1}" if mark else str(file)
    return f"{place}: this is not YAML: {one_line(getattr(error, 'problem', None) or 'it cannot be read')}."
