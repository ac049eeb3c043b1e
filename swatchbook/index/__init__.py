"""The vector index: a contract, and LanceDB and Weaviate behind it. It knows no ledger."""
