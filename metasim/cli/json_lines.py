"""What benchmarks print: a JSON object a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from typing import Any


def write_lines(lines: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Writes JSON lines as they come; returns the last."""
    last: dict[str, Any] = {}
    for last in lines:
        sys.stdout.write(json.dumps(last) + "\n")
        sys.stdout.flush()
    return last
