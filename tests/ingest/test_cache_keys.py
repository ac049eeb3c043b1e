"""A stage that may say something else must have a new version, or old results would be served for ever."""

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from swatchbook.domain.records import IngestOptions, TaughtReading, TextRule
from swatchbook.domain.settings import Settings
from swatchbook.ingest.cache_keys import PURE_STAGES, stage_key
from swatchbook_catalogue.llm.prompts import RECIPES

ROOT = Path(__file__).parents[2]
PINS = Path(__file__).with_name("pinned_stages.json")


CATALOGUE = "packages/catalogue/swatchbook_catalogue"
ENTRIES = {
    **dict.fromkeys(("read", "tables"), (f"{CATALOGUE}/pdf/*.py",)),
    "discover": (f"{CATALOGUE}/discover.py", f"{CATALOGUE}/llm/discover_with_model.py"),
    "describe": (f"{CATALOGUE}/describe.py", f"{CATALOGUE}/llm/*.py"),
    "plan": (f"{CATALOGUE}/plan.py",),
    "chunk": (f"{CATALOGUE}/chunk.py",),
    "extract": (f"{CATALOGUE}/extract.py", f"{CATALOGUE}/pdf/*.py"),
    "items": ("swatchbook/ingest/sources/folder.py",),
}
"""Stage -> where its code begins; what it imports from there on is its code, too."""

LEFT_OUT = {"records", "errors.py", "pdf", "settings.py", "plugins.py"}
"""Folders and files that many import, and that change without another result of a stage."""

FOLDERS = {"swatchbook_catalogue": ROOT / "packages/catalogue", "swatchbook_base": ROOT / "packages/base"}


def files_of(stage: str) -> list[Path]:
    """The modules of a stage and the tables that they name, without those of LEFT_OUT unless the stage begins there."""
    entries = {path for pattern in ENTRIES[stage] for path in ROOT.glob(pattern)}
    found, waiting = set[Path](), [*entries]
    while waiting:
        path = waiting.pop()
        if path in found or (path not in entries and LEFT_OUT & {path.name, path.parent.name}):
            continue
        found.add(path)
        waiting += named(path)
    return sorted(found)


@cache
def named(path: Path) -> list[Path]:
    """The modules and tables that a file names."""
    if path.suffix != ".py":
        return []
    code = path.read_text()
    tables = re.findall(r"[\"']([\w-]+\.(?:toml|json|npy|onnx))[\"']", code)
    modules = map(module, imported(ast.parse(code)))
    return [*filter(None, modules), *(path.parent / name for name in tables if (path.parent / name).is_file())]


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{each.name}" for each in node.names]
            yield from names if all(map(module, names)) else [node.module]


def module(name: str) -> Path | None:
    top = name.partition(".")[0]
    path = (FOLDERS.get(top, ROOT) / name.replace(".", "/")).with_suffix(".py")
    return path if top in (*FOLDERS, "swatchbook") and path.is_file() else None


def fingerprint(paths: Iterable[Path]) -> str:
    return hashlib.sha256(b"".join(map(as_read, paths))).hexdigest()


@cache
def as_read(path: Path) -> bytes:
    """A file as the interpreter reads it: comments, docstrings and layout of modules do not count."""
    if path.suffix != ".py":
        return path.read_bytes()
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body[0] = ast.Pass()
    return ast.unparse(tree).encode()


@pytest.mark.parametrize("stage", PURE_STAGES)
def test_changed_stage_has_a_new_version(stage: str) -> None:
    pinned = json.loads(PINS.read_text())
    now = [PURE_STAGES[stage].version, fingerprint(files_of(stage))]
    assert pinned.get(stage) == now, (
        f"Stage {stage!r} changed. If it may say something else for the same document, raise its version in "
        f"swatchbook/ingest/cache_keys.py. Then pin it: python -m tests.ingest.test_cache_keys"
    )


def test_key_reads_options_limits_and_the_stages_before() -> None:
    def key(stage: str = "extract", content: str = "c", force: str | None = None, **given: object) -> str:
        settings = Settings(**{k: v for k, v in given.items() if k in Settings.model_fields})  # type: ignore[arg-type]
        options = IngestOptions(**{k: v for k, v in given.items() if k in IngestOptions.model_fields})  # type: ignore[arg-type]
        return stage_key(stage, content, settings, options, force=force)

    assert key() == key(batch_size=7) == key(max_retries=0)
    limited = [key(force="f"), key(focus=False), key(max_image_mb=1), key(ocr_languages=("rus",))]
    different = [key(), key(content="d"), key("read"), *limited]
    assert len(set(different)) == len(different)
    assert "/" not in key()


def test_taught_reading_counts_for_discovery_and_what_follows() -> None:
    taught = TaughtReading(names=(TextRule(traits={"size": 12.0}),))
    keys = [
        {stage: stage_key(stage, "c", Settings(), options, force=None) for stage in PURE_STAGES}
        for options in (IngestOptions(), IngestOptions(taught=taught))
    ]
    same = {stage for stage in PURE_STAGES if keys[0][stage] == keys[1][stage]}
    assert same == {"read", "tables", "items"}


def test_another_reader_of_pdfs_makes_all_stages_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(**given: str) -> dict[str, str]:
        settings = Settings(**given)  # type: ignore[arg-type]
        return {stage: stage_key(stage, "c", settings, IngestOptions(), force=None) for stage in PURE_STAGES}

    plain, other = keys(), keys(pdf_reader="pdfium")
    assert {stage for stage in PURE_STAGES if plain[stage] == other[stage]} == {"items"}
    before = PURE_STAGES["read"].model_copy(update={"newer_settings": ()})
    monkeypatch.setitem(PURE_STAGES, "read", before)  # type: ignore[arg-type]
    assert keys(pdf_reader="mupdf") == plain, "results of before there was a choice stay valid"


def test_key_is_the_same_with_other_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWATCHBOOK_OCR_LANGUAGES")
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    none = stage_key("read", "c", Settings(), IngestOptions(), force=None)
    (tmp_path / "rus.traineddata").touch()
    assert stage_key("read", "c", Settings(), IngestOptions(), force=None) == none, "shards would refuse their work"


def test_key_covers_language_model_and_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(**given: object) -> list[str]:
        settings = Settings(**given)  # type: ignore[arg-type]
        return [stage_key(stage, "c", settings, IngestOptions(), force=None) for stage in PURE_STAGES]

    layout, asked, other = keys(), keys(discovery="llm", llm={"model": "a"}), keys(discovery="llm", llm={"model": "b"})
    assert asked != keys(discovery="llm", llm={"model": "a"}, vision={"model": "c"}), "it reads scans"
    assert layout == keys(llm={"model": "a"})
    assert asked == keys(discovery="llm", llm={"model": "a", "url": "http://elsewhere/v1"})
    changed = [len({a, b, c}) for a, b, c in zip(layout, asked, other, strict=True)]
    assert dict(zip(PURE_STAGES, changed, strict=True)) == {
        "read": 1, "tables": 1, "discover": 3, "describe": 3, "plan": 3, "chunk": 3, "extract": 3,
        "items": 1,
    }  # fmt: skip
    monkeypatch.setitem(RECIPES, "describe", "0" * 8)
    after = keys(discovery="llm", llm={"model": "a"})
    assert [stage for stage, a, b in zip(PURE_STAGES, asked, after, strict=True) if a != b] == ["describe"]


if __name__ == "__main__":
    pins = {name: [stage.version, fingerprint(files_of(name))] for name, stage in PURE_STAGES.items()}
    PINS.write_text(json.dumps(pins, indent=2) + "\n")
