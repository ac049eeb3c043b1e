"""Judge the analyses of pictures, and write them as text. Pure functions."""
