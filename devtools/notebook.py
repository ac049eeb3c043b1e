"""Run the cells of docs/notebook.ipynb in a temporary folder, and store their output: `make notebook`."""

import os
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"
_SECONDS = 300  # for a cell


def execute(folder: Path) -> Any:
    """Return the notebook with what its cells give when they run in `folder`, without what they say meanwhile.

    Raises CellExecutionError.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    bare = {name: v for name, v in os.environ.items() if not name.startswith(("SWATCHBOOK_", "PREFECT_"))}
    client = NotebookClient(
        notebook,
        timeout=_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
    )
    client.execute(env=bare | {"IPYTHONDIR": str(folder / ".ipython")})
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if output.output_type != "stream"]
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return notebook


def main() -> None:
    """Run it, and store it with its outputs."""
    with tempfile.TemporaryDirectory() as folder:
        nbformat.write(execute(Path(folder)), NOTEBOOK)


if __name__ == "__main__":
    main()
