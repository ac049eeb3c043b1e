"""Models, one per file: what each computes, its tag, and how it is loaded. `registry.py` chooses them."""

import os

# Must be set before torch is imported. Our arrays are small: one thread is twice as fast as two that synchronise after
# every operation (1.5 against 2.9 ms a picture), and parallel batches fill the cores. OMP_NUM_THREADS overrides it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
