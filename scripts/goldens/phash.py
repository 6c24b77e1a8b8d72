"""Writes perceptual hashes made with SciPy's cosine transform and Pillow's resampling: test/goldens/phash.json.

Run by hand (see README.md). Of archc it reads nothing but pictures that `archc data faces` drew.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fft import dctn

GOLDENS = Path(__file__).parent.parent.parent / "test" / "goldens"


def hash_of(grey: np.ndarray) -> str:
    """The 64 bits in hexadecimal. Stops where a frequency is so near to the median that rounding would decide."""
    low = dctn(grey.astype(np.float64), type=2)[:8, :8].ravel()
    median = np.median(low)
    assert np.abs(low - median).min() > 1e-9 * np.abs(low).max()
    return f"{int(''.join('1' if bit else '0' for bit in low > median), 2):016x}"


def noise(seed: int) -> np.ndarray:
    """Bytes that any program can make again: the high byte of a 32-bit congruential generator."""
    state, values = seed, []
    for _ in range(32 * 32):
        state = (1664525 * state + 1013904223) % 2**32
        values.append(state >> 24)
    return np.array(values).reshape(32, 32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faces", type=Path, required=True, help="what `archc data faces --count 6 --seed 9` wrote")
    images = sorted((parser.parse_args().faces / "images").glob("*.png"))
    grey = [hash_of(noise(seed)) for seed in range(8)]
    faces = []
    for path in images:
        with Image.open(path) as image:
            small = image.convert("L").resize((32, 32), Image.Resampling.LANCZOS)
        faces.append(hash_of(np.asarray(small)))
    (GOLDENS / "phash.json").write_text(json.dumps({"noise": grey, "faces": faces}, indent=2) + "\n")


if __name__ == "__main__":
    main()
