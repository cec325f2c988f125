"""Tests on a real cluster are run when they are asked for: `-m cluster`."""

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "cluster" in str(config.option.markexpr):
        return
    left = [item for item in items if item.get_closest_marker("cluster")]
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=left)
