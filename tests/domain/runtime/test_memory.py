import subprocess
import sys

from swatchbook.domain.runtime.memory import peak_memory_mb


def test_peak_is_that_of_the_greatest_child() -> None:
    code = "x = b'x' * (700 << 20)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert peak_memory_mb() > 700
