"""What only developers of this checkout run; no part of the installed package."""
