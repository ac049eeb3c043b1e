"""Model providers: their endpoints, throttling, requests and replies, and a cache so that each answer is paid once."""
