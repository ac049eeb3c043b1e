"""Stage 0: what a document is called."""

import os
import shutil
from pathlib import Path

from swatchbook.lab import open_lab
from swatchbook.records import IngestOptions
from swatchbook.register import register
from swatchbook.settings import load_settings


def test_a_file_name_that_is_no_unicode_stays_legible(home: Path, tmp_path: Path, small_catalogue: Path) -> None:
    odd = shutil.copy(small_catalogue, tmp_path / os.fsdecode(b"gr\xfcn.pdf"))
    with open_lab(load_settings()) as lab:
        document = register(lab, odd, owner="default", options=IngestOptions()).document
    assert document.name == "gr\N{REPLACEMENT CHARACTER}n.pdf"
