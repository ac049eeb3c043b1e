"""The vector index as a Prefect block."""

from blocks.overlay import block_type

IndexBlock = block_type(
    "IndexBlock",
    "Swatchbook Index",
    "What makes vectors searchable: LanceDB under the home of whoever uses it, or a Weaviate server.",
    (
        "index",
        "weaviate_url",
        "weaviate_grpc_port",
        "weaviate_api_key",
    ),
    module=__name__,
)
