"""Process one document: register it, run its stages, embed, publish, finish and delete it.

Its tables and transactions are in `ledger/`, the Prefect tasks in `tasks/`.
"""
