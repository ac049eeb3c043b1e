"""Products and metadata by a language model: what it is shown and asked, and whether the pages confirm its answers."""
