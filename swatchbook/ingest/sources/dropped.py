"""Files that a browser sent (swatchbook-web), under the home: `dropped` holds documents, `sent` what still waits."""

from pathlib import Path


def dropped_roots(home: Path) -> list[Path]:
    """Return the folders that each contain what one document is made of, or what waits."""
    roots = ((home / name).resolve() for name in ("dropped", "sent"))
    return [folder for root in roots if root.is_dir() for folder in sorted(root.iterdir())]


def root_of(home: Path, content: str) -> Path | None:
    """Return the folder that goes with a source that was sent, None for another source."""
    root = (home / "dropped").resolve()
    path = Path(content)
    return root / path.relative_to(root).parts[0] if path != root and path.is_relative_to(root) else None
