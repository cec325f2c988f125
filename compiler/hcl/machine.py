"""The shift-reduce machine that the tables drive."""

from __future__ import annotations

from bakec.compiler.hcl.kinds import IDENT, INVALID, NUMBER, WORDS
from bakec.compiler.hcl.tables import ACTIONS, GOTOS, RULES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Final

    from bakec.compiler.hcl.lexer import Tokens

MAX_PENDING: Final = 1000
"""How many symbols may wait for their closing bracket: 1,000 parentheses deep, 200 objects deep."""


class TooDeepError(Exception):
    """More than `MAX_PENDING` symbols are open at token `at`."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class Stack:
    """The machine between two tokens: the states it has entered, and the value of the symbol that led to each but
    the first."""

    __slots__ = ("rules", "states", "values")

    def __init__(self, start: int, makers: Sequence[Callable[..., Any]]) -> None:
        self.states = [start]
        self.values: list[Any] = []
        self.rules = [(size, left, maker) for (size, left, _), maker in zip(RULES, makers, strict=True)]

    def advance(self, tokens: Tokens, values: Sequence[Any], at: int) -> int:
        """Take in the tokens from index `at`, with their `values`. Returns the index of the one that does not fit,
        or how many there are. A name that does not fit but is the word that does becomes that word.

        Raises `TooDeepError`.
        """
        kinds = tokens.kinds
        while (at := self._run(kinds, values, at)) < len(kinds):
            word = WORDS.get(tokens.text_of(tokens.spans[at]), INVALID) if kinds[at] == IDENT else INVALID
            if not ACTIONS[self.states[-1]][word]:
                break
            kinds[at] = word
        return at

    def _run(self, kinds: Sequence[int], tokens: Sequence[Any], begin: int) -> int:
        states, values, rules, actions, gotos = self.states, self.values, self.rules, ACTIONS, GOTOS
        state = states[-1]
        for at in range(begin, len(kinds)):
            kind = kinds[at]
            while (action := actions[state][kind]) < 0:
                size, left, maker = rules[action]
                if size:
                    if len(states) > MAX_PENDING:
                        raise TooDeepError(at)
                    made = maker(*values[-size:])
                    del values[-size:], states[-size:]
                else:
                    made = maker()
                state = gotos[states[-1]][left][kind]
                values.append(made)
                states.append(state)
            if not action:
                return at
            state = action
            values.append(tokens[at])
            states.append(state)
        return len(kinds)

    def settle(self) -> None:
        """Reduce as if a fitting token came next, until the state is that of the construct in which something else
        was expected. What is empty is not made up, nor is an operand that is missing passed over."""
        while rule := _usual_reduction(self.states[-1]):
            size, left, maker = self.rules[rule]
            made = maker(*self.values[-size:])
            del self.values[-size:], self.states[-size:]
            self.states.append(GOTOS[self.states[-1]][left][INVALID])
            self.values.append(made)


def _usual_reduction(state: int) -> int:
    """The rule that most tokens reduce by in `state`, or 0."""
    if ACTIONS[state][NUMBER] > 0:
        return 0
    rules = [action for action in ACTIONS[state] if action < 0 and RULES[action][0]]
    return max(set(rules), key=rules.count, default=0)
