"""A fill makes what documents lack, for whoever it is asked, and nothing else."""

import pytest
from sqlalchemy import delete, select, update

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import DocumentStatus, Role
from swatchbook.domain.settings import load_settings
from swatchbook.resources import Resources, open_resources
from swatchbook.store.ledger.queries.account import account
from swatchbook.store.ledger.space_objects import count_vectors
from swatchbook.store.ledger.tables import analyses, contents, documents, images, items, placements, requested, vectors
from swatchbook.upkeep.fill_missing import Fill, documents_to_fill, fill_missing, pairs_to_fill, plan_fill
from swatchbook.upkeep.reports.collection_state import collect_statistics
from tests.models.providers.standin import Provider
from tests.store.ledger.scene import change
from tests.upkeep.test_spaces import choose_voyage, voyage

__all__ = ["voyage"]

pytestmark = pytest.mark.usefixtures("filled")

ANNA = Fill(owner="anna", roles=frozenset({Role.COLOR}))
PICTURES, TEXTS = 14, 23


def lose(resources: Resources, role: Role) -> None:
    """Let the collection be as if this role had not been there when it was ingested."""
    with resources.ledger.write() as connection:
        for table in (items, vectors, requested):
            connection.execute(delete(table).where(table.c.role == role))


def lose_a_file(resources: Resources) -> None:
    """Delete the file of a picture that is shown."""
    shown = select(contents.c.file).join(images, images.c.content_key == contents.c.key).join(placements)
    resources.files.delete(resources.ledger.execute(shown.where(placements.c.state == "shown").limit(1)).scalar_one())


def vectors_of(resources: Resources, role: Role) -> int:
    return sum(each.objects for each in count_vectors(resources.ledger) if each.role is role)


def test_what_is_lacking_is_made_once(resources: Resources) -> None:
    whole = collect_statistics(resources)
    lose(resources, Role.COLOR)
    assert vectors_of(resources, Role.COLOR) == 0
    plan = plan_fill(resources, ANNA)
    assert (plan.documents, plan.objects, plan.unreadable, plan.usd) == (1, PICTURES, 0, 0.0)
    done = fill_missing(resources, ANNA)
    assert (done.documents, done.objects, done.made, done.failures, done.lacks) == (1, PICTURES, PICTURES, (), ())
    assert collect_statistics(resources) == whole
    assert list(documents_to_fill(resources, ANNA)) == [], "the account counts it: nothing has to be looked at"
    assert fill_missing(resources, ANNA).made == 0


def test_missing_analysis_is_made_with_what_needs_it(resources: Resources) -> None:
    with resources.ledger.write() as connection:
        for table in (analyses, *(t for t in (items, vectors, requested))):
            text = () if table is analyses else (table.c.role.in_((Role.ANALYSIS, Role.UNDERSTANDING)),)
            connection.execute(delete(table).where(*text))
        connection.execute(update(images).values(text_key=None, pair_key=None))
    everything = Fill(owner=None)
    plan = {each.role: each.objects for each in plan_fill(resources, everything).roles}
    assert plan == {Role.ANALYSIS: PICTURES}
    done = fill_missing(resources, everything)
    assert (done.objects, done.made, done.failures, done.lacks) == (PICTURES, 2 * PICTURES, (), ())
    assert vectors_of(resources, Role.UNDERSTANDING) == PICTURES
    assert account(resources.ledger).complete == PICTURES


def test_images_with_unreadable_files_are_omitted_and_counted(resources: Resources) -> None:
    lose(resources, Role.COLOR)
    lose_a_file(resources)
    assert plan_fill(resources, ANNA).unreadable == 1
    done = fill_missing(resources, ANNA)
    assert (done.made, done.unreadable, done.failures) == (PICTURES - 1, 1, ())
    assert [lack.open for lack in done.lacks] == [1]


def test_a_role_that_no_model_makes_is_refused(resources: Resources) -> None:
    with pytest.raises(InvalidReference, match="material"):
        fill_missing(resources, Fill(owner="anna", roles=frozenset({Role.MATERIAL})))


def test_stale_vectors_go_where_spaces_fill_puts_them(voyage: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    choose_voyage(voyage, monkeypatch)
    monkeypatch.setenv("SWATCHBOOK_RETRY_DELAYS", "0")
    monkeypatch.setenv("SWATCHBOOK_PRICES", '{"voyage-3.5": {"input": 1000, "output": 0}}')
    with open_resources(load_settings()) as resources:
        assert plan_fill(resources, Fill(owner=None)).objects == 0, "searches lack nothing"
        stale = Fill(owner="anna", spaces="both")
        planned = {each.role: each for each in plan_fill(resources, stale).roles}
        filled = {each.role: each for each in plan_fill(resources, Fill(spaces="chosen")).roles}
        assert planned == filled
        assert {role: each.calls for role, each in planned.items()} == {Role.UNDERSTANDING: PICTURES, Role.TEXT: TEXTS}
        assert not voyage.paid
        done = fill_missing(resources, stale)
        assert (done.made, done.lacks) == (PICTURES + TEXTS, ())
        assert done.cost_usd > 0
        assert fill_missing(resources, Fill(spaces="chosen")).made == 0
        assert plan_fill(resources, stale).objects == 0


def test_change_of_model_skips_no_document_or_file(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWATCHBOOK_ENCODER", "descriptors")
    monkeypatch.setenv("SWATCHBOOK_RETRY_DELAYS", "0")
    change(resources.ledger, documents, status=DocumentStatus.WAITING)
    lose_a_file(resources)
    with open_resources(load_settings()) as changed:
        roles = {pair.role for pair in pairs_to_fill(changed, Fill(spaces="chosen"))}
        assert {each.role: each.objects for each in plan_fill(changed, Fill(spaces="chosen")).roles} == dict.fromkeys(
            roles, PICTURES
        )
        done = fill_missing(changed, Fill(spaces="chosen"))
    assert (done.objects, done.unreadable) == (PICTURES, 0)
    assert {lack.role: lack.open + lack.failed for lack in done.lacks} == dict.fromkeys(roles, 1)
    assert [("file_missing" in failure) for failure in done.failures] == [True] * len(roles)
