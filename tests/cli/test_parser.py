"""How the words of a command line are read."""

from collections.abc import Mapping

import pytest

from bakec.cli.parser import Arguments, Parser


def read(*argv: str, env: Mapping[str, str] = {}, words: str = "*") -> Arguments:
    parser = Parser("bakec test", "A test.")
    parser.add_argument("words", nargs=words, metavar="WORD", help="words")
    parser.add_argument("-f", "--file", action="append", default=[], metavar="FILE", help="files")
    parser.add_argument("-j", "--jobs", type=int, default=0, metavar="N", help="a number")
    parser.add_argument("--form", choices=("text", "json"), default="text", help="one of two")
    parser.switch("--no-cache", help="yes or no", default=None)
    return parser.read(argv, env)


def test_what_is_not_given_has_its_default() -> None:
    assert vars(read()) == {"words": [], "file": [], "jobs": 0, "form": "text", "no_cache": None}


@pytest.mark.parametrize("argv", [("-j", "2"), ("-j2",), ("-j=2",), ("--jobs", "2"), ("--jobs=2",), ("-j1", "-j2")])
def test_a_value_stands_behind_its_flag(argv: tuple[str, ...]) -> None:
    assert read(*argv).jobs == int(argv[-1][-1])


def test_a_value_may_look_like_a_flag() -> None:
    assert read("-f", "--jobs=1").file == ["--jobs=1"]


def test_flags_and_words_may_take_turns() -> None:
    found = read("a", "-f", "x", "b", "--file=y=z", "-", "--", "--form")

    assert found.words == ["a", "b", "-", "--form"]
    assert found.file == ["x", "y=z"]


@pytest.mark.parametrize(
    ("argv", "value"), [(("--no-cache",), True), (("--no-cache=F",), False), (("--no-cache", "false"), True)]
)
def test_a_switch_takes_no_word(argv: tuple[str, ...], value: bool) -> None:
    assert read(*argv).no_cache is value


def test_short_switches_may_share_a_word() -> None:
    parser = Parser("bakec test", "A test.")
    parser.switch("-a", "--all", help="all")
    parser.switch("-f", "--force", help="yes")
    assert vars(parser.read(["-af"], {})) == {"all": True, "force": True}


def test_a_value_behind_a_short_flag_replaces_that_of_the_environment() -> None:
    assert read("-fz", env={"BAKEC_FILE": "x"}).file == ["z"]


def test_the_environment_stands_in_for_flags() -> None:
    env = {"BAKEC_FILE": "x\ny\n", "BAKEC_JOBS": "3", "BAKEC_NO_CACHE": "1"}

    assert vars(read(env=env)) == {"words": [], "file": ["x", "y"], "jobs": 3, "form": "text", "no_cache": True}
    assert read("-f", "z", "--jobs=1", env=env).file == ["z"]
    assert read("-f", "z", "--jobs=1", env=env).jobs == 1


@pytest.mark.parametrize(
    ("argv", "words", "message"),
    [
        (["--nope"], "*", "unrecognized arguments: --nope"),
        (["-x1"], "*", "unrecognized arguments: -x1"),
        (["a", "b"], "", "unrecognized arguments: b"),
        ([], "", "the following arguments are required: WORD"),
        ([], "+", "the following arguments are required: WORD"),
        (["-f"], "*", "argument -f/--file: expected one argument"),
        (["-j", "x"], "*", "argument -j/--jobs: invalid int value: 'x'"),
        (["--form=xml"], "*", "argument --form: invalid choice: 'xml' (choose from 'text', 'json')"),
        (["--no-cache=maybe"], "*", 'argument --no-cache: invalid argument "maybe": parsing "maybe": invalid syntax'),
    ],
)
def test_a_mistake_is_told(argv: list[str], words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read(*argv, words=words)

    assert ended.value.code == 2
    assert capsys.readouterr().err == f"ERROR: {message}\n  hint: 'bakec test --help' tells the options\n"


def test_help_names_every_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read("a", "-h")

    assert ended.value.code == 0
    assert (
        capsys.readouterr().out
        == """\
usage: bakec test [options] WORD ...

A test.

  WORD                      words
  -h, --help                show this help
  -f, --file FILE           files
  -j, --jobs N              a number
  --form {text,json}        one of two
  --no-cache[=BOOL]         yes or no
"""
    )
