"""Reports for people, as Markdown and table rows."""
