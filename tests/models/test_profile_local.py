"""The models of the profile `local`, as an installation without torch has them."""

import subprocess
import sys


def test_pictures_are_encoded_and_analysed_without_torch() -> None:
    """The pictures are larger than the models need, so they are shrunk, too."""
    code = (
        "import sys\n"
        "sys.modules['torch'] = None  # importing it raises ImportError\n"
        "import numpy as np\n"
        "from swatchbook.models.registry import load\n"
        "from swatchbook.domain.settings import Settings\n"
        "models = load(Settings(profile='local'))\n"
        "pictures = [np.full((200, 300, 3), 99, np.uint8)] * 3\n"
        "assert {len(block) for block in models.encoder.encode(pictures).values()} == {3}\n"
        "assert [found.pattern for found in models.analyst.analyse(pictures)] == ['plain'] * 3\n"
        "assert sys.modules.pop('torch') is None\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('torch', 'transformers', 'safetensors')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
