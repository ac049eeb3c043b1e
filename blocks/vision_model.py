"""Prefect block of image analysis: local rules, or a vision model with its address, key, rates and the side of
pictures.
"""

from blocks.overlay import block_type

VisionModelBlock = block_type(
    "VisionModelBlock",
    "Swatchbook Vision Model",
    "How images are analysed: by local rules, or by a vision model at this address.",
    (
        "analyst",
        "vision_side",
        "vision_url",
        "vision_model",
        "vision_api_key",
        "vision_calls_per_minute",
        "vision_tokens_per_minute",
        "vision_api",
    ),
    module=__name__,
)
