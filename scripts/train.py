"""The verb ``train`` of the command metasim."""

import sys

from metasim.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
