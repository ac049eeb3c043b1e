"""The fixtures of all tests, those of `packages/` too."""

pytest_plugins = [
    "tests.fixtures", "tests.postgres", "tests.s3_server", "tests.weaviate_server", "tests.ledgers",
    "tests.new_collection",
]  # fmt: skip
