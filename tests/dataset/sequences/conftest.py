"""Makes the helpers beside these tests importable, here and in workers."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
