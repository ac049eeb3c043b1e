"""A catalogue through SigLIP and DINOv2, from PDF to hits, without flow or server; only the weights are not real."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bare_ingest
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Role
from swatchbook.domain.settings import load_settings
from swatchbook.index.contract import Where
from swatchbook.models.registry import tags
from swatchbook.resources import open_resources
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import search
from swatchbook.store.ledger.queries.coverage import count_statistics
from swatchbook.store.ledger.queries.image import image_details
from swatchbook.store.ledger.space_objects import count_vectors
from swatchbook.store.ledger.space_registry import active_spaces
from swatchbook.upkeep.verify import rebuild, verify
from tests.command import run
from tests.fixtures import ROOT
from tests.models import tiny

VISUAL_ROLES = {Role.VISUAL, Role.COLOR, Role.TEXTURE, Role.MATERIAL, Role.APPLICATION, Role.STRUCTURE}


@pytest.fixture
def chosen(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SigLIP and DINOv2, by variables as people choose them."""
    monkeypatch.setenv("SWATCHBOOK_ENCODER", "siglip")
    monkeypatch.setenv("SWATCHBOOK_ENCODER_MODEL", str(tiny.save(tmp_path / "models", "siglip2")))
    monkeypatch.setenv("SWATCHBOOK_STRUCTURE_MODEL", str(tiny.save(tmp_path / "models", "dinov2")))


@pytest.mark.nightly
def test_all_roles_are_made_and_words_find_pictures(chosen: None, small_catalogue: Path) -> None:
    bare_ingest.main(small_catalogue)
    with open_resources(load_settings()) as resources:
        counted = count_statistics(resources.ledger).coverage
        active = {role: each.space for role, each in active_spaces(resources.ledger).items()}
        assert (counted.documents, counted.coverage_percentage) == ({"completed": 1}, 100)
        encoder, tower = resources.models.encoder, resources.models.text_tower
        assert {role: space.tag for role, space in active.items() if role in VISUAL_ROLES} == encoder.tags
        assert encoder.tags.keys() == VISUAL_ROLES
        assert tower is not None
        best = resources.index.search(active[Role.VISUAL], tower.encode_queries(["oak floor"])[0], 1, Where())
        hits = search(resources, SearchRequest("oak floor", k=100))
        assert [hit.id for hit in hits if hit.why.get("visual", {}).get("rank") == 1] == [best[0].id]
        picture = next(hit.file for hit in hits if hit.file)
        with resources.files.local(picture) as file:
            found = search(resources, SearchRequest(image=file, k=3))
        assert found[0].file == picture
        assert {"visual", "structure"} <= set(found[0].why)
        assert all("multimodal" not in hit.why for hit in [*hits, *found]), "no default weighs it"

        # each pair is the mean of its picture's vector and of its text's, and an index made anew has them all
        ids = sorted(resources.index.ids(active[Role.VISUAL]))
        said = {image: of.text for image in ids if (of := image_details(resources.ledger, image)) and of.text}
        assert len(said) > 10
        both, seen = (resources.index.fetch(active[role], list(said)) for role in (Role.MULTIMODAL, Role.VISUAL))
        made = tower.combine(np.stack([seen[image].vector for image in said]), list(said.values()))
        assert np.allclose(made, [both[image].vector for image in said], atol=1e-5)
        assert verify(resources).sound
        rebuild(resources)
        assert sorted(resources.index.ids(active[Role.MULTIMODAL])) == sorted(said)


@pytest.mark.stack
def test_role_is_added_to_a_document(chosen: None, home: Path, ingested_home: Path, prefect_server: str) -> None:
    """The command of docs/encoders.md, for a document that was ingested with the local models."""
    shutil.copytree(ingested_home, home)
    run("owners", "rename", "anna", "default")
    printed = "swatchbook fill outdated DOCUMENT --roles multimodal"
    assert f"`{printed}`" in (ROOT / "docs" / "encoders.md").read_text()
    run(*printed.replace("DOCUMENT", "small.pdf").split()[1:], PREFECT_API_URL=prefect_server)
    with open_resources(load_settings()) as resources:
        wanted = tags(resources.settings)
        made = {(each.role, each.tag): each.objects for each in count_vectors(resources.ledger)}
        assert count_statistics(resources.ledger).coverage.coverage_percentage == 100
    assert made[Role.MULTIMODAL, wanted[Role.MULTIMODAL]] == made[Role.VISUAL, wanted[Role.VISUAL]] == 14


def test_missing_weights_are_named_with_the_command(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("SWATCHBOOK_ENCODER", "siglip")
    with open_resources(load_settings()) as resources, pytest.raises(Configuration, match="not downloaded") as missing:
        resources.models.encoder.encode([np.zeros((8, 8, 3), np.uint8)])
    assert "swatchbook models pull" in (missing.value.advice or "")
    assert "siglip2-base-patch16-224 at 75de2d55ec2d" in missing.value.message
