"""Let assistants use a collection over the Model Context Protocol: `swatchbook mcp`."""
