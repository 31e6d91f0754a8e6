"""The stand-in player's program: ``python -m renderers.unity.standin --mlagents-port N ...``."""

from __future__ import annotations

import argparse
import json
import os
import signal
from pathlib import Path

from renderers.unity.batch import WIRE_PASSES
from renderers.unity.native import COMMUNICATION_VERSION
from renderers.unity.standin.client import play
from renderers.unity.standin.faults import Faults
from renderers.unity.standin.studio import Studio


def arguments() -> argparse.Namespace:
    """What a Unity player is told, and what only a stand-in is; the rest is ignored, as Unity does."""
    parser = argparse.ArgumentParser("renderers.unity.standin", description=__doc__, allow_abbrev=False)
    parser.add_argument("--mlagents-port", type=int, required=True)
    parser.add_argument("--metasim-size", default="64x64", metavar="HEIGHTxWIDTH")
    parser.add_argument("--metasim-slots", type=int, default=16)
    parser.add_argument("--metasim-passes", default=",".join(WIRE_PASSES))
    parser.add_argument("--engine", default="sprites", help="the engine that draws")
    parser.add_argument("--options", type=json.loads, default={}, help="its options, as JSON")
    parser.add_argument("--replay", action="store_true", help="draw the first batch only, then send it again")
    parser.add_argument("--fault", default="", metavar="NAME[@STEP[+]]", help="what goes wrong, and when")
    parser.add_argument("--once", type=Path, metavar="FILE", help="only if FILE is not there; makes it")
    parser.add_argument("--poison", default="", metavar="CLASS", help="die of scenes with a node of it")
    parser.add_argument("--api", default=COMMUNICATION_VERSION)
    return parser.parse_known_args()[0]


def main() -> None:
    """Plays until told to quit; leaves without the interpreter's farewell, which some engines make long."""
    given = arguments()
    faults = Faults.of(given.fault, given.once, given.poison)
    faults.at_start()
    if faults.name == "ignore_quit":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    height, width = map(int, given.metasim_size.split("x"))
    studio = Studio(
        given.engine, given.options, (height, width), given.metasim_passes.split(","), given.replay
    )
    play(given.mlagents_port, studio, faults, given.api, given.metasim_slots)
    studio.close()
    os._exit(0)


if __name__ == "__main__":
    main()
