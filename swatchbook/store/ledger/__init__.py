"""The ledger, the system of record in SQL: tables, and operations on them as plain functions."""
