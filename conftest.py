"""The fixtures of all tests, those of `packages/` too."""

pytest_plugins = ["tests.fixtures"]
