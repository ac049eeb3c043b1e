"""Understand a catalogue: find its products, chunks, entities, shown pictures and links. Pure functions."""
