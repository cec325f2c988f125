"""What is refused once the YAML is read, with the reference's words; and that messages point at the place."""

import pytest

from bakec.compiler.compose.shortforms import port_problem, volume_problem
from tests.compose.loading import errors, load, load_text

REFUSED = [
    (
        "services: {a: {build: {context: ., args: [A: 1]}}}",
        "services.a.build.args.[0]: unexpected type map[string]interface {}",
    ),
    ("services:", "services must be a mapping"),
    ("services: []", "services must be a mapping"),
    ("services: {a: 5}", "services.a must be a mapping"),
    (
        'services:\n  a:\n    build:\n      context: .\n      no_cache: "maybe"\n',
        "decoding failed due to the following error(s):\n\n'services[a].build.no_cache' invalid boolean: maybe",
    ),
    ("services: {a: {image: 5, build: .}}", "services.a.image must be a string"),
    (
        'services: {a: {build: {context: ., ulimits: {nofile: "5"}}}}',
        "services.a.build.ulimits.nofile: invalid type string for external",
    ),
    (
        "services: {a: {build: {context: ., shm_size: abc}}}",
        "decoding failed due to the following error(s):\n\n'services[a].build.shm_size' invalid size: 'abc'",
    ),
    ("services: {a: {build: {context: ., platforms: [5]}}}", "services.a.build.platforms.0 must be a string"),
    ("services: {a: {build: {context: ., cache_from: x}}}", "services.a.build.cache_from must be a array"),
    (
        "services: {a: {build: {context: ., labels: {a: [x]}}}}",
        "services.a.build.labels.a must be a boolean, null, number or string",
    ),
    (
        'services: {a: {build: {context: ., cache_from: ["type=x,y"]}}}',
        "failed to parse compose file: invalid value y",
    ),
    (
        'services: {a: {build: {context: ., x-bake: {pull: "true"}}}}',
        "failed to parse compose file: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `true` into bool",
    ),
    (
        "services: {a: {build: {context: ., x-bake: 5}}}",
        "failed to parse compose file: yaml: unmarshal errors:\n  line 1: cannot unmarshal !!int `5` into bake.xbake",
    ),
    (
        'services: {a: {build: {context: ., x-bake: {secret: ["foo=1"]}}}}',
        "failed to parse compose file: unexpected key 'foo' in 'foo=1'",
    ),
    (
        "services: {a: {build: {context: ., secrets: [s]}}}",
        'failed to parse compose file: service "a" refers to undefined build secret s: invalid compose project',
    ),
    (
        "services: {a: {build: {context: ., secrets: [s]}}}\nsecrets: {s: {}}",
        'failed to parse compose file: secret "s" must declare either `file` or `environment`: invalid compose project',
    ),
    (
        "services: {a: {build: {context: ., secrets: [s]}}}\nsecrets: {s: {external: true}}",
        "failed to parse compose file: unsupported external secret ",
    ),
    (
        'services: {a: {build: {context: ., additional_contexts: {b: "service:zz"}}}}',
        'failed to parse compose file: service "a" declares unknown service "zz" as additional contexts b',
    ),
    (
        'services: {a: {build: {context: ., additional_contexts: {b: "service:c"}}}, c: {image: x}}',
        'failed to parse compose file: service "a" declares non-buildable service "c" as additional contexts b',
    ),
    ("services: {a: {build: {context: ., ssh: [foo]}}}", 'invalid ssh key "foo"'),
    (
        'services: {a: {build: {context: ., extra_hosts: ["foo"]}}}',
        (
            "decoding failed due to the following error(s):\n\n'services[a].build.extra_hosts' invalid "
            "additional host, missing IP: foo"
        ),
    ),
    (
        "services: {a: {build: {context: ., dockerfile: x, dockerfile_inline: y}}}",
        (
            'failed to parse compose file: service "a" declares mutualy exclusive dockerfile and '
            "dockerfile_inline: invalid compose project"
        ),
    ),
    ('services: {"a b": {build: .}}', "services additional properties 'a b' not allowed"),
    (
        "services: {a: {image: x, env_file: nope.env}}",
        "env file nope.env not found: stat nope.env: no such file or directory",
    ),
    ('services: {a: {build: .,  ports: ["x:1"]}}', "invalid hostPort: x"),
    (
        'services: {a: {build: {context: "${X:?no x}", args: {B: "${Y?}"}}}}',
        (
            "error while interpolating services.a.build.args.B: required variable Y is missing a value\nerror "
            "while interpolating services.a.build.context: required variable X is missing a value: no x"
        ),
    ),
    (
        "services: {a: {build: ., privileged: maybe}}",
        "error while interpolating services.a.privileged: failed to cast to expected type: invalid boolean: maybe",
    ),
    (
        'services: {a: {build: ., scale: "x"}}',
        (
            "error while interpolating services.a.scale: failed to cast to expected type: strconv.Atoi: "
            'parsing "x": invalid syntax'
        ),
    ),
    ("services: {a: {build: {context: ., secrets: [5]}}}", "services.a.build.secrets.[]: unsupported type int"),
    (
        'services: {a: {build: {context: ., x-bake: {cache-to: ["type="]}}}}',
        'failed to parse compose file: type required for "type="',
    ),
    (
        "services: {a: {build: {context: ., ulimits: {foo: {soft: 1, hard: 2}}}}}",
        "failed to parse compose file: invalid ulimit type: foo",
    ),
    (
        "services: {a: {build: {context: ., ulimits: {nofile: {soft: 5, hard: 2}}}}}",
        "failed to parse compose file: ulimit soft limit must be less than or equal to hard limit: 5 > 2",
    ),
    (
        "services: {a: {build: {context: ., ulimits: {nofile: {soft: 5}}}}}",
        "services.a.build.ulimits.nofile must be a integer or string",
    ),
    ("services: {a: {build: {context: ., no_cache: 5}}}", "services.a.build.no_cache must be a boolean or string"),
    ("services: {a: {build: .}}\nsecrets: []", "secrets must be a mapping"),
    ("services: {a: {build: {context: ., tags: x}}}", "services.a.build.tags must be a array"),
    ('services: {a: {build: {context: ., provenance: "a b"}}}', "failed to parse compose file: invalid value a b"),
    (
        "services: {a: {build: {context: ., additional_contexts: [x]}}}",
        "services.a.build.additional_contexts: invalid value x, expected key=value",
    ),
    (
        "services: {a: {build: {context: ., cache_from: [x, x]}, image: i, environment: {A: {}}}}",
        "services.a.environment.A must be a boolean, null, number or string",
    ),
    ("a: &b 5\n---\nservices: {a: {image: *b, build: .}}", "services.a.image must be a string"),
    (
        "services: {a: {build: {context: ., target: 2001-01-01}}}",
        (
            "decoding failed due to the following error(s):\n\n'services[a].build.target' expected type "
            "'string', got unconvertible type 'time.Time'"
        ),
    ),
    (
        'services: {a: {build: {context: ., args: ["A ", "B=1"]}}}',
        (
            "decoding failed due to the following error(s):\n\n'services[a].build.args' environment variable A "
            " is declared with a trailing space"
        ),
    ),
    (
        'services: {a: {build: {context: ., extra_hosts: ["a:1.2.3.4", "a=::1,[::2]", "=x"]}}}',
        "decoding failed due to the following error(s):\n\n'services[a].build.extra_hosts' bad host name ''",
    ),
    ("services: {a: {build: {context: ., extra_hosts: {a: }}}}", "services.a.build.extra_hosts.a must be a string"),
    (
        'services: {a: {build: {context: ., shm_size: 1.5, no_cache: "YES", pull: "true"}}}',
        "services.a.build.shm_size must be a integer or string",
    ),
]

POINTS_AT = [
    # text, what the first message is about
    ("services: {a: {build: {context: ., foo: 1}}}", "foo"),
    ("services: {a: {build: {context: ., tags: x}}}", "x"),
    ("services: {a: {build: {context: ., args: {A: '${'}}}}", "'${'"),
    ("services: {a: {build: {context: ., no_cache: maybe}}}", "maybe"),
    ("services: {a: {build: {context: ., cache_from: ['type=x,y']}}}", "'type=x,y'"),
    ("services: {a: {}}", "a"),
    ("services: {a: {build: {context: ., secrets: [s]}}}", "s"),
    ("services: {a: {build: ., env_file: nope.env}}", "nope.env"),
    ("services: {a: {build: ., ports: ['x:1']}}", "'x:1'"),
    ("services: {1: {build: .}}", "1"),
    ("services: {a: {build: ., extends: b}}", "b"),
    ("include: [x.yml]", "x.yml"),
]

PORTS = {
    "80": "",
    "80:80": "",
    "127.0.0.1:1-2:3-4/udp": "",
    "[::1]:5:6": "",
    "::1:80:80": "",
    "8000-9000:80": "",
    "+80:1": "",
    "": "no port specified: <empty>",
    ":": "no port specified: :<empty>",
    "80:": "no port specified: 80:<empty>",
    "/tcp": "no port specified: /tcp<empty>",
    "80/foo": "invalid proto: foo",
    "a:80": "invalid hostPort: a",
    "80:a": "invalid containerPort: a",
    "70000": "invalid containerPort: 70000",
    "5-4": "invalid containerPort: 5-4",
    "80-": "invalid containerPort: 80-",
    "1.2.3:80:80": "invalid IP address: 1.2.3",
    "1-2:1-3": "invalid ranges specified for container and host Ports: 1-3 and 1-2",
}

VOLUMES = {
    "/x": "",
    "a:b": "",
    "./a:/b:ro": "",
    "c:\\x:/y": "",
    "::": "",
    "": "invalid empty volume spec",
    ":x:": "invalid spec: :x:: empty section between colons",
    "abc:": "invalid spec: abc:: empty section between colons",
    "::cached": "invalid spec: ::cached: empty section between colons",
    "ab:cd:ef:gh": "invalid spec: ab:cd:ef:gh: too many colons",
    "${X}:bb:cc:dd:": "invalid spec: ${X}:bb:cc:dd:: too many colons",
}


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_refused(text: str, message: str) -> None:
    _, sink = load_text(text)

    assert message == errors(sink)


@pytest.mark.parametrize(("text", "place"), POINTS_AT)
def test_a_message_points_at_its_place(text: str, place: str) -> None:
    _, sink = load_text(text)

    subject = sink.errors[0].subject
    assert subject is not None
    assert place == subject.text


@pytest.mark.parametrize("text", PORTS)
def test_ports(text: str) -> None:
    assert PORTS[text] == port_problem(text)


@pytest.mark.parametrize("text", VOLUMES)
def test_volumes(text: str) -> None:
    assert VOLUMES[text] == volume_problem(text)


def test_everything_inconsistent_is_reported() -> None:
    _, sink = load_text("services: {a: {}, b: {build: {context: ., secrets: [s, t]}}}")

    assert len(sink.errors) == 3


def test_a_message_of_the_whole_project_names_its_file() -> None:
    files = {"one.yml": "services: {a: {image: x}}", "two.yml": "services: {b: {extends: a}, c: {extends: b}}"}

    _, sink = load(files, ("one.yml", "two.yml"))

    assert errors(sink) == 'cannot extend service "b" in : service "a" not found'


def test_two_services_of_one_target() -> None:
    _, sink = load_text("services: {a.b: {build: .}, a_b: {build: .}}")

    message = 'failed to parse compose file: services "a.b" and "a_b" would both be target "a_b"'
    assert message == errors(sink)


def test_a_key_that_is_almost_right() -> None:
    _, sink = load_text("services: {a: {build: {contex: .}}}")

    assert sink.errors[0].hint == "did you mean `context`?"
