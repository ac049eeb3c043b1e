"""The nouns and rules: records, errors, settings, and this machine. Imports no other room."""
