"""Turn product catalogues into one searchable collection.

Its rooms are plain Python without Prefect or a web framework, but for `doors` and those that a checkout links into it
(docs/development.md).
"""

import os

# Must be set before NumPy and torch are imported. Our arrays are small: one thread is twice as fast as two that
# synchronise after every operation, and parallel batches and searches fill the cores. OMP_NUM_THREADS overrides it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
