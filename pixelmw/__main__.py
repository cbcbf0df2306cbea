"""Runs the command line in :mod:`pixelmw.cli.main` for ``python -m pixelmw``."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
