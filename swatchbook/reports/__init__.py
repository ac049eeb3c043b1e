"""Reports as Markdown and tables."""
