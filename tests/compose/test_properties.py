"""Whatever the input: a diagnosis, never a crash, and always the same one."""

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bakec.compiler.compose.dotenv import DotenvError, parse_dotenv
from bakec.compiler.compose.paths import clean, join, relative
from tests.compose.loading import as_json, errors, load, load_text

FRAGMENTS = st.sampled_from(
    [
        "services:", "\n", "  ", "a", ":", " ", "- ", "build", "{", "}", "[", "]", "&x ", "*x", "<<: ", "!reset ",
        "!!int ", "|", ">",
        "'", '"', "$", "${A", "${A:-", "}", "x-bake", "---\n", "...\n", "# c\n", "\t", "é", "\x00", "5", "~",
        "? ", ",", "%YAML 1.1\n",
        "\r\n", "\ufeff", "secrets:", "context: .",
    ]
)  # fmt: skip

SCALARS = st.sampled_from(
    [
        None,
        True,
        5,
        1.5,
        "",
        "x",
        "$A",
        "${A:?}",
        "a=b",
        "service:a",
        "type=gha",
        "type=,",
        "1.1.1.1",
        "default",
        "~",
        "../x",
        "5m",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["a", "b", "soft", "hard", "path", "source", "x-y", "service", "file"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
BUILD_KEYS = [
    "context", "dockerfile", "dockerfile_inline", "args", "ssh", "labels", "cache_from", "cache_to", "no_cache",
    "additional_contexts", "network", "provenance", "sbom", "pull", "target", "shm_size", "extra_hosts", "secrets",
    "tags",
    "ulimits", "platforms", "x-bake", "no_cache_filter", "bogus",
]  # fmt: skip
SERVICE_KEYS = ["build", "image", "environment", "env_file", "extends", "ports", "volumes", "depends_on", "privileged"]


def mapping(keys: list[str], values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.dictionaries(st.sampled_from(keys), values, max_size=4)


SERVICES = mapping(SERVICE_KEYS, VALUES) | st.fixed_dictionaries({"build": mapping(BUILD_KEYS, VALUES)}) | VALUES
PROJECTS = st.fixed_dictionaries(
    {"services": mapping(["a", "b", "a.b"], SERVICES)},
    optional={"secrets": mapping(["a", "s"], VALUES), "include": VALUES, "name": SCALARS, "x-y": VALUES},
)


@given(st.lists(FRAGMENTS, max_size=25).map("".join))
@settings(max_examples=400, deadline=None)
def test_any_text_is_loaded_or_refused(text: str) -> None:
    definitions, sink = load_text(text)

    assert sink.failed or as_json(definitions)["target"] is not None
    assert all(item.message and item.subject is not None for item in sink.errors)


@given(PROJECTS)
@settings(max_examples=400, deadline=None)
def test_any_project_is_loaded_or_refused(project: object) -> None:
    definitions, sink = load_text(yaml.safe_dump(project))

    assert not (sink.failed and definitions.targets)
    assert all(item.message for item in sink.errors)


@given(PROJECTS, PROJECTS)
@settings(max_examples=150, deadline=None)
def test_two_loads_say_the_same(one: object, two: object) -> None:
    files = {"x.yml": yaml.safe_dump(one), "y.yml": yaml.safe_dump(two)}

    first, first_sink = load(files, ("x.yml", "y.yml"))
    second, second_sink = load(files, ("x.yml", "y.yml"))

    assert as_json(first) == as_json(second)
    assert errors(first_sink) == errors(second_sink)


@given(
    st.lists(st.sampled_from(["A", "=", "B", "\n", '"', "'", "\\", "$A", " ", "#", "export ", "${", "é"])).map("".join)
)
def test_any_dotenv_is_read_or_refused(text: str) -> None:
    try:
        variables = parse_dotenv(text, {})
    except DotenvError as error:
        assert str(error)
    else:
        assert all(isinstance(value, str) for value in variables.values())


PATHS = st.lists(st.sampled_from(["a", "b", "..", ".", ""]), max_size=6).map("/".join)


@given(PATHS)
def test_cleaning_once_is_enough(path: str) -> None:
    assert clean(path) == clean(clean(path))
    assert "//" not in clean(path)


@given(PATHS.filter(lambda path: ".." not in path), PATHS)
def test_a_relative_path_leads_back(base: str, path: str) -> None:
    base, path = f"/{base}", f"/{path}"

    assert clean(path) == clean(join(base, relative(base, path)))
