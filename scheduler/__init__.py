"""The loop that brings everything back: what is due is launched, what died is found."""
