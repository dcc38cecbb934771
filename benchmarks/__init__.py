"""Measurements of the kit's speed and endurance on this machine."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "lambdas"))
