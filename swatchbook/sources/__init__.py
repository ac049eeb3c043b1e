"""Read what comes in beside catalogues: the pictures of a folder, the items of a scraped batch. It knows no ledger."""
