"""The example project, compiled and run as its README says, next to the reference on the same engine."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from real_plans import docker, inspect

ROOT = Path(__file__).resolve().parents[2]
PRINTED = {
    "shop/web": "web 1.4.0 (info): open\n",
    "shop/api": "api 1.4.0 (info): listening\n",
    "shop/worker": "worker 1.4.0 (info): waiting for orders,returns\n",
    "shop/tool-report": "REPORT 1.4.0: What was sold\n",
    "shop/tool-cleanup": "CLEANUP 1.4.0: What was left\n",
}


@pytest.fixture
def shop(tmp_path: Path, busybox: Path) -> Path:
    folder = tmp_path / "shop"
    shutil.copytree(ROOT / "examples/shop", folder)
    shutil.copy(busybox, folder / "base/busybox")
    return folder


def bakec(env: Mapping[str, str], folder: Path, *arguments: str) -> str:
    command = (sys.executable, "-m", "bakec", *arguments)
    settings = {"env": {**env, "PYTHONPATH": str(ROOT)}, "cwd": folder, "capture_output": True, "text": True}
    done = subprocess.run(command, check=False, **settings)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_the_shop_prints_what_its_plan_said(engine: Mapping[str, str], shop: Path) -> None:
    bakec(engine, shop, "compile", "-o", "shop.msgpack")
    bakec(engine, shop, "run", "shop.msgpack")
    assert {image: docker(engine, "run", "--rm", image) for image in PRINTED} == PRINTED


def test_the_reference_makes_the_same_images_of_the_same_file(engine: Mapping[str, str], shop: Path) -> None:
    bakec(engine, shop, "compile", "-o", "shop.msgpack")
    bakec(engine, shop, "run", "shop.msgpack")
    ours = {image: inspect(engine, image)["Id"] for image in PRINTED}
    docker(engine, "buildx", "bake", "--file", str(shop / "docker-bake.hcl"), cwd=shop)
    assert {image: inspect(engine, image)["Id"] for image in PRINTED} == ours


def test_a_second_run_has_nothing_to_do(engine: Mapping[str, str], shop: Path) -> None:
    bakec(engine, shop, "compile", "-o", "shop.msgpack")
    bakec(engine, shop, "run", "shop.msgpack")
    assert "6 cached in " in bakec(engine, shop, "run", "shop.msgpack")
