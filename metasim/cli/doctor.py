"""The verb ``doctor``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Doctor:
    """Shows what works here, and the exact command that fixes what does not."""

    def run(self) -> int:
        """Prints the table; returns 0 where all that the default experiment needs is there, else 1."""
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        from metasim.cli.health import PARTS

        findings = [examine() for examine in PARTS]
        table = Table("part", "found", "state")
        for finding in findings:
            state = "ok" if not finding.fix else "broken" if finding.needed else "optional"
            colour = {"ok": "green", "broken": "red", "optional": "yellow"}[state]
            table.add_row(finding.part, Text(finding.found), Text(state, colour))
        console = Console()
        console.print(table)
        for finding in findings:
            if finding.fix:  # below the table, whole, so that it can be copied
                console.print(Text(f"{finding.part}: {finding.fix}"), soft_wrap=True)
        return int(any(finding.needed and finding.fix for finding in findings))
