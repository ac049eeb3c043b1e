"""What a catalogue means: products, chunks, pictures and links. Pure functions."""
