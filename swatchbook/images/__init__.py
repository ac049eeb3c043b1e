"""Pictures: decoded in children, prepared, measured."""
