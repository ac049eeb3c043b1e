"""Read sources other than catalogues: pictures of a folder, items of a scraped batch, rows of a table.

A table already has a collection. Nothing here knows the ledger.
"""
