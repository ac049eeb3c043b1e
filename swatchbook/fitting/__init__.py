"""Fit weights of the layout rules to labelled documents, or, near given ones, to what a person taught."""
