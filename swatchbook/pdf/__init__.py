"""PDFs: read and extracted in children that may crash."""
