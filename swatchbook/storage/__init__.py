"""Bytes in and out: the file store, uploads on their way in, files fetched from URLs."""
