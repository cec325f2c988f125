"""A run's history for programs."""

import dataclasses
import json

from bakec.runtime.history import History


def render(history: History) -> str:
    return json.dumps(dataclasses.asdict(history), indent=2) + "\n"
