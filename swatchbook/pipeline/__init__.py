"""One document's way: registered, run, embedded, published, finished, deleted. The tables and transactions behind it
are in `ledger/`, Prefect's side in `tasks/`.
"""
