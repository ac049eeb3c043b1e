"""Files of shops and scrapers in, and products in the formats of shops out: Shopify, WooCommerce, Google …"""
