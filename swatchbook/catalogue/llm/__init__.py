"""Products and metadata by a language model: what it is shown, what it is asked, and what of its answer is believed."""
