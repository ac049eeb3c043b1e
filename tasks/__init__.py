"""Prefect tasks, one module per stage: each task is a retry and cache policy around one call into `swatchbook`."""
