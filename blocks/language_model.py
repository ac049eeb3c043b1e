"""Prefect block of product discovery: layout rules, or a language model with its address, key and rates."""

from blocks.overlay import block_type

LanguageModelBlock = block_type(
    "LanguageModelBlock",
    "Swatchbook Language Model",
    "How products are found and described: by layout rules alone, or with a language model at this address.",
    (
        "discovery",
        "llm_api",
        "llm_url",
        "llm_model",
        "llm_api_key",
        "llm_calls_per_minute",
        "llm_tokens_per_minute",
    ),
    module=__name__,
)
