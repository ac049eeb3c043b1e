"""Search: one query per role, fused into one ranking."""
