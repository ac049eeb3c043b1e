"""The system of record: tables, and operations on them as plain functions."""
