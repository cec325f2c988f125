"""The functions of the language: one row each.

Arity checks, conversion of arguments, completion and docs/functions.md all read the rows. `module` is the
module of this package that holds the function, under its own name, or with an underscore behind it where
Python has a use for the name.
"""

from __future__ import annotations

from bakec.ir.records import NamedTuple
from bakec.ir.types import BOOL, DYNAMIC, NUMBER, STRING, ListType, PrimitiveType, SetType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from bakec.ir.types import Type


class Parameter(NamedTuple):
    """`null`: null is a value for this parameter. Otherwise the call fails before the function sees it."""

    name: str
    type: Type
    null: bool = False


class Function(NamedTuple):
    """`example` is an expression, `result` the expression of its value. `variadic` takes all arguments behind
    `params`. A function that is not `pure` gets the context as its first argument. One that is `lazy` gets
    expressions instead of values and is part of the evaluator."""

    name: str
    module: str
    params: tuple[Parameter, ...]
    doc: str
    example: str
    result: str
    variadic: Parameter | None = None
    pure: bool = True
    lazy: bool = False

    def parameter(self, position: int) -> Parameter:
        """Of the argument at `position`, which is one that `accepts` allows."""
        if position < len(self.params):
            return self.params[position]
        assert self.variadic is not None
        return self.variadic

    def missing(self, count: int) -> Parameter | None:
        """The first parameter that a call with `count` arguments has no value for."""
        return self.params[count] if count < len(self.params) else None

    def accepts(self, count: int) -> bool:
        """Whether `count` arguments are not too many."""
        return self.variadic is not None or count <= len(self.params)


_BYTES = Parameter("buf", PrimitiveType("bytes"))
"""The reference has this type, but nothing that makes a value of it."""
_STR = Parameter("str", STRING)
_TEXT = (_STR,)
_NUM = Parameter("num", NUMBER)
_NUMBER = (_NUM,)
_NUMBERS = (Parameter("a", NUMBER), Parameter("b", NUMBER))
_BOOLS = (Parameter("a", BOOL), Parameter("b", BOOL))
_ANYTHING = (Parameter("a", DYNAMIC, null=True), Parameter("b", DYNAMIC, null=True))
_STRINGS = ListType(STRING)
_LIST = ListType(DYNAMIC)
_SET = SetType(DYNAMIC)
_MANY_SETS = ((Parameter("first_set", _SET),), Parameter("other_sets", _SET))
_VALUES = Parameter("vals", DYNAMIC, null=True)
_FORMAT = (Parameter("format", STRING),)
_FORMAT_ARGS = Parameter("args", DYNAMIC, null=True)
_PREFIX = Parameter("prefix", STRING)
_EXPRESSIONS = Parameter("expressions", DYNAMIC, null=True)

_ROWS = (
    # --- numbers
    # ----------------------------------------------------------------------------------------------
    Function("absolute", "numbers", _NUMBER, "The number without its sign.", "absolute(-3)", "3"),
    Function("add", "numbers", _NUMBERS, "The sum, like `a + b`.", "add(1, 2)", "3"),
    Function("ceil", "numbers", _NUMBER, "The smallest whole number not below.", "ceil(1.2)", "2"),
    Function("divide", "numbers", _NUMBERS, "The quotient, like `a / b`.", "divide(5, 2)", "2.5"),
    Function("floor", "numbers", _NUMBER, "The greatest whole number not above.", "floor(-1.2)", "-2"),
    Function("greaterthan", "numbers", _NUMBERS, "Whether a > b.", "greaterthan(2, 1)", "true"),
    Function("greaterthanorequalto", "numbers", _NUMBERS, "Whether a >= b.", "greaterthanorequalto(1, 2)", "false"),
    Function("int", "numbers", _NUMBER, "The number without its fraction.", "int(-1.9)", "-1"),
    Function("lessthan", "numbers", _NUMBERS, "Whether a < b.", "lessthan(1, 2)", "true"),
    Function("lessthanorequalto", "numbers", _NUMBERS, "Whether a <= b.", "lessthanorequalto(2, 2)", "true"),
    Function(
        "log",
        "numbers",
        (_NUM, Parameter("base", NUMBER)),
        "The logarithm to the given base, in double precision.",
        "log(8, 2)",
        "3",
    ),
    Function(
        "max",
        "numbers",
        (),
        "The greatest of the numbers.",
        "max(3, 10, 7)",
        "10",
        variadic=Parameter("numbers", NUMBER),
    ),
    Function(
        "min",
        "numbers",
        (),
        "The smallest of the numbers.",
        "min(3, 10, 7)",
        "3",
        variadic=Parameter("numbers", NUMBER),
    ),
    Function(
        "modulo",
        "numbers",
        _NUMBERS,
        "The remainder with the sign of a, like `a % b`; a itself if b is zero.",
        "modulo(-5, 3)",
        "-2",
    ),
    Function("multiply", "numbers", _NUMBERS, "The product, like `a * b`.", "multiply(6, 7)", "42"),
    Function("negate", "numbers", _NUMBER, "The number with the other sign, like `-num`.", "negate(5)", "-5"),
    Function(
        "parseint",
        "numbers",
        (Parameter("number", DYNAMIC), Parameter("base", NUMBER)),
        "The integer that a string spells in a base from 2 to 62.",
        'parseint("ff", 16)',
        "255",
    ),
    Function(
        "pow",
        "numbers",
        (_NUM, Parameter("power", NUMBER)),
        "The number raised to the power, in double precision.",
        "pow(2, 10)",
        "1024",
    ),
    Function(
        "range",
        "numbers",
        (),
        "The numbers from start (0) up or down to end, which is left out, by step (1 or -1). At most 1024.",
        "range(1, 10, 3)",
        "[1, 4, 7]",
        variadic=Parameter("params", NUMBER),
    ),
    Function("signum", "numbers", _NUMBER, "-1, 0 or 1 by the sign of a whole number.", "signum(-7)", "-1"),
    Function("subtract", "numbers", _NUMBERS, "The difference, like `a - b`.", "subtract(5, 7)", "-2"),
    # --- logic
    # ------------------------------------------------------------------------------------------------
    Function("and", "logic", _BOOLS, "Whether both are true.", "and(true, false)", "false"),
    Function(
        "can",
        "logic",
        (Parameter("expression", DYNAMIC, null=True),),
        "Whether the expression has a value, rather than an error.",
        'can(parseint("x", 10))',
        "false",
        lazy=True,
    ),
    Function(
        "coalesce",
        "logic",
        (),
        "The first argument that is not null, converted to the type that all share.",
        'coalesce(null, "", "a")',
        '""',
        variadic=_VALUES,
    ),
    Function(
        "convert",
        "logic",
        (Parameter("value", DYNAMIC, null=True), Parameter("type", DYNAMIC)),
        "The value converted to a type, which is written like the type of a variable.",
        'convert(["1", "2"], list(number))',
        "[1, 2]",
        lazy=True,
    ),
    Function(
        "equal",
        "logic",
        _ANYTHING,
        "Whether type and value are the same, like `a == b`.",
        'equal(1, "1")',
        "false",
    ),
    Function("not", "logic", (Parameter("val", BOOL),), "The opposite.", "not(true)", "false"),
    Function("notequal", "logic", _ANYTHING, "Whether type or value differ.", 'notequal("a", "b")', "true"),
    Function("or", "logic", _BOOLS, "Whether one of both is true.", "or(true, false)", "true"),
    Function(
        "try",
        "logic",
        (),
        "The first of the expressions that has a value, rather than an error.",
        'try(parseint("x", 10), 7)',
        "7",
        variadic=_EXPRESSIONS,
        lazy=True,
    ),
    # --- text
    # -------------------------------------------------------------------------------------------------
    Function(
        "basename",
        "text",
        (Parameter("path", STRING),),
        "The last element of a slash-separated path.",
        'basename("a/b/c.txt")',
        '"c.txt"',
    ),
    Function(
        "byteslen",
        "text",
        (_BYTES,),
        "The length of a buffer of bytes. No function makes such a buffer, so it never succeeds.",
        'can(byteslen("abc"))',
        "false",
    ),
    Function(
        "bytesslice",
        "text",
        (_BYTES, Parameter("offset", NUMBER), Parameter("length", NUMBER)),
        "A part of a buffer of bytes. No function makes such a buffer, so it never succeeds.",
        'can(bytesslice("abc", 0, 1))',
        "false",
    ),
    Function("chomp", "text", _TEXT, "The string without line breaks at its end.", 'chomp("a\\n\\n")', '"a"'),
    Function(
        "dirname",
        "text",
        (Parameter("path", STRING),),
        "A slash-separated path without its last element.",
        'dirname("a/b/c.txt")',
        '"a/b"',
    ),
    Function(
        "format",
        "formatting",
        _FORMAT,
        "The format with its verbs (`%v %s %q %d %t %f …`) replaced by the arguments.",
        'format("%s has %03d", "x", 7)',
        '"x has 007"',
        variadic=_FORMAT_ARGS,
    ),
    Function(
        "formatlist",
        "formatting",
        _FORMAT,
        "`format` for each element of the lists among the arguments, which have one length; others repeat.",
        'formatlist("%s:%s", ["a", "b"], "1")',
        '["a:1", "b:1"]',
        variadic=_FORMAT_ARGS,
    ),
    Function(
        "indent",
        "text",
        (Parameter("spaces", NUMBER), _STR),
        "The string with spaces behind each line break.",
        'indent(2, "a\\nb")',
        '"a\\n  b"',
    ),
    Function(
        "join",
        "text",
        (Parameter("separator", STRING),),
        "The elements of all lists with the separator between them.",
        'join(",", ["a", "b"], ["c"])',
        '"a,b,c"',
        variadic=Parameter("lists", _STRINGS),
    ),
    Function("lower", "text", _TEXT, "The string in lower case.", 'lower("ABC")', '"abc"'),
    Function(
        "regex",
        "regexes",
        (Parameter("pattern", STRING), Parameter("string", STRING)),
        "The first match of an RE2 pattern: a string, or its groups as a tuple or (named) as an object.",
        'regex("([a-z]+)-([0-9]+)", "app-12")',
        '["app", "12"]',
    ),
    Function(
        "regex_replace",
        "regexes",
        (_STR, Parameter("pattern", STRING), Parameter("replace", STRING)),
        "The string with all matches of an RE2 pattern replaced; `$1` and `$name` stand for groups.",
        'regex_replace("v1.2", "[0-9]+", "x")',
        '"vx.x"',
    ),
    Function(
        "regexall",
        "regexes",
        (Parameter("pattern", STRING), Parameter("string", STRING)),
        "A list of all matches, each like the result of `regex`.",
        'regexall("[0-9]+", "1a22b")',
        '["1", "22"]',
    ),
    Function(
        "replace",
        "text",
        (_STR, Parameter("substr", STRING), Parameter("replace", STRING)),
        "The string with every occurrence of a part replaced.",
        'replace("a.b.c", ".", "-")',
        '"a-b-c"',
    ),
    Function("reverse", "text", _TEXT, "The characters in reverse order.", 'reverse("abc")', '"cba"'),
    Function(
        "sanitize",
        "text",
        (Parameter("name", STRING),),
        "The string with `_` for all that a target name cannot hold.",
        'sanitize("a.b/c")',
        '"a_b_c"',
    ),
    Function(
        "semvercmp",
        "semver",
        (Parameter("version", STRING), Parameter("contraint", STRING)),
        "Whether a version meets a constraint such as `>= 1.2, < 2`, `~1.2.3`, `^0.2`, `1.x || 3.x`.",
        'semvercmp("1.2.3", "^1.1")',
        "true",
    ),
    Function(
        "split",
        "text",
        (Parameter("separator", STRING), _STR),
        "The parts of a string between separators.",
        'split(",", "a,b")',
        '["a", "b"]',
    ),
    Function("strlen", "text", _TEXT, "The number of characters (grapheme clusters).", 'strlen("añb")', "3"),
    Function(
        "substr",
        "text",
        (_STR, Parameter("offset", NUMBER), Parameter("length", NUMBER)),
        "At most `length` characters from `offset`. A negative offset counts from the end, a negative length "
        "means all the rest.",
        'substr("hello", 1, 3)',
        '"ell"',
    ),
    Function("title", "text", _TEXT, "The string with words capitalized.", 'title("hello world")', '"Hello World"'),
    Function(
        "trim",
        "text",
        (_STR, Parameter("cutset", STRING)),
        "The string without any of the given characters at both ends.",
        'trim("?!a?b!", "!?")',
        '"a?b"',
    ),
    Function(
        "trimprefix",
        "text",
        (_STR, _PREFIX),
        "The string without the prefix, if it has it.",
        'trimprefix("v1.2", "v")',
        '"1.2"',
    ),
    Function("trimspace", "text", _TEXT, "The string without space at both ends.", 'trimspace("  a\\n")', '"a"'),
    Function(
        "trimsuffix",
        "text",
        (_STR, Parameter("suffix", STRING)),
        "The string without the suffix, if it has it.",
        'trimsuffix("a.git", ".git")',
        '"a"',
    ),
    Function("upper", "text", _TEXT, "The string in upper case.", 'upper("abc")', '"ABC"'),
    # --- collections
    # ------------------------------------------------------------------------------------------
    Function(
        "chunklist",
        "collections",
        (Parameter("list", _LIST), Parameter("size", NUMBER)),
        "The list cut into lists of at most `size` elements; 0 cuts nothing.",
        'chunklist(["a", "b", "c"], 2)',
        '[["a", "b"], ["c"]]',
    ),
    Function(
        "coalescelist",
        "collections",
        (),
        "The first list or tuple that is not empty.",
        'coalescelist([], ["a"])',
        '["a"]',
        variadic=_VALUES,
    ),
    Function(
        "compact",
        "collections",
        (Parameter("list", _STRINGS),),
        "The list without empty strings and nulls.",
        'compact(["a", "", "b"])',
        '["a", "b"]',
    ),
    Function(
        "concat",
        "collections",
        (),
        "All lists and tuples one behind the other.",
        'concat(["a"], ["b", "c"])',
        '["a", "b", "c"]',
        variadic=Parameter("seqs", DYNAMIC),
    ),
    Function(
        "contains",
        "collections",
        (Parameter("list", DYNAMIC), Parameter("value", DYNAMIC)),
        "Whether a list, tuple or set holds the value; nothing is converted.",
        'contains(["a", "b"], "b")',
        "true",
    ),
    Function(
        "distinct",
        "collections",
        (Parameter("list", _LIST),),
        "The list with each value once.",
        'distinct(["b", "a", "b"])',
        '["b", "a"]',
    ),
    Function(
        "element",
        "collections",
        (Parameter("list", DYNAMIC), Parameter("index", NUMBER)),
        "The element at an index, which starts over behind the last element.",
        'element(["a", "b"], 3)',
        '"b"',
    ),
    Function(
        "flatten",
        "collections",
        (Parameter("list", DYNAMIC),),
        "A tuple with the elements of all lists within lists.",
        'flatten([["a"], [["b"], "c"]])',
        '["a", "b", "c"]',
    ),
    Function(
        "hasindex",
        "collections",
        (Parameter("collection", DYNAMIC), Parameter("key", DYNAMIC)),
        "Whether a list, tuple or map has an element at an index or key.",
        'hasindex(["a"], 1)',
        "false",
    ),
    Function(
        "index",
        "collections",
        (Parameter("collection", DYNAMIC), Parameter("key", DYNAMIC)),
        "The element of a list, tuple or map at an index or key.",
        'index(["a", "b"], 1)',
        '"b"',
    ),
    Function(
        "indexof",
        "collections",
        (Parameter("list", DYNAMIC), Parameter("value", DYNAMIC)),
        "The index of the first element that equals the value.",
        'indexof(["a", "b"], "b")',
        "1",
    ),
    Function(
        "keys",
        "collections",
        (Parameter("inputMap", DYNAMIC),),
        "The keys of a map or object, sorted.",
        "keys({ b = 1, a = 2 })",
        '["a", "b"]',
    ),
    Function(
        "length",
        "collections",
        (Parameter("collection", DYNAMIC),),
        "The number of elements of a list, tuple, set or map (not of an object).",
        'length(["a", "b"])',
        "2",
    ),
    Function(
        "lookup",
        "collections",
        (Parameter("inputMap", DYNAMIC), Parameter("key", STRING), Parameter("default", DYNAMIC)),
        "The element of a map or object under a key, or the default.",
        'lookup({ a = "x" }, "b", "none")',
        '"none"',
    ),
    Function(
        "merge",
        "collections",
        (),
        "One map or object with the elements of all; later ones win. Nulls are skipped.",
        'merge({ a = "x", b = "y" }, { b = "z" })',
        '{ a = "x", b = "z" }',
        variadic=Parameter("maps", DYNAMIC, null=True),
    ),
    Function(
        "reverselist",
        "collections",
        (Parameter("list", DYNAMIC),),
        "The elements in reverse order.",
        "reverselist([1, 2, 3])",
        "[3, 2, 1]",
    ),
    Function(
        "sethaselement",
        "sets",
        (Parameter("set", _SET), Parameter("elem", DYNAMIC)),
        "Whether a set holds the value.",
        'sethaselement(["a", "b"], "a")',
        "true",
    ),
    Function(
        "setintersection",
        "sets",
        _MANY_SETS[0],
        "What is in all sets.",
        'setintersection(["a", "b"], ["b", "c"])',
        '["b"]',
        variadic=_MANY_SETS[1],
    ),
    Function(
        "setproduct",
        "sets",
        (),
        "All combinations of one element of each list or set; the last varies fastest.",
        'setproduct(["a", "b"], ["x"])',
        '[["a", "x"], ["b", "x"]]',
        variadic=Parameter("sets", DYNAMIC),
    ),
    Function(
        "setsubtract",
        "sets",
        (Parameter("a", _SET), Parameter("b", _SET)),
        "What is in a but not in b.",
        'setsubtract(["a", "b"], ["b"])',
        '["a"]',
    ),
    Function(
        "setsymmetricdifference",
        "sets",
        _MANY_SETS[0],
        "What is in one of two sets but not in both.",
        'setsymmetricdifference(["a", "b"], ["b", "c"])',
        '["a", "c"]',
        variadic=_MANY_SETS[1],
    ),
    Function(
        "setunion",
        "sets",
        _MANY_SETS[0],
        "What is in any of the sets.",
        'setunion(["b"], ["a", "b"])',
        '["a", "b"]',
        variadic=_MANY_SETS[1],
    ),
    Function(
        "slice",
        "collections",
        (Parameter("list", DYNAMIC), Parameter("start_index", NUMBER), Parameter("end_index", NUMBER)),
        "The elements from one index up to another, which is left out.",
        'slice(["a", "b", "c"], 1, 3)',
        '["b", "c"]',
    ),
    Function(
        "sort",
        "collections",
        (Parameter("list", _STRINGS),),
        "The strings in the order of their bytes.",
        'sort(["b", "a", "B"])',
        '["B", "a", "b"]',
    ),
    Function(
        "values",
        "collections",
        (Parameter("mapping", DYNAMIC),),
        "The elements of a map or object, sorted by key.",
        "values({ b = 1, a = 2 })",
        "[2, 1]",
    ),
    Function(
        "zipmap",
        "collections",
        (Parameter("keys", _STRINGS), Parameter("values", DYNAMIC)),
        "A map or object made of keys and as many values.",
        'zipmap(["a", "b"], [1, 2])',
        "{ a = 1, b = 2 }",
    ),
    # --- encoding
    # ---------------------------------------------------------------------------------------------
    Function("base64decode", "encoding", _TEXT, "The text that Base64 spells.", 'base64decode("aGk=")', '"hi"'),
    Function("base64encode", "encoding", _TEXT, "The string in Base64.", 'base64encode("hi")', '"aGk="'),
    Function(
        "csvdecode",
        "encoding",
        _TEXT,
        "A list of objects, one a line; the first line names the attributes.",
        'csvdecode("a,b\\n1,2")',
        '[{ a = "1", b = "2" }]',
    ),
    Function(
        "jsondecode",
        "encoding",
        _TEXT,
        "The value that a JSON text describes.",
        'jsondecode("{\\"a\\": [1, true]}")',
        "{ a = [1, true] }",
    ),
    Function(
        "jsonencode",
        "encoding",
        (Parameter("val", DYNAMIC, null=True),),
        "The value as JSON, keys sorted.",
        "jsonencode({ b = 1, a = [true, null] })",
        '"{\\"a\\":[true,null],\\"b\\":1}"',
    ),
    Function(
        "urlencode",
        "encoding",
        _TEXT,
        "The string for use in a URL query.",
        'urlencode("a b&c")',
        '"a+b%26c"',
    ),
    # --- crypto
    # -----------------------------------------------------------------------------------------------
    Function(
        "bcrypt",
        "crypto",
        _TEXT,
        "A bcrypt hash with a random salt; the cost is 10 if not given.",
        'length(regexall("^[$]2a[$]04[$]", bcrypt("secret", 4)))',
        "1",
        variadic=Parameter("cost", NUMBER),
        pure=False,
    ),
    Function(
        "md5",
        "crypto",
        _TEXT,
        "The MD5 hash, in hexadecimal.",
        'md5("hi")',
        '"49f68a5c8493ec2c0bf489821c21fc3b"',
    ),
    Function(
        "rsadecrypt",
        "crypto",
        (Parameter("ciphertext", STRING), Parameter("privatekey", STRING)),
        "The text of an RSA (PKCS #1 v1.5) ciphertext in Base64, by a private key in PEM.",
        'can(rsadecrypt("aGk=", "no key"))',
        "false",
    ),
    Function(
        "sha1",
        "crypto",
        _TEXT,
        "The SHA-1 hash, in hexadecimal.",
        'sha1("hi")',
        '"c22b5f9178342609428d6f51b2c5af4c0bde6a42"',
    ),
    Function(
        "sha256",
        "crypto",
        _TEXT,
        "The SHA-256 hash, in hexadecimal.",
        'sha256("hi")',
        '"8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"',
    ),
    Function(
        "sha512",
        "crypto",
        _TEXT,
        "The SHA-512 hash, in hexadecimal.",
        'substr(sha512("hi"), 0, 8)',
        '"150a14ed"',
    ),
    Function(
        "uuidv4",
        "crypto",
        (),
        "A random UUID.",
        "strlen(uuidv4())",
        "36",
        pure=False,
    ),
    Function(
        "uuidv5",
        "crypto",
        (Parameter("namespace", STRING), Parameter("name", STRING)),
        "The UUID of a name in a namespace: `dns`, `url`, `oid`, `x500` or a UUID.",
        'uuidv5("dns", "example.com")',
        '"cfbff0d1-9375-5685-968c-48ce8b15ae17"',
    ),
    # --- time
    # -------------------------------------------------------------------------------------------------
    Function(
        "formatdate",
        "time",
        (Parameter("format", STRING), Parameter("time", STRING)),
        "An RFC 3339 timestamp in another format. `formattimestamp` does the same and more.",
        'formatdate("DD MMM YYYY", "2026-08-20T10:00:00Z")',
        '"20 Aug 2026"',
    ),
    Function(
        "formattimestamp",
        "time",
        (Parameter("format", STRING), Parameter("time", DYNAMIC)),
        "An RFC 3339 timestamp, or seconds since 1970, in another format; `X` stands for such seconds.",
        'formattimestamp("YYYY-MM-DD", 0)',
        '"1970-01-01"',
    ),
    Function(
        "timeadd",
        "time",
        (Parameter("timestamp", STRING), Parameter("duration", STRING)),
        "An RFC 3339 timestamp later by a duration such as `1h30m`.",
        'timeadd("2026-08-20T10:00:00Z", "90m")',
        '"2026-08-20T11:30:00Z"',
    ),
    Function("timestamp", "time", (), "Now, in RFC 3339 syntax.", "strlen(timestamp())", "20", pure=False),
    Function(
        "unixtimestampparse",
        "time",
        (Parameter("unix_timestamp", NUMBER),),
        "Seconds since 1970 as an object: year, month, day, hour, minute, second, weekday and more.",
        "unixtimestampparse(0).rfc3339",
        '"1970-01-01T00:00:00Z"',
    ),
    # --- network and machine
    # ----------------------------------------------------------------------------------
    Function(
        "cidrhost",
        "net",
        (_PREFIX, Parameter("hostnum", NUMBER)),
        "The address of a host in a network; negative numbers count from the end.",
        'cidrhost("10.1.0.0/16", 5)',
        '"10.1.0.5"',
    ),
    Function(
        "cidrnetmask",
        "net",
        (_PREFIX,),
        "The netmask of a network.",
        'cidrnetmask("10.0.0.0/12")',
        '"255.240.0.0"',
    ),
    Function(
        "cidrsubnet",
        "net",
        (_PREFIX, Parameter("newbits", NUMBER), Parameter("netnum", NUMBER)),
        "The subnet with a number, after its prefix grew by some bits.",
        'cidrsubnet("10.0.0.0/8", 8, 2)',
        '"10.2.0.0/16"',
    ),
    Function(
        "cidrsubnets",
        "net",
        (_PREFIX,),
        "Subnets one behind the other, whose prefixes grew by the given bits.",
        'cidrsubnets("10.0.0.0/8", 8, 4)',
        '["10.0.0.0/16", "10.16.0.0/12"]',
        variadic=Parameter("newbits", NUMBER),
    ),
    Function("homedir", "net", (), "The home directory of the user.", "can(homedir())", "true", pure=False),
)

FUNCTIONS = {row.name: row for row in _ROWS}
