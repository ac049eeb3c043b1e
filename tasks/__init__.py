"""Prefect tasks: each is a retry and cache policy around one call into `swatchbook`, and is given the resources."""
