"""Encode pictures and texts with SigLIP, CLIP and DINOv2, whose weights a person downloads."""

import swatchbook.models  # noqa: F401 — before torch: one thread for each operation
