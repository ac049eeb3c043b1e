"""`swatchbook evaluate lost-pictures`: what looks like a picture and was not taken."""

import json

import pytest
from typer.testing import CliRunner, Result

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import LostPicture
from swatchbook.doors.cli.main import app
from swatchbook.resources import Resources
from swatchbook.store.ledger.page_findings import save_lost_pictures
from swatchbook.store.ledger.stored_documents import find_document

ANNA = ("--owner", "anna")


def run(*words: str, expect: int = 0) -> Result:
    result = CliRunner().invoke(app, [*words, *ANNA])
    assert result.exit_code == expect, result.output + str(result.exception)
    return result


@pytest.mark.usefixtures("filled")
def test_part_is_dismissed_and_put_back_by_name(resources: Resources) -> None:
    document = find_document(resources.ledger, "small.pdf", "anna")
    with resources.ledger.write() as connection:
        save_lost_pictures(connection, document.id, [LostPicture(page=3, bbox=(10, 20, 90, 99), share=0.01)])
    assert "1 possible picture left out" in run("evaluate", "lost-pictures", "small.pdf").stdout
    assert "left out" in run("show", "small.pdf").stdout
    assert "1 possible picture left out: `show`" in run("status").stdout
    assert "not a picture" in run("evaluate", "lost-pictures", "small.pdf", "--dismiss", "3:1").stdout
    assert "left out" not in run("show", "small.pdf").stdout
    put_back = run("evaluate", "lost-pictures", "small.pdf", "--put-back", "3:1").stdout
    assert f"swatchbook fill outdated {document.id[:8]} --owner anna --boxes 3:1" in " ".join(put_back.split())
    (listed,) = json.loads(run("evaluate", "lost-pictures", "small.pdf", "--dismiss", "3:1", "--json").stdout)["lost"]
    assert (listed["page"], listed["number"], listed["state"]) == (3, 1, "dismissed")
    run("evaluate", "lost-pictures", "small.pdf", "--dismiss", "3", expect=2)
    run("fill", "outdated", "--all", "--boxes", "3:1", expect=2)
    unknown = CliRunner().invoke(app, ["fill", "outdated", "small.pdf", "--boxes", "3:9", *ANNA])
    assert isinstance(unknown.exception, InvalidReference)
