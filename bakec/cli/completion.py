"""`bakec completion`: completion of verbs, flags and targets for a shell.

The script of a shell hands over the words up to the cursor, and gets what the last one may become. Where that is a
file it gets nothing, and completes files by itself.
"""

from __future__ import annotations

from itertools import pairwise

from bakec.cli.main import VERBS, load
from bakec.cli.parser import DESCRIBE, Described, Parser
from bakec.ir.diagnostics import Diagnostics, Failed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Final

_BASH: Final = """\
_bakec() {
    local IFS=$'\\n'
    COMPREPLY=($(bakec completion words -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null </dev/null))
}
complete -o default -F _bakec bakec
"""
_ZSH: Final = """\
#compdef bakec
_bakec() {
    local -a found
    found=("${(@f)$(bakec completion words -- "${(@)words[2,CURRENT]}" 2>/dev/null </dev/null)}")
    if [[ -n "$found" ]]; then compadd -Q -a found; else _files; fi
}
if [[ "$funcstack[1]" = _bakec ]]; then _bakec; else compdef _bakec bakec; fi
"""
_FISH: Final = """\
function __bakec
    set -l words (commandline -opc) (commandline -ct)
    set -l found (bakec completion words -- $words[2..-1] 2>/dev/null </dev/null)
    if test (count $found) -gt 0
        printf '%s\\n' $found
    else
        __fish_complete_path (commandline -ct)
    end
end
complete -c bakec -f -k -a '(__bakec)'
"""
_SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}
_EPILOG = """\
For bash, in ~/.bashrc:       source <(bakec completion bash)
For zsh, in ~/.zshrc:         source <(bakec completion zsh)
For fish, in config.fish:     bakec completion fish | source"""


def main(argv: Sequence[str]) -> int:
    parser = Parser("bakec completion", "Print the script that completes bakec's command line in a shell.")
    parser.epilog = _EPILOG
    parser.add_argument("words", nargs="+", metavar="SHELL", help="bash, zsh or fish")
    args = parser.read(argv)
    shell, *words = args.words
    if shell == "words" and words:
        print("".join([f"{text}\n" for text in candidates(words)]), end="")
    elif shell in _SCRIPTS and not words:
        print(_SCRIPTS[shell], end="")
    else:
        parser.error(f"expected {', '.join(_SCRIPTS)}")
    return 0


def candidates(words: Sequence[str]) -> list[str]:
    """What the last of the words may become."""
    *before, last = words if words[-1] != "=" else [*words, ""]
    before = [word for word in before if word != "="]  # bash takes `--flag=value` apart
    return sorted({text for text in _candidates(before, last) if text.startswith(last)})


def _candidates(before: Sequence[str], last: str) -> Iterable[str]:
    if not before:
        return [*VERBS, "--help", "--version"]
    verb, *rest = before
    if verb == "builder":
        from bakec.cli import builder

        if not rest:
            return [*builder.VERBS, "--help"]
        verb, *rest = f"builder.{rest[0]}", *rest[1:]
    if verb == "completion":
        return _SCRIPTS
    parser = _parser(verb)
    return () if parser is None else _of_verb(parser, rest, last)


def _parser(verb: str) -> Parser | None:
    """The flags of a verb; none of what is no verb."""
    try:
        load(verb).main([DESCRIBE])
    except Described as found:
        return found.parser
    except (ImportError, AttributeError):
        return None
    return None


def _of_verb(parser: Parser, rest: Sequence[str], last: str) -> Iterable[str]:
    if "--" in rest:
        return _meant((), parser.words, rest)
    flag, equals, _ = last.partition("=")
    if equals and flag.startswith("--"):
        values = parser.values_of(flag)
        return [f"{flag}={text}" for text in _meant(*values, rest)] if values else ()
    values = parser.values_of(rest[-1]) if rest else None
    if values is not None:
        return _meant(*values, rest)
    return parser.names if last.startswith("-") else _meant((), parser.words, rest)


def _meant(choices: Sequence[str], metavar: str, rest: Sequence[str]) -> Iterable[str]:
    """What a value may be, as far as we know and the shell does not."""
    return choices or (_targets(rest) if metavar == "TARGET" else ())


def _targets(rest: Sequence[str]) -> list[str]:
    """Targets and groups of the definition files; none where those mean nothing."""
    from bakec.compiler.host import Host
    from bakec.compiler.options import CompileOptions
    from bakec.compiler.pipeline import define, parse

    files = [after for name, after in pairwise(rest) if name in ("-f", "--file")]
    files += [text.removeprefix("--file=") for text in rest if text.startswith("--file=")]
    files += [text[2:] for text in rest if text.startswith("-f") and text != "-f"]
    if "-" in files:
        return []  # the terminal is not ours to read from
    options, host, sink = CompileOptions(files=tuple(files)), Host(), Diagnostics()
    try:
        definitions = define(parse(options, host, sink), options, host, sink)
    except Failed:
        return []
    found = [*(one.name for one in definitions.targets), *(one.name for one in definitions.groups)]
    return [name for name in found if not name.startswith("_")]
