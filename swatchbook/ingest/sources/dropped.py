"""Folders that a browser sent (swatchbook-web), under the home: `dropped` holds documents, `sent` what still waits."""

from pathlib import Path


def dropped_roots(home: Path) -> list[Path]:
    """Return the folders that each contain a whole dropped folder, or one that waits."""
    roots = ((home / name).resolve() for name in ("dropped", "sent"))
    return [folder for root in roots if root.is_dir() for folder in sorted(root.iterdir())]


def root_of(home: Path, content: str) -> Path | None:
    """Return the folder that contains the whole dropped folder of a source, None for another source."""
    root = (home / "dropped").resolve()
    path = Path(content)
    return root / path.relative_to(root).parts[0] if path != root and path.is_relative_to(root) else None
