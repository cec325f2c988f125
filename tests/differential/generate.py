"""Definitions made up from a number: the same seed gives the same files, arguments and environment.

Most of them are valid and use much of the language at once; some hold one mistake. They keep to what every release of
the reference since 0.29 knows, and to what is deterministic there.
"""

# ruff: noqa: E501 - one text a line reads better than several lines a text

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final, NamedTuple

TEXTS: Final = (
    *("", "a", "b-1", "x y", "é", "a,b", "1", "true", "0.5", "v1.2.3", "ß", "k=v", "A", "a/b", "$${x}", "%%{y}"),
    *("<&>", "\\n", '\\"q\\"', "linux", "10", " pad ", "日本", "$", "%", "\\u00e9", "\\t"),
)
PLATFORMS: Final = ("linux/amd64", "linux/arm64", "linux/arm/v7", "arm64", "local", "linux/s390x", "linux/arm64/v8")
OUTPUTS: Final = (
    *("type=registry", "type=image,push=true", "type=image,name=x", "type=docker", "type=cacheonly"),
    *("type=local,dest=out", "out2", "type=tar,dest=o.tar", "type=oci,dest=o.oci", "type=docker,dest=d.tar"),
)
CACHES: Final = (
    *("type=registry,ref=u/c", "u/a", "type=gha,scope=s", "type=inline", "type=local,src=c", "u/a,u/b"),
    "type=registry,ref=u/d,mode=max",
)
ATTESTS: Final = ("type=provenance,mode=max", "type=sbom", "type=provenance,disabled=true", "type=sbom,generator=g")
SECRETS: Final = ("id=a,src=f.txt", "id=b,env=B", "type=env,id=c", "id=a,env=A2", "id=d,type=file,src=f.txt")
SIZES: Final = ("128m", "1g", "64MB", "1024", "2kb", "1.5m")
ULIMITS: Final = ("nofile=1024:2048", "nproc=10", "core=0")
ANNOTATIONS: Final = ("a=b", "manifest:k=v", "index,manifest:k=v w", "manifest[linux/amd64]:k=v")


class Case(NamedTuple):
    """One run: files by name, arguments of `bake --print` (behind the `-f` flags), and environment.

    `unordered`: a matrix of several keys, whose combinations come in no fixed order from the reference.
    """

    files: dict[str, str]
    args: tuple[str, ...]
    env: dict[str, str]
    unordered: bool


@dataclass(slots=True)
class Block:
    type: str
    label: str
    attributes: dict[str, str] = field(default_factory=dict)
    blocks: list["Block"] = field(default_factory=list)


def generate(seed: int) -> Case:
    return Author(Random(seed)).case()


class Author:
    """Writes one case. `names` holds what is in scope, by kind of value."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.names: dict[str, list[str]] = {kind: [] for kind in KINDS}
        self.functions: list[tuple[str, int]] = []
        self.targets: list[str] = []
        self.groups: list[str] = []
        self.unordered = False
        self.wild = rng.choice((0.0, 0.0, 0.01, 0.03))
        """How often an expression is of the wrong kind, or names what is not there."""

    def chance(self, share: float) -> bool:
        return self.rng.random() < share

    def pick(self, items: Sequence[str]) -> str:
        return self.rng.choice(items)

    def several(self, items: Sequence[str], most: int = 3) -> list[str]:
        return [self.pick(items) for _ in range(self.rng.randint(0, most))]

    # --- a case -------------------------------------------------------------------------------------------------

    def case(self) -> Case:
        blocks = [self.variable(f"v{at}") for at in range(self.rng.randint(0, 4))]
        blocks += [self.function(f"f{at}") for at in range(self.rng.randint(0, 2))]
        globals_ = {f"g{at}": self.global_(f"g{at}") for at in range(self.rng.randint(0, 2))}
        self.targets = [f"t{at}" for at in range(self.rng.randint(1, 5))]
        blocks += [self.target(name, at) for at, name in enumerate(self.targets)]
        blocks += [self.group(f"grp{at}") for at in range(self.rng.randint(0, 2))]
        if self.chance(0.5):
            blocks.append(self.group("default"))
        if self.chance(0.3):
            blocks.append(self.target(self.pick(self.targets), 1))
        files = self.files(blocks, globals_)
        if self.chance(0.06):
            files = {name: self.damage(text) for name, text in files.items()}
        return Case(files, tuple(self.arguments()), self.environment(), self.unordered)

    def files(self, blocks: list[Block], globals_: dict[str, str]) -> dict[str, str]:
        """The blocks in one or two files, each HCL or JSON."""
        if not self.chance(0.3):
            return self.file("docker-bake", blocks, globals_)
        at = self.rng.randint(0, len(blocks))
        return {
            **self.file("docker-bake", blocks[:at], globals_),
            **self.file("docker-bake.override", blocks[at:], {}),
        }

    def file(self, stem: str, blocks: list[Block], globals_: dict[str, str]) -> dict[str, str]:
        if self.chance(0.2):
            return {f"{stem}.json": as_json(blocks, globals_)}
        return {f"{stem}.hcl": as_hcl(blocks, globals_)}

    def damage(self, text: str) -> str:
        """One character less, more or other than it should be."""
        at = self.rng.randrange(len(text) + 1)
        return text[:at] + self.pick(("", "}", "{", '"', "=", "$", "\n", "[", "€", ",")) + text[at + 1 :]

    def arguments(self) -> list[str]:
        known = [*self.targets, *self.groups, "t*", "*"]
        wanted = [self.pick(known) for _ in range(self.rng.randint("default" not in self.groups, 2))]
        if self.chance(0.01):
            wanted.append("nope")
        return [*(f"--set={self.override()}" for _ in range(self.rng.choice((0, 0, 0, 1, 2)))), *wanted]

    def override(self) -> str:
        pattern = self.pick((*self.targets, "*", "t*"))
        key, values = self.pick_override()
        return f"{pattern}.{key}={self.pick(values)}"

    def pick_override(self) -> tuple[str, Sequence[str]]:
        return self.rng.choice((
            ("tags", ("u/x", "")), ("tags+", ("u/y",)), ("args.A", ("1", "", "a b")), ("platform", PLATFORMS),
            ("platform+", PLATFORMS), ("cache-from", CACHES), ("cache-from+", CACHES), ("cache-to", CACHES),
            ("output", OUTPUTS), ("context", (".", "sub", "./x/")), ("dockerfile", ("D", "")), ("target", ("s", "")),
            ("pull", ("true", "0", "maybe")), ("no-cache", ("true",)), ("labels.k.l", ("v",)), ("load", ("true",)),
            ("push", ("true", "false")), ("attest", ATTESTS), ("contexts.c", ("docker-image://a", "")),
            ("secrets", SECRETS), ("shm-size", SIZES), ("annotations", ANNOTATIONS), ("nope", ("1",)),
            ("extra-hosts.h", ("1.2.3.4",)), ("entitlements", ("network.host",)), ("call", ("check", "build")),
        ))  # fmt: skip

    def environment(self) -> dict[str, str]:
        values = ("1", "true", "a b", "", "2.5", "x,y", "k:v")
        env = {f"v{at}": self.pick(values) for at in range(5) if self.chance(0.1)}
        if self.chance(0.05):
            env["v0_JSON"] = self.pick(('["a"]', '{"k":"v"}', "1", '"s"', "nope"))
        return env

    # --- blocks -------------------------------------------------------------------------------------------------

    def variable(self, name: str) -> Block:
        kind = self.pick(KINDS)
        block = Block("variable", name)
        if self.chance(0.3):
            block.attributes["type"] = TYPES[kind]
        if self.chance(0.9):
            block.attributes["default"] = self.expr(kind, 2)
        if self.chance(0.1):
            block.attributes["description"] = '"what it is"'
        if self.chance(0.15):
            condition = f"{name} != {self.expr(kind, 0)}"
            block.blocks.append(Block("validation", "", {"condition": condition, "error_message": '"not so"'}))
        self.names[kind].append(name)
        return block

    def function(self, name: str) -> Block:
        count = self.rng.randint(0, 2)
        params = [f"p{at}" for at in range(count)]
        before = {kind: list(names) for kind, names in self.names.items()}
        self.names["text"].extend(params)
        result = self.expr("text", 2)
        self.names = before
        self.functions.append((name, count))
        return Block("function", name, {"params": f"[{', '.join(params)}]", "result": result})

    def global_(self, name: str) -> str:
        kind = self.pick(KINDS)
        made = self.expr(kind, 2)
        self.names[kind].append(name)
        return made

    def group(self, name: str) -> Block:
        members = [*self.targets, *self.groups]
        self.groups.append(name)
        return Block("group", name, {"targets": quoted(self.several(members) or [self.pick(self.targets)])})

    def target(self, name: str, at: int) -> Block:
        block = Block("target", name)
        before = {kind: list(names) for kind, names in self.names.items()}
        if self.chance(0.12):
            self.matrix(block)
        if at and self.chance(0.4):
            block.attributes["inherits"] = quoted(self.several(self.targets[:at], 2))
        for attribute, make in ATTRIBUTES.items():
            if self.chance(0.13):
                block.attributes[attribute] = make(self, at)
        self.names = before
        if self.chance(0.7):
            self.names["text"].append(f"target.{name}.{self.pick(('context', 'name', 'dockerfile'))}")
        return block

    def matrix(self, block: Block) -> None:
        keys = [f"m{at}" for at in range(self.rng.randint(1, 2))]
        self.unordered |= len(keys) > 1
        rows = {key: ", ".join(f'"{key}{at}"' for at in range(self.rng.randint(1, 3))) for key in keys}
        block.attributes["matrix"] = "{ " + ", ".join(f"{key} = [{row}]" for key, row in rows.items()) + " }"
        if self.chance(0.9):
            block.attributes["name"] = '"' + block.label + "".join(f"-${{{key}}}" for key in keys) + '"'
        self.names["text"].extend(keys)

    # --- expressions --------------------------------------------------------------------------------------------

    def expr(self, kind: str, depth: int) -> str:
        """An expression of a kind, mostly."""
        if self.chance(self.wild):
            kind = self.pick(KINDS)
        if self.chance(self.wild):
            return self.pick(("nope", "null", "vv1", "uper(1)", "1 / 0", "[]", "upper()", '"${null} x"'))
        names = self.names[kind]
        if names and self.chance(0.3):
            return self.pick(names)
        if depth <= 0:
            return self.literal(kind)
        if self.chance(0.1):
            parts = (self.expr("flag", depth - 1), self.expr(kind, depth - 1), self.expr(kind, depth - 1))
            return "({} ? {} : {})".format(*parts)
        return self.compound(kind, depth - 1)

    def literal(self, kind: str) -> str:
        match kind:
            case "text":
                return f'"{self.pick(TEXTS)}"'
            case "number":
                return self.pick(("0", "1", "2", "-1", "0.1", "10", "1e3", "12345678901234567890", "2.50"))
            case "flag":
                return self.pick(("true", "false"))
            case "list":
                return quoted(self.several(TEXTS))
            case _:
                return (
                    "{ " + ", ".join(f"k{at} = {self.literal('text')}" for at in range(self.rng.randint(0, 3))) + " }"
                )

    def compound(self, kind: str, depth: int) -> str:
        """One of the templates of a kind, its holes filled: `<text>` is an expression of kind text."""
        if kind == "text" and self.functions and self.chance(0.2):
            name, count = self.rng.choice(self.functions)
            return f"{name}({', '.join(self.expr('text', depth) for _ in range(count))})"
        head, *rest = self.pick(TEMPLATES[kind]).split("<")
        for part in rest:
            inner, _, tail = part.partition(">")
            head += self.expr(inner, depth) + tail if inner in KINDS else f"<{part}"
        return head

    # --- attributes ---------------------------------------------------------------------------------------------

    def one_of(self, texts: Sequence[str]) -> str:
        return f'"{self.pick(texts)}"'

    def list_of(self, texts: Sequence[str]) -> str:
        """A list of some of the texts; one of them now and then made by an expression."""
        items = [f'"{text}"' for text in self.several(texts)]
        if items and self.chance(0.2):
            items[0] = f'(<flag> ? {items[0]} : "")'.replace("<flag>", self.expr("flag", 1))
        return f"[{', '.join(items)}]"

    def table(self) -> str:
        items = [f"{key} = {self.expr('text', 2)}" for key in ("A", "B", '"c.d"', "E") if self.chance(0.5)]
        return "{ " + ", ".join(items) + " }"

    def contexts(self, at: int) -> str:
        values = [
            "docker-image://alpine",
            "sub",
            "../up",
            "https://h/x.git",
            *(f"target:{one}" for one in self.targets[:at]),
        ]
        if self.chance(0.02):
            values.append(f"target:{self.targets[-1]}")
        return "{ " + ", ".join(f'c{key} = "{self.pick(values)}"' for key in range(self.rng.randint(1, 2))) + " }"

    def entries(self, objects: Sequence[str], texts: Sequence[str]) -> str:
        items = [self.pick(objects) if self.chance(0.4) else self.one_of(texts) for _ in range(self.rng.randint(0, 3))]
        return f"[{', '.join(items)}]"


def quoted(items: Sequence[str]) -> str:
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


KINDS: Final = ("text", "number", "flag", "list", "map")
TYPES: Final = {
    "text": "string", "number": "number", "flag": "bool", "list": "list(string)", "map": "map(string)",
}  # fmt: skip
TEMPLATES: Final[dict[str, tuple[str, ...]]] = {
    "text": (
        '"a-${<text>}"', '"${<number>}x${<text>}"', '"${<flag>}"', "upper(<text>)", "lower(<text>)", "title(<text>)",
        'replace(<text>, "a", <text>)', 'join(",", <list>)', "trimspace(<text>)", "format(\"%s-%v\", <text>, <number>)",
        'substr(<text>, 0, 2)', "coalesce(<text>, <text>)", 'lookup(<map>, "k0", <text>)', "sha256(<text>)",
        "base64encode(<text>)", 'regex_replace(<text>, "[a-z]", "z")', "jsonencode(<list>)", "jsonencode(<map>)",
        "indent(2, <text>)", "try(<list>[0], <text>)", '"%{ if <flag> }y%{ else }n%{ endif }"', "md5(<text>)",
        '"%{ for i, x in <list> }${i}${x},%{ endfor }"', "sanitize(<text>)", "reverse(<text>)", "chomp(<text>)",
        'trimprefix(<text>, "a")', "urlencode(<text>)", "dirname(<text>)", "basename(<text>)",
        'formatdate("YYYY", "2020-01-02T03:04:05Z")', 'timeadd("2020-01-02T03:04:05Z", "1h")', "element(concat(<list>, [\"z\"]), 1)",
        'jsonencode({ n = <number>, f = <flag>, t = <text> })', 'cidrhost("10.0.0.0/8", 5)', "uuidv5(\"dns\", <text>)",
        'format("%05d|%q", 3, <text>)', 'format("%v", <list>)', 'split(",", <text>)[0]', 'merge(<map>, { z = "q" }).z',
        '"${<text>}${~ "s" ~} t"', "trim(<text>, \"a\")", 'csvdecode("a,b\\n1,2")[0].b', 'regex("[a-z]*", <text>)',
    ),
    "number": (
        "(<number> + <number>)", "(<number> * <number>)", "(<number> - 1)", "(<number> / 4)", "(<number> % 3)", "-<number>",
        "length(<list>)", "strlen(<text>)", "max(<number>, <number>)", "min(<number>, 5)", "floor(<number>)", "ceil(<number>)",
        "absolute(<number>)", "int(<number>)", 'parseint("ff", 16)', "signum(<number>)", "pow(2, 3)", "add(<number>, <number>)",
        "log(8, 2)", 'try(index([1, 2], 0), 3)', "divide(<number>, 2)", "multiply(<number>, 3)",
    ),
    "flag": (
        "(<text> == <text>)", "(<number> < <number>)", "(<number> >= 1)", "(<flag> && <flag>)", "(<flag> || <flag>)", "!<flag>",
        "contains(<list>, <text>)", "can(<list>[0])", 'and(<flag>, <flag>)', "(<list> != [])", "equal(<text>, <text>)",
        'not(<flag>)', "(<text> != null)", "greaterthan(<number>, <number>)", "can(regex(\"^a\", <text>))", "hasindex(<list>, 0)",
    ),
    "list": (
        "[<text>, <text>]", 'split(",", <text>)', "concat(<list>, <list>)", "distinct(<list>)", "[for x in <list> : upper(x)]",
        "[for k, v in <map> : \"${k}=${v}\"]", "sort(<list>)", "reverselist(<list>)", "compact(<list>)", "flatten([<list>, <list>])",
        "keys(<map>)", "values(<map>)", "[for x in <list> : x if x != \"\"]", "formatlist(\"%s-x\", <list>)", "range(3)",
        "[for n in range(2) : n + <number>]", "setunion(<list>, <list>)", "<list>[*]", "slice([<text>, <text>, <text>], 0, 2)",
        "chunklist([<text>, <text>], 1)[0]", "setproduct([<text>], [<text>, \"z\"])[0]", "[<map>].*.k0", "regexall(\"[a-z]\", <text>)",
        "jsondecode(jsonencode(<list>))",
    ),
    "map": (
        "{ k0 = <text>, k1 = <text> }", "merge(<map>, <map>)", "{ for x in <list> : x => upper(x)... }", "zipmap([\"k0\", \"z\"], [<text>, <text>])",
        "{ for k, v in <map> : upper(k) => v }", "{ (<text>) = <text> }", "jsondecode(jsonencode(<map>))", "{ \"k0\" : <text> }",
        "{ for i, x in [<text>, <text>] : \"k${i}\" => x }", "{ k0 = <number> }",
    ),
}  # fmt: skip
"""Expressions with holes."""

ATTRIBUTES: Final[dict[str, Callable[[Author, int], str]]] = {
    "description": lambda author, at: author.expr("text", 1),
    "context": lambda author, at: author.pick(
        ('"."', '"./sub/"', '"cwd://x"', '"https://h/r.git#b"', author.expr("text", 1))
    ),
    "contexts": Author.contexts,
    "dockerfile": lambda author, at: author.pick(('"D"', '""', author.expr("text", 1))),
    "dockerfile-inline": lambda author, at: author.pick(
        ('"FROM scratch\\n"', "<<EOT\nFROM a\nRUN $${b}\nEOT\n", author.expr("text", 1))
    ),
    "args": lambda author, at: author.table(),
    "labels": lambda author, at: author.expr("map", 2),
    "tags": lambda author, at: author.pick((author.list_of(("u/a", "u/b:1", "u/a")), author.expr("list", 2))),
    "cache-from": lambda author, at: author.entries(('{ type = "registry", ref = "u/c" }', '{ type = "gha" }'), CACHES),
    "cache-to": lambda author, at: author.entries(('{ type = "inline" }', '{ type = "local", dest = "c" }'), CACHES),
    "target": lambda author, at: author.expr("text", 1),
    "secret": lambda author, at: author.entries(('{ id = "a", src = "f.txt" }', '{ id = "e", env = "E" }'), SECRETS),
    "platforms": lambda author, at: author.list_of(PLATFORMS),
    "output": lambda author, at: author.entries(
        ('{ type = "image", push = true }', '{ type = "local", dest = "o" }'), OUTPUTS[:5]
    ),
    "pull": lambda author, at: author.expr("flag", 1),
    "no-cache": lambda author, at: author.expr("flag", 1),
    "network": lambda author, at: author.one_of(("host", "none", "default")),
    "no-cache-filter": lambda author, at: author.expr("list", 1),
    "shm-size": lambda author, at: author.one_of(SIZES),
    "ulimits": lambda author, at: author.list_of(ULIMITS),
    "call": lambda author, at: author.one_of(("check", "outline", "build")),
    "entitlements": lambda author, at: author.list_of(("network.host", "security.insecure")),
    "extra-hosts": lambda author, at: '{ h = "1.2.3.4", i = "::1" }',
    "annotations": lambda author, at: author.list_of(ANNOTATIONS),
    "attest": lambda author, at: author.entries(
        ('{ type = "sbom" }', '{ type = "provenance", mode = "min" }'), ATTESTS
    ),
    "unknown": lambda author, at: '"is ignored"',
}


# --- writing --------------------------------------------------------------------------------------------------------


def as_hcl(blocks: Sequence[Block], globals_: dict[str, str]) -> str:
    lines = [f"{name} = {expr}" for name, expr in globals_.items()]
    for block in blocks:
        lines.extend(_hcl(block, ""))
    return "\n".join(lines) + "\n"


def _hcl(block: Block, indent: str) -> list[str]:
    label = f' "{block.label}"' if block.label else ""
    lines = [f"{indent}{block.type}{label} {{"]
    lines += [f"{indent}  {name} = {expr}" for name, expr in block.attributes.items()]
    for inner in block.blocks:
        lines += _hcl(inner, indent + "  ")
    return [*lines, f"{indent}}}"]


def as_json(blocks: Sequence[Block], globals_: dict[str, str]) -> str:
    """The same as HCL-JSON: expressions stand in templates."""
    document: dict[str, object] = {name: _template(expr) for name, expr in globals_.items()}
    by_type: dict[str, list[dict[str, object]]] = {}
    for block in blocks:
        by_type.setdefault(block.type, []).append({block.label: _json_body(block)})
    return json.dumps({**document, **by_type}, indent=1, ensure_ascii=False)


def _json_body(block: Block) -> dict[str, object]:
    body: dict[str, object] = {name: _json_value(block, name, expr) for name, expr in block.attributes.items()}
    for inner in block.blocks:
        body.setdefault(inner.type, _json_body(inner))
    return body


def _json_value(block: Block, name: str, expr: str) -> object:
    if name in ("type", "result") and block.type != "target":
        return expr if name == "type" else _template(expr)
    if block.type == "function":
        return [one for one in expr.strip("[]").split(", ") if one]
    if name in ("inherits", "targets", "matrix") and "=" not in expr:
        return json.loads(expr)
    if expr.startswith("<<"):
        return expr.partition("\n")[2].rpartition("EOT")[0]
    return _template(expr)


def _template(expr: str) -> str:
    return f"${{{expr}}}"
