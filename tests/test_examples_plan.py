"""The tracking plan of examples/tracking_plan.py: what is stored, what is noted, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_the_plan_notes_in_one_application_and_refuses_in_the_other() -> None:
    command = [sys.executable, "-W", "error", "tracking_plan.py"]
    result = subprocess.run(command, cwd=EXAMPLES, text=True, capture_output=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "stored: {'products': [{'sku': 'x'}], 'order_id': '7', 'total': 9.9} without ['properties.products.0.colour']",
        "stored, with a note: must have required property 'total'",
        "stored, with a note: no schema for event: Order Complete",
        '400 refused: event "Order Complete" is not planned; did you mean "Order Completed"?',
        '400 refused: properties.totl is not planned; did you mean "total"?',
    ]
