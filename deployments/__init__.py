"""How runs are started from outside: pools, blocks and deployments in a Prefect server."""
