"""What the check of a release compares; `make release-check` builds and uses the package."""

import zipfile
from pathlib import Path

from devtools.release_check import NAME, PROJECT, differences, files_of_wheel, shipped, wrong_metadata
from tests.fixtures import ROOT

METADATA = f"Metadata-Version: 2.4\nName: swatchbook\nVersion: {PROJECT['version']}\nLicense-File: LICENSE\n"


def wheel(folder: Path, metadata: str, **files: str) -> Path:
    target = folder / "swatchbook.whl"
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in {"METADATA": metadata, **files}.items():
            archive.writestr(f"{NAME}.dist-info/{name}", content)
        archive.writestr("swatchbook/__init__.py", "")
        archive.writestr(f"{NAME}.data/data/share/swatchbook/prefect.yaml", "")
    return target


def test_package_data_are_shipped_and_what_is_for_developers_is_not() -> None:
    page, pool = "swatchbook/doors/service/swagger_ui/swagger-ui.css", "deployments/pools/ecs.json"
    tracked = [
        "swatchbook/models/efficientnet_lite2.onnx", page, pool, "swatchbook/deployments",
        "deployments/monitoring/alerts.yml",
    ]  # fmt: skip
    assert shipped([*tracked, "tests/fixtures.py", "devtools/weaviate.py", "README.md"]) == {
        *tracked[:2],
        f"swatchbook/{pool}",
    }


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    found = files_of_wheel(wheel(tmp_path, METADATA))
    assert found == {"swatchbook/__init__.py", "prefect.yaml"}
    assert differences("wheel", found, {"swatchbook/__init__.py", "swatchbook/domain/errors.py"}) == [
        "The wheel lacks swatchbook/domain/errors.py.",
        "The wheel has prefect.yaml, which does not belong in it.",
    ]


def test_wrong_metadata_are_named(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text()
    good = METADATA + f"Description-Content-Type: text/markdown\n\n{readme}"
    inside = {"licenses/LICENSE": "", "entry_points.txt": "[console_scripts]\nswatchbook = a:b\n"}
    assert wrong_metadata(wheel(tmp_path, good, **inside)) == []
    assert wrong_metadata(wheel(tmp_path, good)) == [
        "The metadata lack the LICENSE.",
        "The metadata lack the command swatchbook.",
    ]
    (invalid,) = wrong_metadata(wheel(tmp_path, METADATA.replace("License-File", "Colour"), **inside))
    assert "Colour" in invalid or "colour" in invalid
