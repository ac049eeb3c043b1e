"""Export: the products of documents as files that shops and spreadsheets import."""
