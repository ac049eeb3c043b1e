"""A collection from a table: CSV, JSON lines, Parquet or a SQL query, with the vectors that it has already."""
