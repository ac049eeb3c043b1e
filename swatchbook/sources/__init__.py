"""Read what comes in beside catalogues: the pictures of a folder, the items of a scraped batch, the rows of a table
that already holds a collection. It knows no ledger.
"""
