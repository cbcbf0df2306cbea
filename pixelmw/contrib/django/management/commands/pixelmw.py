"""The command ``manage.py pixelmw``: those of ``python -m pixelmw``, with the project's settings."""

# Django comes without types.
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand

from .....cli.main import main
from ....options import command_defaults


class Command(BaseCommand):
    """Runs a command of ``python -m pixelmw`` once Django is set up, with the project's application and sink."""

    help = "Runs a command of python -m pixelmw with the settings of the project: see manage.py pixelmw -- --help."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take everything after the options of Django as it is."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="COMMAND ...")

    def handle(self, *args: Any, arguments: list[str], **options: Any) -> None:
        """Run the command, and exit with its code."""
        with command_defaults("pixelmw.contrib.django.project:sink", "pixelmw.contrib.django.project:application"):
            if code := main(arguments[1:] if arguments[:1] == ["--"] else arguments):
                sys.exit(code)
