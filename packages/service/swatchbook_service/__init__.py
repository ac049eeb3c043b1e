"""The HTTP service: uploads and webhooks in, documents and search out, and the loop that brings everything back."""
