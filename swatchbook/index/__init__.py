"""The vector index: its interface, and the implementations for LanceDB and Weaviate. It does not import the ledger."""
