"""Pages to teach a document: its texts and pictures to click, and the readings to choose from."""
