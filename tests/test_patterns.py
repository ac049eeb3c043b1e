"""Texts of documents are hostile: no pattern and no rule on a line may take more than quadratic time of its length."""

import ast
import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import pytest

import swatchbook
import swatchbook_shops
from swatchbook_catalogue import attributes, measures
from swatchbook_catalogue.pdf.page_text import LONGEST_LINE

ROOT = Path(__file__).parents[1]
REPEATED = [
    *("1", "1 ", "1.", "1,", "a", "A ", "a: ", "1a", "1 x ", "1% a ", "(", "[", "- ", "S,", "20,", "Size: 1 ", "€1 "),
    *("1,1 ", " ", "1-1 ", "<a ", "_", "*", ". ", "\n ", "a.", "http://", '{"a":', "ab-", "A-1", "../"),
]
LENGTH = LONGEST_LINE // 2
LONGEST = 1.5
"""Seconds of processor time for all hostile texts: linear patterns take a hundredth of it, cubic ones minutes."""


def hostile_lines() -> Iterator[str]:
    """Yield long lines that make a pattern begin anew at each character."""
    for part in REPEATED:
        line = (part * LENGTH)[:LENGTH]
        yield from (f"{line}!", f"x{line}")


def patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield the patterns that modules of the core and of shops keep, with their names."""
    found = (pkgutil.walk_packages(each.__path__, f"{each.__name__}.") for each in (swatchbook, swatchbook_shops))
    for info in chain.from_iterable(found):
        if ".migrations" in info.name:
            continue
        for name, value in vars(importlib.import_module(info.name)).items():
            for pattern in value if isinstance(value, tuple) else (value,):
                if isinstance(pattern, re.Pattern) and isinstance(pattern.pattern, str):
                    yield f"{info.name}.{name}", pattern


def seconds(use: Callable[[str], object]) -> float:
    start = time.process_time()
    for line in hostile_lines():
        use(line)
        if time.process_time() - start > LONGEST:
            break
    return time.process_time() - start


def test_no_pattern_hangs_on_a_hostile_line() -> None:
    found = dict(patterns())
    assert len(found) > 40
    slow = [name for name, pattern in found.items() if seconds(lambda t, p=pattern: p.findall(t)) > LONGEST]  # type: ignore[misc]
    assert not slow


@pytest.mark.parametrize(
    "rule",
    [
        lambda text: list(measures.values_in(text)),
        lambda text: list(attributes.labels_within(text)),
        attributes.nearest_key, attributes.inline_label, attributes.without_values, attributes.unit_in,
    ],
    ids=["values_in", "labels_within", "nearest_key", "inline_label", "without_values", "unit_in"],
)  # fmt: skip
def test_no_rule_hangs_on_a_hostile_line(rule: Callable[[str], object]) -> None:
    assert seconds(rule) < LONGEST


def test_names_of_tests_have_at_most_eight_words() -> None:
    files = [*ROOT.glob("tests/**/*.py"), *ROOT.glob("packages/*/tests/**/*.py")]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = {
        f"{path.relative_to(ROOT)}::{node.name}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, functions) and node.name.startswith("test_")
    }
    assert len(found) > 2_000
    longer = [each for each in sorted(found) if each.partition("::test_")[2].count("_") > 7]
    assert longer == []
