"""One file for each wire format that providers speak."""
