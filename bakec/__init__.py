"""bakec compiles Docker Bake files into one reviewable plan, diffs plans, and runs them on BuildKit.

The names below are the public API (docs/api.md). Nothing is imported before it is used.
"""

TYPE_CHECKING = False  # what type checkers go by; importing `typing` would be most of the cost of this module
if TYPE_CHECKING:
    from bakec.api import Diagnostics, Failed, Plan, PlanDiff, affected, compile_files, diff, digest, explain, run, why

__version__ = "0.1.0"

__all__ = [
    "Diagnostics",
    "Failed",
    "Plan",
    "PlanDiff",
    "affected",
    "compile_files",
    "diff",
    "digest",
    "explain",
    "run",
    "why",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'bakec' has no attribute {name!r}")
    from bakec import api

    value: object = getattr(api, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
