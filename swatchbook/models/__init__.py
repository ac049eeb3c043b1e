"""Models, one per file: what each computes, its tag, and how it is loaded. `registry.py` chooses them."""
