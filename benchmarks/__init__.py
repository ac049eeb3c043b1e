"""Speed and memory, as ratios against a bare or peer implementation in the same run."""
