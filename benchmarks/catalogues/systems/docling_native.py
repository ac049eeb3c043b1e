"""docling without its models: what its parser reads, and the rules of `rules.py`."""

from functools import partial

from benchmarks.catalogues.systems import docling_document

about = partial(docling_document.about, models=False)
answer = partial(docling_document.answer, models=False)
