"""A public benchmark of reading catalogues: labelled PDFs, and a scorer of any system that writes a small JSON."""
