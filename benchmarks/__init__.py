"""What the kit promises of its speed and its endurance, measured on this machine."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "lambdas"))
