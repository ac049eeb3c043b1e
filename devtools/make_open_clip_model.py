"""Make open_clip_tiny.safetensors of packages/models/tests: a SigLIP with random weights as OpenCLIP saves it, two
pictures, two texts, and what OpenCLIP makes of them.

Needs a package that nothing else here does: `pip install open_clip_torch` (written with 3.3.0, timm 1.0.31). So tests
compare with the file.

    python -m devtools.make_open_clip_model
"""

from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).parents[1] / "packages" / "models" / "tests" / "open_clip_tiny.safetensors"
WIDTH, SIDE, WORDS, LENGTH = 64, 32, 160, 16


def main() -> None:
    """Build the model, run it, and write the file."""
    import open_clip  # type: ignore[import-not-found]
    import timm  # type: ignore[import-not-found]
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(7)
    text = {
        "context_length": LENGTH, "vocab_size": WORDS, "width": WIDTH, "heads": 1, "layers": 1, "no_causal_mask": True,
        "proj_bias": True, "pool_type": "last", "norm_kwargs": {"eps": 1e-6},
    }  # fmt: skip
    vision = {"timm_model_name": "vit_base_patch16_siglip_224", "timm_pool": "map", "timm_proj": "none"}
    model = open_clip.model.CustomTextCLIP(WIDTH, {**vision, "image_size": SIDE}, text, init_logit_bias=-10)
    model.visual.trunk = timm.create_model(
        "vit_base_patch16_siglip_224", embed_dim=WIDTH, depth=1, num_heads=1, img_size=SIDE, num_classes=0
    )
    weights = {name: (weight + 0.02 * torch.randn_like(weight)).half() for name, weight in model.state_dict().items()}
    model.load_state_dict({name: weight.float() for name, weight in weights.items()})
    pixels, tokens = torch.rand(2, 3, SIDE, SIDE) * 2 - 1, torch.randint(0, WORDS, (2, LENGTH))
    with torch.inference_mode():
        seen, said = model.eval().encode_image(pixels), model.encode_text(tokens)
    save_file({**weights, "given.pixels": pixels, "given.tokens": tokens, "made.image": seen, "made.text": said}, FILE)


if __name__ == "__main__":
    main()
