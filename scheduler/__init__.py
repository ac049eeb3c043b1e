"""The loop that starts due work again: what is due is launched, what died is found."""
