"""Find products and metadata by a language model, and check that the pages confirm its answers."""
