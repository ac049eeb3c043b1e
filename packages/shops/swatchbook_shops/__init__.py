"""Write products in the formats of shops: Shopify, WooCommerce, Google, JSON-LD, BMEcat, Akeneo."""
