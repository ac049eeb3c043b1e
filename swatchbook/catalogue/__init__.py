"""Understand a catalogue: find its products, chunks, pictures and links. Pure functions."""
