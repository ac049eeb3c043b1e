"""Prefect block of the encoder of visual vectors: its model, revision, prompts, device and number type."""

from blocks.overlay import block_type

EncoderBlock = block_type(
    "EncoderBlock",
    "Swatchbook Encoder",
    "The model that turns images into vectors.",
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
