"""Catalogues of one maker are taught, and the next one is read right without a click; what is here stays as it is."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from devtools.fit_products import decide
from devtools.measured_groups import from_lessons
from swatchbook.catalogue.choose_names import shipped_weights
from swatchbook.errors import InvalidReference
from swatchbook.fitting.fit_names import FEWEST, f1_with
from swatchbook.ledger.fitted_weights import list_weights, turn_off, weights_in_use
from swatchbook.ledger.queries.document import read_products
from swatchbook.ledger.queries.report import document_report
from swatchbook.ledger.stored_documents import Document, list_documents
from swatchbook.pipeline import fit
from swatchbook.pipeline.delete import end_owner
from swatchbook.pipeline.edit_products import make_edit, undo_edit
from swatchbook.pipeline.fit import Learnt, collect_lessons, fit_lessons, read_lessons, use_fit, write_lessons
from swatchbook.pipeline.register import register
from swatchbook.pipeline.teach import accept_proposal, find_examples, open_lesson, propose_reading
from swatchbook.records import DEFAULT_OWNER, Add, IngestOptions, Reject, Rename
from swatchbook.resources import Resources, open_resources
from swatchbook.settings import load_settings
from tests.pipeline.taught_catalogues import ingest, make, names_of

WORDS = (
    *("Alder", "Birke", "Cedro", "Dune", "Esche", "Fjord", "Granit", "Hafen", "Iris", "Jade", "Kiesel", "Lava"),
    *("Marmor", "Nebel", "Onyx", "Perle", "Quarz", "Rubin", "Salbei", "Taupe", "Ulme", "Vulkan", "Weide", "Xenon"),
    *("Yucca", "Zeder", "Ahorn", "Basalt", "Cotto", "Delta", "Eiche", "Flint", "Garnet", "Heide", "Indigo", "Jura"),
)


def catalogue(folder: Path, number: int) -> tuple[Path, Sequence[str]]:
    """One of a maker's catalogues: six names, of which the layout rules find none."""
    words = WORDS[6 * number : 6 * number + 6]
    return make(folder / f"{number}.pdf", list(zip(words[::2], words[1::2], strict=True))), words


def teach_maker(resources: Resources, folder: Path, count: int) -> list[Document]:
    """Teach the first catalogue by two names, and take its reading for the others."""
    path, words = catalogue(folder, 0)
    first = ingest(resources, path)
    assert names_of(resources, first) == []
    lesson = open_lesson(resources, first)
    examples = [example for word in words[:2] for example in find_examples(lesson, 1, word)]
    proposal = propose_reading(resources, lesson, examples)
    accept_proposal(resources, first.id, proposal, by="anna")
    taught = [ingest(resources, path)]
    for number in range(1, count):
        path, words = catalogue(folder, number)
        register(resources, path, owner=DEFAULT_OWNER, options=IngestOptions(taught=proposal.reading.rules_only))
        taught.append(ingest(resources, path))
        assert names_of(resources, taught[-1]) == list(words)
    return taught


def test_the_next_catalogue_of_a_maker_is_read_without_a_click(resources: Resources, tmp_path: Path) -> None:
    taught = teach_maker(resources, tmp_path, FEWEST)
    left, _ = catalogue(tmp_path, FEWEST)
    untaught = ingest(resources, left)
    assert (names_of(resources, untaught), untaught.options.weights) == ([], "")

    learnt = collect_lessons(resources, DEFAULT_OWNER)
    assert [each.id for each in learnt.documents] == [each.id for each in taught]
    assert learnt.silent == ()
    found = fit_lessons(learnt)
    assert (found.shipped, found.fitted, found.is_better) == (0.0, 1.0, True)
    assert fit_lessons(collect_lessons(resources, DEFAULT_OWNER)) == found, "it is the same each time"
    assert weights_in_use(resources.ledger, DEFAULT_OWNER) == "", "nothing changes before they are used"

    use_fit(resources, DEFAULT_OWNER, found, by="anna")
    path = make(tmp_path / "next.pdf", [("Oliv", "Pinie"), ("Rapport", "Sienna"), ("Tundra", "Umbra")])
    new = ingest(resources, path)
    assert names_of(resources, new) == ["Oliv", "Pinie", "Rapport", "Sienna", "Tundra", "Umbra"]
    assert (new.options.weights, document_report(resources.ledger, new.id).weights) == (found.id, found.id)
    assert open_lesson(resources, new).texts.found.sum() == 6, "teaching goes on from the names that are there"
    assert document_report(resources.ledger, taught[0].id).weights == "", "a person taught its names"

    again = register(resources, left, owner=DEFAULT_OWNER, options=IngestOptions())
    assert (again.options.weights, again.request.fingerprint) == ("", untaught.fingerprint), "it keeps its weights"
    forced = IngestOptions(force=True)
    assert register(resources, left, owner=DEFAULT_OWNER, options=forced).options.weights
    other = register(resources, path, owner="bert", options=IngestOptions())
    assert other.options.weights == "", "they are those of one collection"

    turn_off(resources.ledger, DEFAULT_OWNER, by="anna")
    assert register(resources, path, owner=DEFAULT_OWNER, options=IngestOptions()).options.weights == found.id
    assert register(resources, path, owner=DEFAULT_OWNER, options=forced).options.weights == ""
    end_owner(resources, DEFAULT_OWNER)
    assert list_weights(resources.ledger, DEFAULT_OWNER) == []


def test_a_catalogue_written_by_hand_tells_nothing(resources: Resources, tmp_path: Path) -> None:
    path, words = catalogue(tmp_path, 0)
    document = ingest(resources, path)
    places = {each.name: each for each in open_lesson(resources, document).texts.texts}
    add = Add(page=1, name=words[0], box=places[words[0]].box)
    make_edit(resources, document.id, add, by="anna")
    assert collect_lessons(resources, DEFAULT_OWNER).lessons == (), "nobody knows whether that is all"


def test_a_corrected_catalogue_counts_while_nothing_is_in_doubt(
    home: Path, ingested_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(ingested_home, home)
    with open_resources(load_settings()) as resources:
        (document,) = list_documents(resources.ledger)
        oak, terrazzo = read_products(resources.ledger, document.id)
        assert collect_lessons(resources, "anna").documents == (), "nobody has said that it is right"
        edit = make_edit(resources, document.id, Rename(product=oak.id, name="Nordvik Oak XL"), by="anna").edit
        learnt = collect_lessons(resources, "anna")
        assert [each.id for each in (*learnt.documents, *learnt.silent)] == [document.id]
        right = [group.f1 for lesson in learnt.lessons for group in lesson.groups]
        assert max(right) == 0.5, "of two names one is that of a text"
        assert collect_lessons(resources, "bert").documents == ()
        make_edit(resources, document.id, Reject(product=terrazzo.id), by="anna")
        assert collect_lessons(resources, "anna").documents == (), "most of it was changed"
        undo_edit(resources, document.id, edit.number, by="anna")
        assert len(collect_lessons(resources, "anna").documents) == 1
        monkeypatch.setattr(fit, "count_look_at", lambda ledger, ids: dict.fromkeys(ids, 1))
        assert collect_lessons(resources, "anna").documents == (), "something is left to look at"


def test_lessons_come_back_from_a_file_and_devtools_judge_them_alike(resources: Resources, tmp_path: Path) -> None:
    teach_maker(resources, tmp_path, 1)
    lessons = collect_lessons(resources, DEFAULT_OWNER).lessons
    write_lessons(lessons, tmp_path / "lessons.json")
    assert read_lessons(tmp_path / "lessons.json") == lessons
    assert not any(word in (tmp_path / "lessons.json").read_text() for word in (*WORDS[:6], "Wall", "Season"))
    (measured,) = from_lessons(lessons, shipped_weights().meaning)
    decision = decide(measured, shipped_weights())
    assert (decision.f1, measured.f1) == (f1_with(lessons[0], shipped_weights()), [g.f1 for g in lessons[0].groups])
    assert measured.meanings @ shipped_weights().meaning == pytest.approx([g.like for g in lessons[0].groups])
    with pytest.raises(InvalidReference, match="is not a file of lessons"):
        read_lessons(catalogue(tmp_path, 0)[0])


def test_too_few_lessons_are_refused_with_their_number() -> None:
    with pytest.raises(InvalidReference, match="0 of your catalogues have names that were taught or corrected") as none:
        fit_lessons(Learnt((), (), ()))
    assert "swatchbook teach" in str(none.value.advice)


def test_weights_that_the_owner_lacks_are_refused(resources: Resources, tmp_path: Path) -> None:
    path, _ = catalogue(tmp_path, 0)
    with pytest.raises(InvalidReference, match="There are no fitted weights 0123456789abcdef"):
        register(resources, path, owner=DEFAULT_OWNER, options=IngestOptions(weights="0123456789abcdef"))
