"""A job in the words of a builder: frontend attributes, outputs, caches, and what a builder cannot do."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bakec.ir.diagnostics import Exit, Failed
from bakec.ir.plan import Cache, Exporter, FrontendSolve, Job, JobId, LocalDir, TargetName
from bakec.runtime.buildkit.services.filesend import Directory
from bakec.runtime.dockerconfig import DockerConfig
from bakec.runtime.drivers.base import Features
from bakec.runtime.exports import Place
from bakec.runtime.request import Request, Site, compose, shared_key

CLASSIC = Features(
    moby=True,
    oci_exporter=False,
    docker_exporter=False,
    cache_export=False,
    multi_platform=False,
    direct_push=False,
    default_load=True,
    host_gateway="172.17.0.1",
)
CONTAINERD = Features(moby=True, default_load=True, prefer_image_digest=True)
REMOTE = Features()
CAPS = frozenset(("exporter.multiple", "exporter.image.attestations"))


def site(root: Path, features: Features = REMOTE, *, env: Mapping[str, str] | None = None, **config: object) -> Site:
    place = Place(
        root=root,
        driver="docker" if features.moby else "remote",
        features=features,
        env=env or {},
        engine_imports_oci=features.moby and features.oci_exporter,
    )
    return Site(place=place, config=DockerConfig(root, config), node_id="0123456789abcdef", caps=CAPS)


def make(attrs: Mapping[str, str] | None = None, **fields: object) -> Job:
    return Job(
        id=JobId("app"),
        target=TargetName("app"),
        solve=FrontendSolve(frontend="dockerfile.v0", attrs=attrs or {}),
        **fields,
    )


def outputs(request: Request) -> list[tuple[str, dict[str, str]]]:
    return [(output.type, output.attrs) for output in request.outputs]


# Outputs


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        (CLASSIC, [("moby", {})]),
        (CONTAINERD, [("moby", {"prefer-image-digest": "true"})]),
        (REMOTE, []),
        (Features(default_load=True), [("docker", {})]),
    ],
)
def test_without_an_output(tmp_path: Path, features: Features, expected: list[object]) -> None:
    assert outputs(compose(make(), site(tmp_path, features))) == expected


def test_no_default_output_where_it_is_switched_off(tmp_path: Path) -> None:
    request = compose(make(), site(tmp_path, CLASSIC, env={"BUILDX_NO_DEFAULT_LOAD": "1"}))
    assert outputs(request) == []


def test_a_call_has_no_default_output(tmp_path: Path) -> None:
    request = compose(make(call="outline"), site(tmp_path, CLASSIC))
    assert outputs(request) == []
    assert request.attrs["requestid"] == "frontend.outline"
    assert request.attrs["frontend.caps"] == "moby.buildkit.frontend.subrequests+forward"


def test_cacheonly_is_no_output(tmp_path: Path) -> None:
    assert outputs(compose(make(exports=(Exporter(type="cacheonly"),)), site(tmp_path, CLASSIC))) == []


def test_registry_is_an_image_that_is_pushed(tmp_path: Path) -> None:
    job = make(exports=(Exporter(type="registry"),), tags=("a/b:1", "a/b:2"))
    expected = {"push": "true", "unpack": "false", "name": "a/b:1,a/b:2"}
    assert outputs(compose(job, site(tmp_path))) == [("image", expected)]


def test_tags_win_over_the_name_of_an_output(tmp_path: Path) -> None:
    job = make(exports=(Exporter(type="image", attrs={"name": "asked"}),), tags=("tag",))
    assert outputs(compose(job, site(tmp_path))) == [("image", {"name": "tag"})]


def test_a_directory_is_relative_to_the_root(tmp_path: Path) -> None:
    (output,) = compose(make(exports=(Exporter(type="local", dest="out"),)), site(tmp_path)).outputs
    assert output.target == Directory(path=tmp_path / "out")


def test_a_load_into_the_builders_own_store(tmp_path: Path) -> None:
    job = make(exports=(Exporter(type="docker"),))
    assert [kind for kind, _ in outputs(compose(job, site(tmp_path, CLASSIC)))] == ["moby"]
    assert [kind for kind, _ in outputs(compose(job, site(tmp_path, CONTAINERD)))] == ["moby"]


@pytest.mark.parametrize(
    ("features", "fields", "message"),
    [
        (REMOTE, {"exports": (Exporter(type="registry"),)}, "tag is needed when pushing to registry"),
        (REMOTE, {"exports": (Exporter(type="local"),)}, "dest is required for local exporter"),
        (REMOTE, {"exports": (Exporter(type="local", dest="-"),)}, "dest cannot be stdout for local exporter"),
        (REMOTE, {"exports": (Exporter(type="local", dest="file"),)}, "destination directory file is a file"),
        (REMOTE, {"exports": (Exporter(type="tar", dest="folder"),)}, "destination file folder is a directory"),
        (
            CLASSIC,
            {"exports": (Exporter(type="oci", dest="x"),)},
            "OCI exporter is not supported for the docker driver",
        ),
        (CLASSIC, {"exports": (Exporter(type="docker", dest="x"),)}, "Docker exporter is not supported for the docker"),
        (
            CLASSIC,
            {"platforms": ("linux/amd64", "linux/arm64")},
            "Multi-platform build is not supported for the docker",
        ),
        (CLASSIC, {"cache_to": (Cache(type="registry", attrs={"ref": "x"}),)}, "Cache export is not supported for the"),
        (CLASSIC, {"attrs": {"attest:sbom": "type=sbom"}}, "Attestation is not supported for the docker driver"),
        (
            REMOTE,
            {"exports": (Exporter(type="docker", dest="x"),), "platforms": ("linux/amd64", "linux/arm64")},
            "docker exporter does not support exporting manifest lists, use the oci exporter instead",
        ),
        (
            CLASSIC,
            {"exports": (Exporter(type="image", attrs={"push": "true", "push-by-digest": "true"}),), "tags": ("x",)},
            "push-by-digest is currently not implemented for docker driver",
        ),
        (REMOTE, {"attrs": {"add-hosts": "me=host-gateway"}}, "unable to derive the IP value for host-gateway"),
        (REMOTE, {"cache_to": (Cache(type="local"),)}, "local cache exporter requires dest"),
        (REMOTE, {"locals": (LocalDir(name="context", path="file"),)}, 'to prepare context: path "file" not found'),
        (
            REMOTE,
            {"locals": (LocalDir(name="x", path="nowhere"),)},
            "failed to get build context x: stat nowhere: no such file or directory",
        ),
        (
            REMOTE,
            {"locals": (LocalDir(name="x", path="file"),)},
            "failed to get build context path {file <nil>}: not a directory",
        ),
        (REMOTE, {"oci_layouts": {"base": "nowhere"}}, 'oci-layout reference "oci-layout://nowhere" could not be'),
    ],
)
def test_what_cannot_be_built_here(tmp_path: Path, features: Features, fields: dict[str, object], message: str) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(Failed, match="target `app`") as caught:
        compose(make(**fields), site(tmp_path, features))
    assert message in str(caught.value)
    assert caught.value.exit in (Exit.BUILD, Exit.DRIVER)


# Attributes


def test_images_are_looked_for_where_the_builder_is(tmp_path: Path) -> None:
    assert compose(make(), site(tmp_path, CLASSIC)).attrs["image-resolve-mode"] == "local"
    assert compose(make(pull=True), site(tmp_path, CLASSIC)).attrs["image-resolve-mode"] == "pull"
    assert "image-resolve-mode" not in compose(make(), site(tmp_path)).attrs


def test_the_default_provenance(tmp_path: Path) -> None:
    expected = "mode=min,inline-only=true"
    assert compose(make(), site(tmp_path)).attrs["attest:provenance"] == expected
    for other in (
        compose(make(provenance_default=False), site(tmp_path)),
        compose(make(), site(tmp_path, CLASSIC)),
        compose(make(), site(tmp_path, env={"BUILDX_NO_DEFAULT_ATTESTATIONS": "true"})),
    ):
        assert "attest:provenance" not in other.attrs


def test_named_contexts_that_are_directories(tmp_path: Path) -> None:
    for name in ("main", "extra"):
        (tmp_path / name).mkdir()
    mounts = (("context", "main"), ("docs", "extra"), ("_context", "extra"))
    job = make(locals=tuple(LocalDir(name=name, path=path) for name, path in mounts))
    request = compose(job, site(tmp_path))

    assert request.attrs["context:docs"] == "local:docs"
    assert request.attrs["context:context"] == "local:_context"
    assert request.attrs["sharedkey:localdir:docs"] == "extra:0123456789abcdef"
    assert request.shared_key == "main:0123456789abcdef"


def test_the_name_of_a_directory_begins_no_header(tmp_path: Path) -> None:
    assert shared_key(tmp_path / "a\r\nX-More: ü", "0123") == "a__X-More: ü:0123"


def test_the_text_of_a_dockerfile_takes_the_place_of_a_directory(tmp_path: Path) -> None:
    job = make(dockerfile_inline="FROM scratch\n", locals=(LocalDir(name="dockerfile", path="nowhere"),))
    first, second = (compose(job, site(tmp_path)).dockerfile for _ in range(2))

    assert (first and first.name, first and first.data) == ("Dockerfile", b"FROM scratch\n")
    assert first and second and first.mtime < second.mtime
    assert "dockerfile" not in compose(job, site(tmp_path)).mounts


def test_proxies_of_the_docker_configuration_are_build_arguments(tmp_path: Path) -> None:
    proxies = {"default": {"httpProxy": "http://proxy", "noProxy": "localhost"}}
    request = compose(make({"build-arg:no_proxy": "mine"}), site(tmp_path, proxies=proxies))

    assert request.attrs["build-arg:HTTP_PROXY"] == "http://proxy"
    assert request.attrs["build-arg:no_proxy"] == "mine"
    assert "build-arg:NO_PROXY" not in request.attrs


def test_the_hosts_own_address(tmp_path: Path) -> None:
    request = compose(make({"add-hosts": "a=1.2.3.4,me=host-gateway"}), site(tmp_path, CLASSIC))
    assert request.attrs["add-hosts"] == "a=1.2.3.4,me=172.17.0.1"


def test_the_network_of_the_host_has_to_be_allowed(tmp_path: Path) -> None:
    job = make({"force-network-mode": "host"}, entitlements=("security.insecure",))
    assert compose(job, site(tmp_path)).entitlements == ["security.insecure", "network.host"]


# Caches


def test_an_inline_cache_by_build_argument(tmp_path: Path) -> None:
    request = compose(make({"build-arg:BUILDKIT_INLINE_CACHE": "1"}), site(tmp_path, CLASSIC))
    assert request.cache_exports == [("inline", {})]


def test_a_registry_cache_goes_to_the_frontend_as_well(tmp_path: Path) -> None:
    request = compose(make(cache_from=(Cache(type="registry", attrs={"ref": "r/c"}),)), site(tmp_path))
    assert request.attrs["cache-imports"] == '[{"Type":"registry","Attrs":{"ref":"r/c"}}]'


def test_a_cache_of_a_kind_that_the_daemon_lacks_is_left_out(tmp_path: Path) -> None:
    job = make(cache_from=(Cache(type="gha"),), cache_to=(Cache(type="s3", attrs={"bucket": "b"}),))
    request = compose(job, site(tmp_path))
    assert (request.cache_imports, request.cache_exports) == ([], [])


def test_a_local_cache_lives_below_the_root(tmp_path: Path) -> None:
    request = compose(make(cache_to=(Cache(type="local", attrs={"dest": "cache"}),)), site(tmp_path))
    path = str(tmp_path / "cache")
    assert request.cache_exports == [("local", {"dest": path})]
    assert request.stores == {f"local:{path}": tmp_path / "cache"}
    assert request.indexes == [(tmp_path / "cache", "latest")]


# The Dockerfile


@pytest.mark.parametrize(
    ("present", "asked", "sent"),
    [
        (["dockerfile"], "Dockerfile", "dockerfile"),
        (["dockerfile", "Dockerfile"], "Dockerfile", "Dockerfile"),
        (["dockerfile"], "Other", "Other"),
        ([], "Dockerfile", "Dockerfile"),
    ],
)
def test_an_absent_dockerfile_may_be_called_in_lower_case(
    tmp_path: Path, present: list[str], asked: str, sent: str
) -> None:
    for name in present:
        (tmp_path / name).touch()
    found = compose(make({"filename": asked}, locals=(LocalDir(name="dockerfile", path="."),)), site(tmp_path))
    assert found.attrs["filename"] == sent
