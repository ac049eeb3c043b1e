"""Run the background loop that launches due work and finds dead runs."""
