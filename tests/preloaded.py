"""What `tests.command` imports once for many commands: libraries that take long, and none of which a setting is read at
import. Prefect is not among them: it reads its settings then.
"""

import warnings

import lancedb
import torch
import weaviate

__all__ = ["lancedb", "torch", "weaviate"]

warnings.filterwarnings("ignore", message="lancedb fork support")  # nothing is under way when it forks
