"""Read what comes in beside catalogues: the pictures of a folder. It knows no ledger."""
