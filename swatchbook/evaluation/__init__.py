"""Evaluate searches by labelled questions, scored by role. Nothing here changes a result."""
