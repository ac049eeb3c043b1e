"""Read a person's mapping of a batch's fields: a YAML file as for `import` (`columns`, `root`).

Other fields are read by the rules of `batch_record.py`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from swatchbook.domain.errors import InvalidReference
from swatchbook.domain.records import BatchMapping, ItemField
from swatchbook.ingest.sources.mapping_file import read_mapping_file

ADVICE = "docs/batches.md has an example."


def read_batch_mapping(file: Path) -> BatchMapping:
    """Return the mapping in a YAML file, its root as an absolute path. Raises InvalidReference."""
    mapping = read_mapping_file(file, BatchMapping, ItemField, advice=ADVICE)
    if mapping.root is None:
        return mapping
    root = (file.resolve().parent / mapping.root).resolve()
    if not root.is_dir():
        raise InvalidReference(f"{file}: root: {root} is no folder.", advice="Check the path.")
    return mapping.model_copy(update={"root": root})


def as_yaml(columns: Mapping[str, Sequence[str]], unknown: Sequence[str] = ()) -> str:
    """Return a mapping as a YAML file to edit, with the fields that are read, and as a comment those that are not."""
    named = {name: names[0] if len(names) == 1 else list(names) for name, names in columns.items() if names}
    text: str = yaml.safe_dump(
        {"columns": named}, allow_unicode=True, sort_keys=False, default_flow_style=None, width=110
    )
    if unknown:
        names = yaml.safe_dump(list(unknown), allow_unicode=True, default_flow_style=True, width=10_000).strip()
        text += f"# not read: {names[1:-1]}\n"
    return text
