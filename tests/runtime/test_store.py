"""The store of builders: what is in its files, who may see them, and what happens when something goes wrong."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bakec.ir.diagnostics import Failed
from bakec.ir.platforms import Platform, full_name
from bakec.runtime import dockerconfig, store
from bakec.runtime.store import Store, StoredBuilder, StoredNode

NODE = StoredNode(name="far0", endpoint="unix:///a.sock")
FAR = StoredBuilder(name="far", driver="remote", nodes=(NODE,))
ARM, AMD = Platform(os="linux", architecture="arm64"), Platform(os="linux", architecture="amd64")


@pytest.fixture
def here(tmp_path: Path) -> Store:
    env = {"BUILDX_CONFIG": str(tmp_path / "buildx")}
    return Store(env, dockerconfig.load({"DOCKER_CONFIG": str(tmp_path)}))


def save(here: Store, *builders: StoredBuilder) -> None:
    with here.transaction() as change:
        for builder in builders:
            change.save(builder)


def code(failure: pytest.ExceptionInfo[Failed]) -> str:
    return failure.value.diagnostics[0].rule.code


# What is written


def test_a_builder_is_read_as_it_was_saved(here: Store) -> None:
    node = StoredNode(
        name="n0",
        endpoint="tcp://h:1",
        platforms=(ARM, Platform(os="windows", architecture="amd64", os_version="10", os_features=("a",))),
        options={"b": "<1>", "a": "é"},
        flags=("--debug",),
        files={"z": b"\0\xff", "a/b": b"", "buildkitd.toml": b"debug = true\n"},
    )
    builder = StoredBuilder(name="Mine", driver="docker-container", nodes=(node, NODE))
    save(here, builder)
    assert here.builder("MINE") == builder
    assert here.names() == ("mine",)


def test_what_was_never_set_is_null_and_there_is_no_line_feed(here: Store) -> None:
    save(here, FAR)
    assert (here.folder / "instances/far").read_text() == (
        '{"Name":"far","Driver":"remote","Nodes":[{"Name":"far0","Endpoint":"unix:///a.sock","Platforms":null,'
        '"DriverOpts":null,"Flags":null,"Files":null}],"Dynamic":false}'
    )


def test_only_the_user_may_read_it(here: Store) -> None:
    save(here, FAR)
    with here.transaction() as change:
        change.use("k", "far", is_default=True)
    assert here.node_id()
    folders = [here.folder, *(here.folder / name for name in store.FOLDERS)]
    files = [path for path in here.folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {".lock", ".buildNodeID", "far", "current"}
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}


def test_what_sudo_writes_is_owned_by_who_called_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owned: list[tuple[str, int, int]] = []
    monkeypatch.setattr(store.pwd, "getpwuid", lambda _: type("Entry", (), {"pw_dir": str(tmp_path)}))
    monkeypatch.setattr(store.os, "chown", lambda path, *ids: owned.append((path.name, *ids)))
    sudo = {"SUDO_COMMAND": "bakec", "SUDO_UID": "1234", "SUDO_GID": "4321", "HOME": str(tmp_path)}
    save(Store(sudo, dockerconfig.load(sudo)), FAR)
    assert {one[1:] for one in owned} == {(1234, 4321)}
    assert {".docker", "buildx", "instances"} <= {name for name, *_ in owned}

    elsewhere = Store({**sudo, "BUILDX_CONFIG": "/elsewhere"}, dockerconfig.load(sudo))
    assert elsewhere._owner is None


@pytest.mark.parametrize("name", ["1st", "", "a/b", "../x", "a b", "ä"])
def test_names_that_cannot_be(here: Store, name: str) -> None:
    with pytest.raises(Failed, match="needs to start with a letter") as failure:
        here.builder(name)
    assert code(failure) == "BK751"


# Nodes


def test_a_platform_belongs_to_the_node_it_was_given_to_last() -> None:
    first = FAR.with_node(StoredNode(name="far0", endpoint="a", platforms=(AMD, ARM)))
    found = first.with_node(StoredNode(name="far1", endpoint="b", platforms=(ARM,)))
    assert [list(map(full_name, node.platforms or ())) for node in found.nodes] == [["linux/amd64"], ["linux/arm64"]]


def test_two_nodes_are_not_at_one_endpoint() -> None:
    with pytest.raises(Failed, match="invalid duplicate endpoint unix:"):
        FAR.with_node(StoredNode(name="far1", endpoint="unix:///a.sock"))


def test_the_last_node_stays() -> None:
    with pytest.raises(Failed, match="can not leave last node"):
        FAR.leave("far0")
    with pytest.raises(Failed, match='node "x" not found for far'):
        FAR.leave("x")


def test_a_node_without_a_name_gets_the_next_free_one() -> None:
    upper = StoredBuilder(name="Far", driver="remote", nodes=(NODE,))
    assert upper.next_name() == "far1"


# The current builder


@pytest.fixture
def two(here: Store) -> Store:
    save(here, FAR, StoredBuilder(name="near", driver="remote", nodes=(NODE,)))
    return here


def current(here: Store, key: str) -> str:
    found = here.current(key)
    return found.name if found else ""


def test_a_builder_is_current_for_one_engine_or_for_all(two: Store) -> None:
    with two.transaction() as change:
        change.use("one", "far")
    assert (current(two, "one"), current(two, "other")) == ("far", "")
    with two.transaction() as change:
        change.use("one", "near", is_global=True)
    assert (current(two, "one"), current(two, "other")) == ("near", "near")


def test_a_default_is_used_when_its_engine_is(two: Store) -> None:
    with two.transaction() as change:
        change.use("one", "far", is_default=True)
        change.use("other", "near")
    assert (current(two, "one"), current(two, "other"), current(two, "third")) == ("far", "near", "")


def test_a_builder_that_is_gone_is_not_current(two: Store) -> None:
    with two.transaction() as change:
        change.use("one", "far")
        change.remove("far")
    assert current(two, "one") == ""


# Trouble


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ('{"Name":"far","Driv', "Unterminated string"),
        ("[]", "it is no JSON object"),
        ('{"Nodes":[7]}', "it is no builder"),
        ('{"Nodes":[{"Files":{"a":"*"}}]}', "base64"),
    ],
)
def test_a_broken_file_is_one_clear_error(here: Store, text: str, reason: str) -> None:
    save(here, FAR)
    (here.folder / "instances/far").write_text(text)
    pattern = f"cannot read {here.folder}/instances/far of the builder store: .*{reason}"
    with pytest.raises(Failed, match=pattern) as failure:
        here.builder("far")
    assert code(failure) == "BK753"


def test_a_broken_file_is_in_nobody_elses_way(two: Store) -> None:
    (two.folder / "instances/far").write_text("{")
    (two.folder / "instances/.tmp-123").write_text("{")
    assert two.names() == ("far", "near")
    assert two.builder("near")
    with two.transaction() as change:
        change.remove("far")
    assert two.names() == ("near",)


def test_a_broken_current_is_told_of_and_written_anew(two: Store) -> None:
    (two.folder / "current").write_text("")
    with pytest.raises(Failed, match="current of the builder store: it is empty"):
        two.current("one")
    with two.transaction() as change:
        change.use("one", "far")
    assert current(two, "one") == "far"


def test_a_store_that_cannot_be_written_is_no_reason_not_to_build(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    here = Store({"BUILDX_CONFIG": str(tmp_path / "file/buildx")}, dockerconfig.load({}))
    here.touch("far")
    assert len(here.node_id()) == 16
    with pytest.raises(Failed, match="cannot write the builder store") as failure, here.transaction():
        pass
    assert code(failure) == "BK754"


def test_an_address_is_no_file(here: Store) -> None:
    here.touch("unix:///../../x")
    assert not here.folder.exists()


# Several programs at once


def program(here: Store, text: str, stdout: int | None = None) -> "subprocess.Popen[bytes]":
    """A program with `here`, the same store."""
    head = (
        "import os, time\nfrom bakec.runtime import dockerconfig, store\n"
        "from bakec.runtime.store import Store, StoredBuilder, StoredNode\n"
        f"here = Store({{'BUILDX_CONFIG': {str(here.folder)!r}}}, dockerconfig.load({{}}))\n"
    )
    return subprocess.Popen((sys.executable, "-c", head + text), stdout=stdout)


ADD = """
for count in range(20):
    with here.transaction() as change:
        old = here.builder("shared") or StoredBuilder(name="shared", driver="remote")
        change.save(old.with_node(StoredNode(name=f"{NAME}{count}", endpoint=f"{NAME}{count}")))
"""


def test_no_change_of_two_programs_is_lost(here: Store) -> None:
    programs = [program(here, f"NAME = {name!r}\n{ADD}") for name in ("a", "b")]
    assert [one.wait(60) for one in programs] == [0, 0]
    found = here.builder("shared")
    assert found
    assert {node.name for node in found.nodes} == {f"{name}{count}" for name in "ab" for count in range(20)}


HOLD = """
with here.transaction():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_ends_with_the_program_that_holds_it(here: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    holder = program(here, HOLD, subprocess.PIPE)
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    with pytest.raises(Failed, match="in use by another program for") as failure:
        save(here, FAR)
    assert code(failure) == "BK755"

    holder.kill()
    holder.wait()
    assert (here.folder / ".lock").exists()
    save(here, FAR)
    assert here.builder("far") == FAR
    holder.stdout.close()


KILLED = """
with here.transaction() as change:
    store.os.fsync = lambda _: os.kill(os.getpid(), 9)
    change.use("one", "near")
"""


def test_who_is_killed_while_writing_leaves_the_old_file(two: Store) -> None:
    with two.transaction() as change:
        change.use("one", "far")
    assert program(two, KILLED).wait(60) == -signal.SIGKILL
    assert len(list(two.folder.glob(".tmp-*"))) == 1
    assert current(two, "one") == "far"

    with two.transaction():
        pass
    assert not list(two.folder.glob(".tmp-*"))


def test_when_it_was_last_used(here: Store) -> None:
    before = int(time.time())
    here.touch("far")
    found = here.activity("far")
    assert found
    assert before <= found.timestamp() <= time.time()
    assert (here.folder / "activity/far").read_text().endswith("Z")
