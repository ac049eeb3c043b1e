"""Teach Swatchbook by example how a catalogue's names and pictures are read: learning, pages, endpoints, commands."""
