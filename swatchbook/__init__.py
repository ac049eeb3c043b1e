"""Turn product catalogues into one searchable collection.

Its rooms are plain Python without Prefect or a web framework, but for `doors` and those that a checkout links into it
(docs/development.md).
"""
