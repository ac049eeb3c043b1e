"""What an analysis of a picture is worth, and how it reads as text. Pure functions."""
