"""Prefect block of the text encoder: a local model, or a provider's address, model, key, dimension and rates."""

from blocks.overlay import block_type

TextEmbedderBlock = block_type(
    "TextEmbedderBlock",
    "Swatchbook Text Embedder",
    "The model that turns texts and queries into vectors: a local one, or a provider's at this address.",
    (
        "text_encoder",
        "text_url",
        "text_model",
        "text_api_key",
        "text_dimension",
        "text_calls_per_minute",
        "text_tokens_per_minute",
    ),
    module=__name__,
)
