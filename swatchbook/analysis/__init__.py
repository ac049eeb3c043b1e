"""Score, compare and correct the analyses of pictures, and write them as text. Pure functions."""
