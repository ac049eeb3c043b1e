"""Models elsewhere: where they are, when they may be called, what is sent and said, and each answer paid for once."""
