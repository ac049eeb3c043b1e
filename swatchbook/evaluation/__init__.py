"""How good searches are: the answers to labelled questions, scored by role. Nothing here changes a result."""
