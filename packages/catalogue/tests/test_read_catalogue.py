import re
import shutil
import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest

from swatchbook_base.errors import TooLarge, UnreadableDocument
from swatchbook_catalogue import ReadingOptions, read_catalogue


def test_a_catalogue_gives_products_with_their_pictures(small_catalogue: Path, tmp_path: Path) -> None:
    catalogue = read_catalogue(small_catalogue, pictures=tmp_path / "pictures")
    assert catalogue.products
    assert catalogue.lost == ()
    linked = {link.source for link in catalogue.links if link.kind == "image_product"}
    shown = {placement.id for placement in catalogue.placements if placement.state == "shown"}
    assert linked
    assert linked <= shown
    kept = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert kept == {picture.file for picture in catalogue.pictures}


def test_the_readme_is_true(small_catalogue: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text(), re.DOTALL)
    shutil.copyfile(small_catalogue, tmp_path / "catalogue.pdf")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "Nordvik Oak" in run.stdout


def test_without_a_folder_nothing_is_left(small_catalogue: Path, tmp_path: Path) -> None:
    options = ReadingOptions(temporary_folder=tmp_path / "t", ocr="off")
    assert read_catalogue(small_catalogue, options=options).pictures
    assert list((tmp_path / "t").iterdir()) == []


def test_what_cannot_be_read_is_a_failure(small_catalogue: Path, tmp_path: Path) -> None:
    (broken := tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing")
    with pytest.raises(UnreadableDocument):
        read_catalogue(broken)
    with pytest.raises(TooLarge):
        read_catalogue(small_catalogue, options=ReadingOptions(max_pages=1))


def test_it_needs_nothing_of_swatchbook(tmp_path: Path) -> None:
    with pymupdf.open() as document:
        document.new_page().insert_text((72, 72), "Oak floor, 45.00 EUR", fontsize=20)
        document.save(path := tmp_path / "a.pdf")
    code = (
        "import sys; from swatchbook_catalogue import read_catalogue; read_catalogue(sys.argv[1]);"
        "print({'swatchbook', 'prefect', 'sqlalchemy', 'fastapi', 'httpx'} & sys.modules.keys())"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert run.stdout.strip() == "set()"
