"""Prefect block of the vector index: LanceDB, or the address and key of Weaviate."""

from blocks.overlay import block_type

IndexBlock = block_type(
    "IndexBlock",
    "Swatchbook Index",
    "The vector index: LanceDB in the home folder of the process, or a Weaviate server.",
    (
        "index",
        "weaviate_url",
        "weaviate_grpc_port",
        "weaviate_api_key",
    ),
    module=__name__,
)
