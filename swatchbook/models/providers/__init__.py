"""What the core knows of models behind an address: endpoints, messages, prices and bounds of costs."""
