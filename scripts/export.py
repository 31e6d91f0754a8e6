"""The verb ``export`` of the command metasim."""

import sys

from metasim.cli import main

if __name__ == "__main__":
    sys.exit(main(["export", *sys.argv[1:]]))
