"""What a cluster is given, for each driver option: `golden/IDEA/builder.json` is what the store has for a node,
`manifests.json` what becomes of it. The expected objects are those of the reference, without what is empty in them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bakec.ir.platforms import normalize, parse
from bakec.runtime.drivers.kubernetes.manifests import Manifests, make
from bakec.runtime.drivers.kubernetes.options import OPTIONS, read

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent for path in GOLDEN.glob("*/builder.json"))


def manifests_of(case: Path) -> Manifests:
    builder = json.loads((case / "builder.json").read_text())
    files = {name: text.encode() for name, text in builder.get("files", {}).items()}
    platforms = tuple(normalize(parse(name)) for name in builder.get("platforms", ()))
    return make("node", read(builder.get("options", {})), tuple(builder.get("flags", ())), files, platforms)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_manifests(case: Path, golden: Callable[[Path, str], None]) -> None:
    made = manifests_of(case)
    objects = [*made.config_maps, made.workload]
    golden(case / "manifests.json", json.dumps(objects, indent=2, sort_keys=True) + "\n")


def test_every_option_has_a_golden() -> None:
    used = {name for case in CASES for name in json.loads((case / "builder.json").read_text()).get("options", {})}
    assert OPTIONS.keys() <= used
