"""Driver options: what they mean, and what is said of those that mean nothing."""

from pathlib import Path

import pytest

from bakec.ir.diagnostics import Exit, Failed
from bakec.runtime.drivers.kubernetes import KubernetesDriver
from bakec.runtime.drivers.kubernetes.options import OPTIONS, QEMU_IMAGE, OptionError, read
from bakec.runtime.drivers.kubernetes.quantities import QuantityError, canonical

DOCS = Path(__file__).resolve().parents[2] / "docs/drivers/kubernetes.md"

QUANTITIES = {
    "0": "0", "1": "1", "0.5": "500m", "500m": "500m", "1.5": "1500m", "1000": "1k", "123k": "123k", "1500M": "1500M",
    "1024Mi": "1Gi", "1000Mi": "1000Mi", "1.5Gi": "1536Mi", "0.1Gi": "107374182400m", "0.5Ki": "512", "1e3": "1e3",
    "1.5e3": "1500", "2e-3": "2e-3", "0.0000000001": "1n", "-0.5": "-500m", "9999Ei": "9223372036854775807",
}  # fmt: skip
"""As the reference's library writes them."""

BAD_QUANTITIES = {
    "abc": "quantities must match the regular expression",
    "1.2.3": "unable to parse numeric part of quantity",
    "1Kb": "quantities must match the regular expression",
    "1K": "unable to parse quantity's suffix",
    "1mi": "unable to parse quantity's suffix",
}

BAD_OPTIONS = [
    ({"colour": "red"}, "invalid driver option colour for driver kubernetes"),
    ({"env.": "x"}, 'invalid env option "env.", expecting env.FOO=bar'),
    ({"replicas": "two"}, 'replicas: strconv.ParseInt: parsing "two": invalid syntax'),
    ({"replicas": "3000000000"}, 'replicas: strconv.ParseInt: parsing "3000000000": value out of range'),
    ({"rootless": "yes"}, 'rootless: strconv.ParseBool: parsing "yes": invalid syntax'),
    ({"qemu.install": ""}, 'qemu.install: strconv.ParseBool: parsing "": invalid syntax'),
    ({"default-load": "2"}, 'default-load: strconv.ParseBool: parsing "2": invalid syntax'),
    ({"loadbalance": "even"}, 'invalid loadbalance "even"'),
    ({"timeout": "5"}, 'cannot parse timeout: time: missing unit in duration "5"'),
    ({"nodeselector": "a"}, "cannot parse node selector: invalid key-value pair: a"),
    ({"annotations": "a=b=c"}, "cannot parse annotations: invalid key-value pair: a=b=c"),
    ({"labels": ""}, "cannot parse labels: invalid key-value pair: "),
    ({"labels": "app=x"}, 'the label "app" is reserved and cannot be customized'),
    (
        {"annotations": "buildx.docker.com/platform=x"},
        'the annotation "buildx.docker.com/platform" is reserved and cannot be customized',
    ),
    ({"tolerations": "key=a,colour=red"}, 'invalid tolaration "key=a,colour=red"'),
    ({"tolerations": "tolerationSeconds=x"}, 'tolerations: strconv.Atoi: parsing "x": invalid syntax'),
    ({"limits.memory": "1Kb"}, "limits.memory: quantities must match the regular expression"),
]


@pytest.mark.parametrize("text", QUANTITIES)
def test_a_quantity_has_one_way_to_be_written(text: str) -> None:
    assert canonical(text) == QUANTITIES[text]


@pytest.mark.parametrize("text", BAD_QUANTITIES)
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(QuantityError, match=BAD_QUANTITIES[text].replace("(", r"\(")):
        canonical(text)


@pytest.mark.parametrize(("options", "message"), BAD_OPTIONS, ids=lambda value: str(value)[:40])
def test_an_option_that_makes_no_sense(options: dict[str, str], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        read(options)
    assert str(caught.value).startswith(message)


def test_a_driver_with_such_an_option_cannot_be_made() -> None:
    with pytest.raises(Failed) as caught:
        KubernetesDriver(node="node", options={"colour": "red"})
    assert caught.value.exit is Exit.DRIVER
    assert "invalid driver option colour for driver kubernetes" in str(caught.value)


def test_no_option_at_all() -> None:
    settings = read({})
    assert (settings.replicas, settings.timeout, settings.is_spread) == (1, 120.0, False)
    assert (settings.image, settings.qemu_image) == ("moby/buildkit:buildx-stable-1", QEMU_IMAGE)


def test_the_image_of_rootless_daemons_is_another_one_also_where_it_says_false() -> None:
    assert read({"rootless": "true"}).image == "moby/buildkit:buildx-stable-1-rootless"
    assert read({"rootless": "false"}).image == "moby/buildkit:buildx-stable-1-rootless"
    assert read({"rootless": "true", "image": "own"}).image == "own"


def test_parts_of_a_toleration_that_are_no_pairs_do_not_count() -> None:
    assert read({"tolerations": "key=a,nonsense,operator=Exists;"}).tolerations == (
        {"key": "a", "operator": "Exists"},
        {},
    )


@pytest.mark.parametrize("option", [*OPTIONS, "env.NAME"])
def test_every_option_is_documented_with_an_example(option: str) -> None:
    text = DOCS.read_text()
    assert f"| `{option}`" in text
    assert f'--driver-opt "{option.replace("NAME", "")}' in text or f"--driver-opt {option.replace('NAME', '')}" in text
