"""Write a taught reading as a YAML file, and read one for a document."""

from pathlib import Path
from typing import Literal

import yaml

from swatchbook.domain.records import TaughtReading
from swatchbook.ingest.sources.mapping_file import read_mapping_file
from swatchbook.store.ledger.stored_documents import Document
from swatchbook.upkeep.export.atomic_file import atomic_file
from swatchbook_base.one_line import one_line
from swatchbook_teach.records import ReadingFile


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    """Writes a text with characters that are not printable in double quotes: plain, some would be read as spaces."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = None if data.isprintable() else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)

_KINDS = Literal["name", "code", "price", "picture", "cell", "decoration"]


def reading_as_yaml(taught: TaughtReading, document: Document) -> str:
    """Return a reading as YAML: its rules for any document, its examples for this one."""
    file = ReadingFile(**dict(taught), document=document.name, content=document.content)
    values = file.model_dump(mode="json", exclude_defaults=True)
    head = f"# How the product names of {one_line(document.name)} are found. To use it for another catalogue:\n"
    use = "# swatchbook teach DOCUMENT --reading FILE.yaml\n"
    written: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return head + use + written


def write_reading(taught: TaughtReading, document: Document, to: Path) -> None:
    """Write a reading as a YAML file. Raises InvalidReference for a path that cannot be written, DiskFull."""
    with atomic_file(to) as file:
        file.write(reading_as_yaml(taught, document).encode())


def read_reading(file: Path, document: Document) -> TaughtReading:
    """Return the reading of a YAML file, for a document: with its examples only if they were shown on the same PDF.

    Raises InvalidReference, which names the line or the value that is wrong.
    """
    advice = "Write one with `swatchbook readings DOCUMENT --export FILE.yaml`."
    read = read_mapping_file(file, ReadingFile, _KINDS, advice=advice)
    taught = TaughtReading(**{name: getattr(read, name) for name in TaughtReading.model_fields})
    return taught if read.content == document.content else taught.rules_only
