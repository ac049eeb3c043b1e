"""Queries for people, reports and search. Nothing here writes to the ledger."""
