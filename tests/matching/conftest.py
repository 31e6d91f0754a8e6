"""The engines and scenes of these tests are importable, here and in worker processes."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "rendering")]
