"""BK2: expressions that parse but have no value."""

from __future__ import annotations

from bakec.ir.diagnostics import Rule

# --- types ----------------------------------------------------------------------------------------------------

INVALID_TYPE = Rule(
    "BK201", "Invalid type specification", "{reason}",
    "The type of a variable, or the second argument of `convert`, is one of the keywords `string`, `number`, `bool` "
    "and `any`, or a constructor: `list(T)`, `set(T)`, `map(T)`, `tuple([T, …])`, "
    "`object({ name = T, other = optional(T) })`.",
)  # fmt: skip

# --- names and traversals -------------------------------------------------------------------------------------

UNKNOWN_VARIABLE = Rule(
    "BK250", "Unknown variable", 'There is no variable named "{name}".{suggestion}',
    "The name is neither a declared variable, a global attribute, a built-in, a matrix key, nor a parameter of the "
    "function it is used in. Variable defaults cannot refer to targets or groups.",
)  # fmt: skip
NULL_INDEX = Rule(
    "BK251", "Attempt to index null value", "This value is null, so it does not have any indices.",
    "The value before `[` is null: a typed variable without default, an unset attribute of a target, or a literal.",
)  # fmt: skip
INVALID_INDEX = Rule(
    "BK252", "Invalid index", "{reason}",
    "The key in `[…]` does not select an element. Lists and tuples take whole numbers from 0, maps and objects take "
    "strings that are present, sets take none.",
)  # fmt: skip
NULL_ATTRIBUTE = Rule(
    "BK253", "Attempt to get attribute from null value",
    "This value is null, so it does not have any attributes.",
    "The value before the dot is null: a typed variable without default, or an unset attribute of a target.",
)  # fmt: skip
UNSUPPORTED_ATTRIBUTE = Rule(
    "BK254", "Unsupported attribute", "{reason}",
    "Only objects and maps have attributes, and an object only those that it was made with.",
)  # fmt: skip
MISSING_ELEMENT = Rule(
    "BK255", "Missing map element", 'This map does not have an element with the key "{key}".',
    "The map holds no such key. `lookup(map, key, default)` gives a default instead.",
)  # fmt: skip
NULL_SPLAT = Rule(
    "BK256", "Splat of null value",
    "Splat expressions (with the * symbol) cannot be applied to null sequences.",
    "The list before `[*]` is null.",
)  # fmt: skip
NESTED_SPLAT = Rule(
    "BK257", "Invalid nested splat expressions",
    "The second level of splat expression produced elements of different types, so it isn't possible to construct a "
    "valid list to represent the top-level result.\n\nConsider using a for expression instead, to produce a "
    "tuple-typed result which can therefore have non-homogenous element types.",
    "A splat over a list makes a list, whose elements must have one type; a `for` expression makes a tuple.",
)  # fmt: skip

# --- calls ----------------------------------------------------------------------------------------------------

UNKNOWN_FUNCTION = Rule(
    "BK260", "Call to unknown function", "{reason}",
    "Neither the standard library (docs/functions.md) nor a `function` block defines it.",
)  # fmt: skip
TOO_FEW_ARGUMENTS = Rule(
    "BK261", "Not enough function arguments",
    'Function "{name}" expects{least} {count} argument(s). Missing value for "{missing}".',
    "The call gives fewer arguments than the function has parameters.",
)  # fmt: skip
TOO_MANY_ARGUMENTS = Rule(
    "BK262", "Too many function arguments", 'Function "{name}" expects only {count} argument(s).',
    "The call gives more arguments than the function has parameters.",
)  # fmt: skip
INVALID_ARGUMENT = Rule(
    "BK263", "Invalid function argument", 'Invalid value for "{parameter}" parameter: {reason}.',
    "The argument cannot be converted to the type of the parameter, or the function does not accept the value.",
)  # fmt: skip
CALL_FAILED = Rule(
    "BK264", "Error in function call", 'Call to function "{name}" failed: {reason}.',
    "The arguments have the right types, but the function has no result for them.",
)  # fmt: skip
INVALID_EXPANSION = Rule(
    "BK265", "Invalid expanding argument value", "The expanding argument (indicated by ...) must {reason}",
    "Only a list, tuple or set that is not null can be expanded into arguments.",
)  # fmt: skip

# --- operators, conditionals, templates -----------------------------------------------------------------------

INVALID_OPERAND = Rule(
    "BK270", "Invalid operand", "Unsuitable value for {side} operand: {reason}.",
    "Arithmetic and comparison take numbers (or strings that hold one), logic takes bools.",
)  # fmt: skip
OPERATION_FAILED = Rule(
    "BK271", "Operation failed", "Error during operation: {reason}.",
    "The operands have the right types, but the operation has no result for them.",
)  # fmt: skip
NULL_CONDITION = Rule(
    "BK272", "Null condition", "The condition value is null. Conditions must either be true or false.",
    "The expression before `?` is null.",
)  # fmt: skip
CONDITION_TYPE = Rule(
    "BK273", "Incorrect condition type", "The condition expression must be of type bool.",
    'The expression before `?` is neither a bool nor one of the strings "true", "false", "1", "0".',
)  # fmt: skip
INCONSISTENT_RESULTS = Rule(
    "BK274", "Inconsistent conditional result types", "{reason}.",
    "Both results of `condition ? a : b` must convert to one type, whichever is selected.",
)  # fmt: skip
INVALID_INTERPOLATION = Rule(
    "BK275", "Invalid template interpolation value", "{reason}.",
    "What stands in `${{…}}` must be a string, a number or a bool.",
)  # fmt: skip

# --- collections ----------------------------------------------------------------------------------------------

NULL_KEY = Rule(
    "BK280", "Null value as key", "Can't use a null value as a key.", "An object key must be a string.",
)  # fmt: skip
KEY_TYPE = Rule(
    "BK281", "Incorrect key type", "Can't use this value as a key: {reason}.", "An object key must be a string.",
)  # fmt: skip
AMBIGUOUS_KEY = Rule(
    "BK282", "Ambiguous attribute key",
    "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a literal "
    "name containing periods, wrap it in quotes to create a string literal.",
    "An object key with a dot could be a reference or a name.",
)  # fmt: skip
FOR_NULL = Rule(
    "BK283", "Iteration over null value",
    "A null value cannot be used as the collection in a 'for' expression.", "The collection after `in` is null.",
)  # fmt: skip
FOR_TYPE = Rule(
    "BK284", "Iteration over non-iterable value",
    "A value of type {type} cannot be used as the collection in a 'for' expression.",
    "Only lists, tuples, sets, maps and objects can be iterated.",
)  # fmt: skip
FOR_NULL_CONDITION = Rule(
    "BK285", "Condition is null", "The value of the 'if' clause must not be null.",
    "The `if` of a `for` expression gave null.",
)  # fmt: skip
FOR_CONDITION = Rule(
    "BK286", "Invalid 'for' condition", "The {reason}.", "The `if` of a `for` expression did not give a bool.",
)  # fmt: skip
FOR_KEY = Rule(
    "BK287", "Invalid object key", "{reason}.", "The key of an object `for` expression must be a string.",
)  # fmt: skip
FOR_DUPLICATE = Rule(
    "BK288", "Duplicate object key",
    'Two different items produced the key "{key}" in this \'for\' expression. If duplicates are expected, use the '
    "ellipsis (...) after the value expression to enable grouping by key.",
    "Keys of an object are unique; `=> value...` collects the values of a key in a tuple.",
)  # fmt: skip

# --- limits ---------------------------------------------------------------------------------------------------

TOO_LARGE = Rule(
    "BK290", "Value too large", "{reason}.",
    "An expression that would take unreasonable memory or time is refused, so that a definition file cannot exhaust "
    "the machine that compiles it.",
)  # fmt: skip
TOO_DEEP = Rule(
    "BK291", "Expression nested too deeply", "This expression is nested too deeply to be evaluated.",
    "Expressions may call functions and hold other expressions some hundred levels deep.",
)  # fmt: skip
