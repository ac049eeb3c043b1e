"""The maker of text vectors as a Prefect block."""

from blocks.overlay import block_type

TextEmbedderBlock = block_type(
    "TextEmbedderBlock",
    "Swatchbook Text Embedder",
    "The model that turns texts and queries into vectors: a local one, or a provider's and where it answers.",
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
