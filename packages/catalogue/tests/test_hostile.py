"""Hostile and odd PDFs: each fault is named by the kind of a failure or by a warning, or does no harm; and mutations of
sound files end in nothing that has no name.
"""

import random
import re
from pathlib import Path
from typing import Final

import pymupdf
import pytest

from samples.generate import BUILD, build_layout
from swatchbook.domain.errors import Failure, Unexpected
from tests.fixtures import SOAK
from tests.kept_children import KeptChildren
from tests.pdf.hostile import HOSTILE, sound, written
from tests.pdf.making import read_pdf

pytestmark = pytest.mark.xdist_group("hostile")

SLOW = (
    "forms that double 24 times", "pattern of a billion tiles", "content of 1.3 MB that unpacks to 600 MiB",
)  # fmt: skip
SECONDS: Final = dict.fromkeys(SLOW, 6)
"""SWATCHBOOK_PAGE_SECONDS where the fault is that it takes too long; 80 elsewhere. A small file has a quarter of it."""

MUTANTS = 2_000 if SOAK else 20


def read_whole(path: Path, seconds: float = 80) -> tuple[dict[int, str], list[str]]:
    """Return the texts of the pages that are read, and all that is said of the file: kinds of failures, warnings."""
    try:
        reading, pages, found, _ = read_pdf(path, page_seconds=seconds, child_memory_mb=1_024)
    except Failure as failure:
        return {}, [failure.kind]
    kinds = [each.kind for each in (*reading.lost, *found.lost, *found.unreadable)]
    return {page.number: page.text for page in pages}, [*kinds, *reading.warnings, *found.warnings]


def test_sound_file_is_read_whole_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(written(sound()))
    assert read_whole(tmp_path / "a.pdf") == ({1: "Tile Alba", 2: "Tile Bruna"}, [])


GATE: Final = {*[*HOSTILE][::6], "encrypted with a user's password", SLOW[0]} - {*SLOW[1:]}
"""A sixth of the faults, and one that takes too long; the others are nightly."""


@pytest.mark.parametrize(
    "fault", [pytest.param(fault, marks=[] if fault in GATE else [pytest.mark.nightly]) for fault in HOSTILE]
)
def test_fault_is_named_and_harms_no_other_page(tmp_path: Path, fault: str) -> None:
    make, name = HOSTILE[fault]
    (tmp_path / "a.pdf").write_bytes(make())
    texts, said = read_whole(tmp_path / "a.pdf", SECONDS.get(fault, 80))
    assert Unexpected.kind not in said
    assert any(name in word for word in said) if name else not said, said
    assert not texts or "Tile Bruna" in texts.values() or "font" in fault


def test_page_is_not_blamed_for_faults_before_it(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(HOSTILE["groups 300 deep"][0]())
    texts, said = read_whole(tmp_path / "a.pdf")
    assert (texts, {*said}) == ({2: "Tile Bruna"}, {"unreadable_document"})


def test_file_cut_anywhere_is_named_or_repaired(tmp_path: Path) -> None:
    data = written(sound())
    for kept in range(5, 100, 10):
        (tmp_path / "a.pdf").write_bytes(data[: len(data) * kept // 100])
        texts, said = read_whole(tmp_path / "a.pdf")
        assert said, kept
        assert Unexpected.kind not in said, kept
        assert texts or said == ["unreadable_document"], kept


NUMBER = re.compile(rb"(?<![\w.])-?\d+\.?\d*(?![\w.])")
NAME = re.compile(rb"/[A-Za-z]\w*")
EXTREME = (b"0", b"-1", b"1", b"65536", b"2147483647", b"-2147483648", b"99999999999999", b"1e9", b"0.000001", b"null")


def bases() -> list[bytes]:
    """Small sound files: written by hand, packed in object streams, and two pages of a catalogue without its fonts."""
    plain = written(sound())
    with pymupdf.open(stream=plain) as document:
        packed = document.tobytes(use_objstms=1, deflate=True)
    with pymupdf.open(build_layout(BUILD, "pottery")) as document:
        document.select([3, 8])  # patterns; forms, clips and masks
        for page in document:
            document.xref_set_key(page.xref, "Resources/Font", "null")
            document.update_stream(page.get_contents()[0], page.read_contents(), compress=False)
        rich = document.tobytes(garbage=4)
    return [plain, packed, rich]


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return a file with one to six changes: other bytes, numbers and names, parts left out or doubled."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at, span = chance.randrange(len(changed)), chance.choice((1, 2, 8, 64, 512))
        numbers, names = ([found.span() for found in form.finditer(changed)] or [(at, at)] for form in (NUMBER, NAME))
        place, put = chance.choice((
            ((at, at + span), chance.randbytes(span)), ((at, at + span), b""), ((at, at), changed[at : at + span]),
            (chance.choice(numbers), chance.choice(EXTREME)),
            (chance.choice(names), changed[slice(*chance.choice(names))]),
        ))  # fmt: skip
        changed[slice(*place)] = put
        changed = changed or bytearray(data)
    return bytes(changed)


def test_mutated_files_fail_by_name_leaving_no_process(kept: KeptChildren, tmp_path: Path) -> None:
    originals, path = bases(), tmp_path / "a.pdf"
    for seed in range(MUTANTS):
        path.write_bytes(mutate(originals[seed % len(originals)], random.Random(seed)))
        _, said = read_whole(path, 40)
        assert Unexpected.kind not in said, f"seed {seed}: {said}"
    kept.end_idle()
    assert kept.readers
    assert not [pid for pid in kept.readers if Path(f"/proc/{pid}").exists()]
