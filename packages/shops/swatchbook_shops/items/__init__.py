"""Read files of items as shops export and scrapers write them, in any shape and several languages."""
