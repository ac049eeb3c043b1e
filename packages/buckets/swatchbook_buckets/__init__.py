"""Object stores as sources of Swatchbook: copies of buckets, and events that announce new objects."""
