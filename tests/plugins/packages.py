"""The plugins of docs/plugins.md, and others, as installed packages."""

import re
from collections.abc import Mapping
from pathlib import Path

from swatchbook.domain.plugins import GROUPS, Kind
from tests.fixtures import ROOT

PAGE = (ROOT / "docs" / "plugins.md").read_text()
CODE = {
    next(
        name for name in ("ColorGrid", "Words", "Brightness", "write_markdown", "open_index", "Lines") if name in block
    ): block
    for block in re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
}
"""Name of the class or function -> its code on the page."""

(PYPROJECT,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def write_package(folder: Path, module: str, code: str, declared: Mapping[Kind, Mapping[str, str]]) -> None:
    """Write a module, and the metadata of its package, as an installer does. `declared`: kind -> name -> factory."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(code)
    metadata = folder / f"swatchbook_{module}-0.1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: swatchbook-{module}\nVersion: 0.1\nLicense-Expression: MIT\n"
    )
    sections = (
        f"[{GROUPS[kind]}]\n" + "".join(f"{name} = {module}:{factory}\n" for name, factory in names.items())
        for kind, names in declared.items()
    )
    (metadata / "entry_points.txt").write_text("\n".join(sections))
    (metadata / "RECORD").write_text(f"{module}.py,,{len(code)}\n")
