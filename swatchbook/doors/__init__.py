"""The interfaces for people and programs: command line, HTTP service, web pages and Python client."""
