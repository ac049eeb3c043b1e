"""Prefect flows: tasks in order. One module per flow; module, flow and deployment share a name."""
