"""Read PDFs and extract their pictures, in child processes that may crash."""
