"""The web page: HTML for people, over the same functions as the service's endpoints and the command line."""
