"""Teach by example: a person shows two names of products, and the rules that follow are tried on all pages."""
