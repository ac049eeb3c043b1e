"""Process one document: register it, run its stages, embed, publish, finish and delete it.

Its tables and transactions are in `store/ledger/`, the Prefect tasks in `tasks/`.
"""
