"""Models: each a file of its own, all loaded through `registry.py`."""

import os

# Before torch is first imported, or never: OpenMP's threads else spin at the end of every operation, and where another
# process holds their core that makes a batch twenty times slower (benchmarks/descriptors.py under load: 97 ms to 5.5).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
