"""The maker of analyses as a Prefect block."""

from blocks.overlay import block_type

VisionModelBlock = block_type(
    "VisionModelBlock",
    "Swatchbook Vision Model",
    "Who says what is seen in a picture: the local analyst, or a vision model and where it answers.",
    (
        "analyst",
        "vision_side",
        "vision_url",
        "vision_model",
        "vision_api_key",
        "vision_calls_per_minute",
        "vision_tokens_per_minute",
    ),
    module=__name__,
)
