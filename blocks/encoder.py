"""The maker of visual vectors as a Prefect block."""

from blocks.overlay import block_type

EncoderBlock = block_type(
    "EncoderBlock",
    "Swatchbook Encoder",
    "The model that turns pictures into vectors.",
    (
        "encoder",
        "encoder_model",
        "encoder_revision",
        "structure_model",
        "structure_revision",
        "prompts",
        "device",
        "dtype",
    ),
    module=__name__,
)
