"""The vendor layer: what it weighs unpacked, and what the functions' own code adds."""

from pathlib import Path

from tools.vendor_layer import LAYER, SIZE_LIMIT_BYTES, digest, size

_OURS = Path(__file__).parent.parent / "layers/countersign/python"


def measure() -> bool:
    """Print the sizes; tell whether the vendor layer keeps its limit."""
    weight = size(LAYER)
    ours = sum(path.stat().st_size for path in _OURS.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    print(f"vendor layer, unpacked: {weight / 1e6:.1f} MB (at most {SIZE_LIMIT_BYTES / 1e6:.0f})")
    print(f"  hash of its content: {digest(LAYER)[:16]}")
    print(f"  our own layer beside it: {ours / 1e3:.0f} kB")
    return weight <= SIZE_LIMIT_BYTES
