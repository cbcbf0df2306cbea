"""What ``python -m pixelmw`` runs: the command line in :mod:`pixelmw.cli.main`."""

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.exit(main())
