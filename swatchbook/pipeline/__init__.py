"""One document's way: registered, run, embedded, published, finished, deleted."""
