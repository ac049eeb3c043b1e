"""Flows: tasks in order. One file a flow; file, flow and deployment share the name."""
