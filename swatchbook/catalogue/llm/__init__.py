"""Find products and metadata with a language model: excerpts, prompts, and the check of replies against the text."""
