"""A run's history for programs."""

from __future__ import annotations

import dataclasses
import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.runtime.history import History


def render(history: History) -> str:
    return json.dumps(dataclasses.asdict(history), indent=2) + "\n"
