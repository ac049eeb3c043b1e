"""A reading is written as YAML and read back the same; what is wrong in a file is said in words."""

import re
import tempfile
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import (
    BlockNames,
    Cut,
    DocumentStatus,
    Example,
    IngestOptions,
    Shown,
    Stage,
    TaughtReading,
    TextRule,
    sha256,
)
from swatchbook.store.ledger.stored_documents import Document
from swatchbook_teach.reading_files import read_reading, reading_as_yaml, write_reading
from tests.tables import rows_of


def document(content: str = "a") -> Document:
    return Document(
        id="x", owner="anna", content=sha256(content.encode()), kind="pdf", name=f"{content}: \u202e#1.pdf", file=None,
        size=1, status=DocumentStatus.COMPLETED, stage=Stage.REGISTERED, message=None, failure_kind=None,
        options=IngestOptions(), blocks=BlockNames(), generation=None, fingerprint=None, force=None, run=None,
        due_at=None, deaths=0, launches=0, page_count=None, pages_file=None, report=None, created_at=0, updated_at=0,
        commanded_at=None,
    )  # fmt: skip


WORDS = st.text(max_size=20)
SHOWN_WORDS = st.from_regex(r"[A-Za-z0-9ü:#'\"-]([A-Za-z0-9ü :#'\"-]*[A-Za-z0-9ü:#'\"-])?", fullmatch=True)
NUMBERS = st.floats(min_value=-1000, max_value=1000)
CUTS = st.builds(Cut, after=WORDS, before=WORDS, every=st.text(max_size=8))
RULES = st.builds(
    TextRule, traits=st.dictionaries(WORDS.filter(bool), st.booleans() | NUMBERS | WORDS, max_size=4), cut=CUTS
)
EXAMPLES = st.builds(
    Example,
    page=st.integers(1, 500),
    box=st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    what=st.sampled_from(Shown),
    text=st.none() | SHOWN_WORDS.map(lambda text: text[:500]),
    right=st.booleans(),
)
SOME_RULES = st.lists(RULES, max_size=3).map(tuple)
READINGS = st.builds(
    TaughtReading,
    names=SOME_RULES,
    not_names=SOME_RULES,
    codes=SOME_RULES,
    prices=SOME_RULES,
    examples=st.lists(EXAMPLES, max_size=3).map(tuple),
)


@given(READINGS)
def test_a_written_reading_is_read_back(reading: TaughtReading) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reading.yaml"
        write_reading(reading, document(), file)
        assert read_reading(file, document()) == reading
        assert read_reading(file, document("another")) == reading.rules_only


def test_the_file_says_where_it_comes_from() -> None:
    text = reading_as_yaml(TaughtReading(names=(TextRule(traits={"size": 12.0}),)), document())
    assert text.startswith("# How the product names of a: #1.pdf are found.")
    assert yaml.safe_load(text) == {
        "names": [{"traits": {"size": 12.0}}],
        "document": document().name,
        "content": document().content,
    }


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    file = tmp_path / "reading.yaml"
    for written, said in rows_of(__file__, "wrong"):
        file.write_text(written)
        with pytest.raises(InvalidReference, match=re.escape(said)):
            read_reading(file, document())
    with pytest.raises(InvalidReference, match=r"none\.yaml"):
        read_reading(tmp_path / "none.yaml", document())
