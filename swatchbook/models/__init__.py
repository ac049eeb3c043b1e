"""Models: each a file of its own, all loaded through `registry.py`."""

import os

# Before torch is first imported, or never. Our arrays are small: one thread is twice as quick as two that meet after
# every operation (1.5 against 2.9 ms a picture), and batches side by side fill the cores. OMP_NUM_THREADS overrides it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
