"""BK1: text that is not HCL, or not JSON."""

from __future__ import annotations

from bakec.ir.diagnostics import Rule

# --- characters -----------------------------------------------------------------------------------------------

BITWISE_OPERATOR = Rule(
    "BK100", "Unsupported operator", "Bitwise operators are not supported.{suggestion}",
    "`&`, `|`, `^` and `~` are not operators here. Conditions are joined with `&&` and `||` and negated with `!`.",
)  # fmt: skip
BACKTICK = Rule(
    "BK101", "Invalid character",
    'The "`" character is not valid. To create a multi-line string, use the "heredoc" syntax, like "<<EOT".',
    "A backtick quotes nothing. One-line strings stand in double quotes, longer ones in a heredoc.",
)  # fmt: skip
SINGLE_QUOTE = Rule(
    "BK102", "Invalid character", 'Single quotes are not valid. Use double quotes (") to enclose strings.',
    "Strings stand in double quotes only.",
)  # fmt: skip
SEMICOLON = Rule(
    "BK103", "Invalid character",
    'The ";" character is not valid. Use newlines to separate arguments and blocks, and commas to separate items in '
    "collection values.",
    "A semicolon separates nothing: attributes and blocks each end with their line.",
)  # fmt: skip
BAD_ENCODING = Rule(
    "BK104", "Invalid character encoding",
    "All input files must be UTF-8 encoded. Ensure that UTF-8 encoding is selected in your editor.",
    "The file holds bytes that are not UTF-8. It is reported once for each file, where the first of them stands.",
)  # fmt: skip
MULTI_LINE_STRING = Rule(
    "BK105", "Invalid multi-line string",
    "Quoted strings may not be split over multiple lines. To produce a multi-line string, either use the \\n escape "
    'to represent a newline character or use the "heredoc" multi-line template syntax.',
    "A string in quotes ends on the line it began. Often a closing quote is missing.",
)  # fmt: skip
CURLY_QUOTE = Rule(
    "BK106", "Invalid character",
    '"Curly quotes" are not valid here. These can sometimes be inadvertently introduced when sharing code via '
    'documents or discussion forums. It might help to replace the character with a "straight quote".',
    "Typographic quotes come with text copied from a document. Strings stand in straight double quotes.",
)  # fmt: skip
INVALID_CHARACTER = Rule(
    "BK107", "Invalid character", "This character is not used within the language.",
    "The character means nothing outside of strings and comments.",
)  # fmt: skip

# --- bodies ---------------------------------------------------------------------------------------------------

ITEM_REQUIRED = Rule(
    "BK108", "Argument or block definition required", "An argument or block definition is required here.",
    "A file and the body of a block hold attributes (`name = value`) and blocks (`type \"label\" { … }`), and each "
    "begins with a name.",
)  # fmt: skip
ITEM_REQUIRED_EQUALS = Rule(
    "BK109", "Argument or block definition required",
    'An argument or block definition is required here. To set an argument, use the equals sign "=" to introduce the '
    "argument value.",
    "A name stands at the start of a line, but neither `=` nor the header of a block follows.",
)  # fmt: skip
QUOTED_ARGUMENT_NAME = Rule(
    "BK110", "Invalid argument name", "Argument names must not be quoted.",
    'Attributes are named by bare words: `context = "."`. Quoted names belong in objects: `args = { "A" = 1 }`.',
)  # fmt: skip
UNCLOSED_BLOCK = Rule(
    "BK111", "Unclosed configuration block",
    "There is no closing brace for this block before the end of the file. This may be caused by incorrect brace "
    "nesting elsewhere in this file.",
    "The file ends inside of a block. The brace that is missing may belong to a block or an object further up.",
)  # fmt: skip
MISSING_NEWLINE = Rule(
    "BK112", "Missing newline after argument", "An argument definition must end with a newline.",
    "Something follows the value of an attribute on its line. An operator, a comma in a list or a quote is missing, "
    "or a line break.",
)  # fmt: skip
COMMA_AFTER_ARGUMENT = Rule(
    "BK113", "Unexpected comma after argument",
    "Argument definitions must be separated by newlines, not commas. An argument definition must end with a newline.",
    "Commas separate the items of lists and objects. The attributes of a block stand on lines of their own.",
)  # fmt: skip
MISSING_NEWLINE_AFTER_BLOCK = Rule(
    "BK114", "Missing newline after block definition", "A block definition must end with a newline.",
    "Something follows the closing brace of a block on its line.",
)  # fmt: skip
ATTRIBUTE_REDEFINED = Rule(
    "BK115", "Attribute redefined",
    "The argument {name} was already set at {place}. Each argument may be set only once.",
    "An attribute may stand once in a block. To have a target set twice, with the later one winning, write a second "
    "block of the same name.",
)  # fmt: skip
BLOCK_WITH_EQUALS = Rule(
    "BK116", "Invalid block definition",
    'The equals sign "=" indicates an argument definition, and must not be used when defining a block.',
    'The header of a block is followed by its body: `target "app" { … }`, not `target "app" = { … }`.',
)  # fmt: skip
BLOCK_WITHOUT_BODY = Rule(
    "BK117", "Invalid block definition",
    'A block definition must have block content delimited by "{{" and "}}", starting on the same line as the block '
    "header.",
    "The opening brace of a block stands on the line of its header.",
)  # fmt: skip
INVALID_BLOCK_HEADER = Rule(
    "BK118", "Invalid block definition",
    'Either a quoted string block label or an opening brace ("{{") is expected here.',
    "Between the type of a block and its opening brace there are only labels: words or plain strings.",
)  # fmt: skip
LINE_BLOCK_UNCLOSED = Rule(
    "BK119", "Invalid single-argument block definition",
    "A single-line block definition must end with a closing brace immediately after its single argument definition.",
    "A block on one line holds at most one attribute.",
)  # fmt: skip
LINE_BLOCK_COMMA = Rule(
    "BK120", "Invalid single-argument block definition",
    "Single-line block syntax can include only one argument definition. To define multiple arguments, use the "
    "multi-line block syntax with one argument definition per line.",
    "A block on one line holds at most one attribute, and attributes are not separated by commas.",
)  # fmt: skip
LINE_BLOCK_CONTINUED = Rule(
    "BK121", "Invalid single-argument block definition",
    "An argument definition on the same line as its containing block creates a single-line block definition, which "
    "must also be closed on the same line. Place the block's closing brace immediately after the argument definition.",
    "If the first attribute stands on the line of the opening brace, so must the closing brace. Put the attribute on "
    "a line of its own.",
)  # fmt: skip
LINE_BLOCK_NESTED = Rule(
    "BK122", "Argument definition required",
    "A single-line block definition can contain only a single argument. If you meant to define argument {previous}, "
    "use an equals sign to assign it a value. To define a nested block, place it on a line of its own within its "
    "parent block.",
    "A block on one line holds one attribute and no blocks.",
)  # fmt: skip

# --- strings --------------------------------------------------------------------------------------------------

INVALID_ESCAPE = Rule(
    "BK123", "Invalid escape sequence", "The symbol {symbol} is not a valid escape sequence selector.",
    'The escapes are `\\n`, `\\r`, `\\t`, `\\"`, `\\\\`, `\\uXXXX` and `\\UXXXXXXXX`. A backslash of a regular '
    "expression or of a Windows path is written twice.",
)  # fmt: skip
SHORT_ESCAPE = Rule(
    "BK124", "Invalid escape sequence", "The \\u escape sequence must be followed by four hexadecimal digits.",
    "Write `\\u00e9`, with leading zeros.",
)  # fmt: skip
LONG_ESCAPE = Rule(
    "BK125", "Invalid escape sequence", "The \\U escape sequence must be followed by eight hexadecimal digits.",
    "Write `\\U0001f433`, with leading zeros.",
)  # fmt: skip
INVALID_CODE_POINT = Rule(
    "BK126", "Invalid escape sequence", "Cannot encode character U+{code} in UTF-8.",
    "The number is that of a surrogate, or beyond the last of Unicode (10ffff).",
)  # fmt: skip
TEMPLATE_IN_LITERAL = Rule(
    "BK127", "Invalid string literal",
    'Template sequences are not allowed in this string. To include a literal "{symbol}", double it (as '
    '"{symbol}{symbol}") to escape it.',
    "The label of a block is a fixed name. Targets with computed names come from a `matrix` and its `name` attribute.",
)  # fmt: skip
INVALID_IN_LITERAL = Rule(
    "BK128", "Invalid string literal", "This item is not valid in a string literal.",
    "The label of a block is broken: see the diagnostic before this one.",
)  # fmt: skip
UNTERMINATED_LITERAL = Rule(
    "BK129", "Unterminated string literal", "Unable to find the closing quote mark before the end of the file.",
    "The label of a block has no closing quote.",
)  # fmt: skip
UNTERMINATED_TEMPLATE = Rule(
    "BK130", "Unterminated template string", "No closing marker was found for the string.",
    "The closing quote of a string is missing, or the line that ends a heredoc. That line holds the marker alone, "
    "and has to end with a line break itself.",
)  # fmt: skip

# --- templates ------------------------------------------------------------------------------------------------

UNCLOSED_INTERPOLATION = Rule(
    "BK131", "Unclosed template interpolation sequence",
    "There is no closing brace for this interpolation sequence before the end of the {container}. This might be "
    "caused by incorrect nesting inside the given expression.",
    "`${{` opens an expression in a string, which `}}` has to close before the string ends.",
)  # fmt: skip
INTERPOLATION_COLON = Rule(
    "BK132", "Extra characters after interpolation expression",
    "Template interpolation doesn't expect a colon at this location. Did you intend this to be a literal sequence to "
    'be processed as part of another language? If so, you can escape it by starting with "$${{" instead of just '
    '"${{".',
    "`${{NAME:-default}}` of the shell is not known here. Variables have their default in a `variable` block; what a "
    "shell is to see is written `$${{NAME:-default}}`.",
)  # fmt: skip
INTERPOLATION_EXTRA = Rule(
    "BK133", "Extra characters after interpolation expression",
    "Expected a closing brace to end the interpolation expression, but found extra characters.\n\nThis can happen "
    "when you include interpolation syntax for another language, such as shell scripting, but forget to escape the "
    "interpolation start token. If this is an embedded sequence for another language, escape it by starting with "
    '"$${{" instead of just "${{".',
    "Between `${{` and `}}` stands one expression.",
)  # fmt: skip
DIRECTIVE_REQUIRED = Rule(
    "BK134", "Invalid template directive",
    'A template directive keyword ("if", "for", etc) is expected at the beginning of a %{{ sequence.',
    "`%{{` opens a directive. A percent sign before a brace is written `%%{{`.",
)  # fmt: skip
UNKNOWN_DIRECTIVE = Rule(
    "BK135", "Invalid template control keyword", "{token} is not a valid template control keyword.{suggestion}",
    "The directives are `if`, `else`, `endif`, `for` and `endfor`.",
)  # fmt: skip
FOR_DIRECTIVE_NAME = Rule(
    "BK136", "Invalid 'for' directive", "For directive requires variable name after 'for'.",
    "The directive reads `%{{ for value in list }}` or `%{{ for key, value in map }}`.",
)  # fmt: skip
FOR_DIRECTIVE_VALUE_NAME = Rule(
    "BK137", "Invalid 'for' directive", "For directive requires value variable name after comma.",
    "The directive reads `%{{ for key, value in map }}`.",
)  # fmt: skip
FOR_DIRECTIVE_IN = Rule(
    "BK138", "Invalid 'for' directive", "For directive requires 'in' keyword after names.",
    "The directive reads `%{{ for value in list }}`.",
)  # fmt: skip
DIRECTIVE_EXTRA = Rule(
    "BK139", "Extra characters in {keyword} marker",
    "Expected a closing brace to end the sequence, but found extra characters.",
    "A directive ends with `}}` directly behind its parts.",
)  # fmt: skip
UNEXPECTED_DIRECTIVE = Rule(
    "BK140", "Unexpected {keyword} directive", "{reason}",
    "The directive does not belong to the one that was opened last, or none is open.",
)  # fmt: skip
UNEXPECTED_TEMPLATE_END = Rule(
    "BK141", "Unexpected end of template", "{reason}",
    "An `if` or `for` directive is not closed before its string ends.",
)  # fmt: skip

# --- expressions ----------------------------------------------------------------------------------------------

INVALID_EXPRESSION = Rule(
    "BK142", "Invalid expression", "Expected the start of an expression, but found an invalid expression token.",
    "A value is missing here. Values do not go on over a line break, except in brackets.",
)  # fmt: skip
MISSING_EXPRESSION = Rule(
    "BK143", "Missing expression", "Expected the start of an expression, but found the end of the file.",
    "The file ends where a value is missing.",
)  # fmt: skip
EXTRA_AFTER_EXPRESSION = Rule(
    "BK144", "Extra characters after expression",
    "An expression was successfully parsed, but extra characters were found after it.",
    "The text holds more than the one expression that it is to be.",
)  # fmt: skip
MISSING_FALSE_RESULT = Rule(
    "BK145", "Missing false expression in conditional",
    "The conditional operator (...?...:...) requires a false expression, delimited by a colon.",
    "A conditional always says both results: `condition ? yes : no`.",
)  # fmt: skip
UNBALANCED_PARENTHESES = Rule(
    "BK146", "Unbalanced parentheses", "Expected a closing parenthesis to terminate the expression.",
    "A parenthesis holds one expression.",
)  # fmt: skip
INVALID_NUMBER = Rule(
    "BK147", "Invalid number literal", "Failed to recognize the value of this number literal.",
    "Numbers are decimal, with at most one point: `12`, `1.5`, `2e3`. Versions are strings.",
)  # fmt: skip
NUMBER_TOO_LARGE = Rule(
    "BK148", "Invalid number literal", "The number is too large or too small to be handled.",
    "Numbers have at most some 39,000 digits, before the point or behind it.",
)  # fmt: skip
LEGACY_INDEX = Rule(
    "BK149", "Invalid legacy index syntax",
    "When using the legacy index syntax, chaining two indexes together is not permitted. Use the proper index syntax "
    "{splat}instead, like [{first}][{second}].",
    "`list.0.1` reads as the number 0.1 behind a dot. Write `list[0][1]`.",
)  # fmt: skip
INVALID_ATTRIBUTE_NAME = Rule(
    "BK150", "Invalid attribute name", "An attribute name is required after a dot.",
    "Behind a dot stands a name, a number or a star.",
)  # fmt: skip
NESTED_ATTR_SPLAT = Rule(
    "BK151", "Nested splat expression not allowed",
    "A splat expression (*) cannot be used inside another attribute-only splat expression.",
    "`list.*.items.*.name` does not work. Write `list[*].items[*].name`.",
)  # fmt: skip
MISSING_SPLAT_BRACKET = Rule(
    "BK152", "Missing close bracket on splat index",
    'The star for a full splat operator must be immediately followed by a closing bracket ("]").',
    "The splat operator is `[*]`.",
)  # fmt: skip
MISSING_INDEX_BRACKET = Rule(
    "BK153", "Missing close bracket on index", 'The index operator must end with a closing bracket ("]").',
    "An index holds one expression.",
)  # fmt: skip
MISSING_FUNCTION_NAME = Rule(
    "BK154", "Missing function name",
    "Function scope resolution symbol :: must be followed by a function name in this scope.",
    "`::` joins the parts of a function's name.",
)  # fmt: skip
MISSING_OPEN_PARENTHESIS = Rule(
    "BK155", "Missing open parenthesis",
    "Function selector must be followed by an open parenthesis to begin the function call.",
    "A name with `::` in it can only be that of a function.",
)  # fmt: skip
MISSING_CLOSE_PARENTHESIS = Rule(
    "BK156", "Missing closing parenthesis",
    "An expanded function argument (with ...) must be immediately followed by closing parentheses.",
    "Only the last argument of a call can be expanded.",
)  # fmt: skip
UNTERMINATED_CALL = Rule(
    "BK157", "Unterminated function call",
    "There is no closing parenthesis for this function call before the end of the file. This may be caused by "
    "incorrect parenthesis nesting elsewhere in this file.",
    "The file ends among the arguments of a call.",
)  # fmt: skip
MISSING_ARGUMENT_SEPARATOR = Rule(
    "BK158", "Missing argument separator", "A comma is required to separate each function argument from the next.",
    "Two arguments of a call have no comma between, or a parenthesis is missing.",
)  # fmt: skip
UNTERMINATED_TUPLE = Rule(
    "BK159", "Unterminated tuple constructor expression",
    "There is no corresponding closing bracket before the end of the file. This may be caused by incorrect bracket "
    "nesting elsewhere in this file.",
    "The file ends inside of a list.",
)  # fmt: skip
MISSING_ITEM_SEPARATOR = Rule(
    "BK160", "Missing item separator", "Expected a comma to mark the beginning of the next item.",
    "The items of a list are separated by commas, also over line breaks. A comma behind the last one is allowed.",
)  # fmt: skip
UNTERMINATED_OBJECT = Rule(
    "BK161", "Unterminated object constructor expression",
    "There is no corresponding closing brace before the end of the file. This may be caused by incorrect brace "
    "nesting elsewhere in this file.",
    "The file ends inside of an object.",
)  # fmt: skip
MISSING_ATTRIBUTE_VALUE = Rule(
    "BK162", "Missing attribute value", 'Expected an attribute value, introduced by an equals sign ("=").',
    "The items of an object are pairs: `key = value`.",
)  # fmt: skip
MISSING_KEY_SEPARATOR = Rule(
    "BK163", "Missing key/value separator",
    'Expected an equals sign ("=") to mark the beginning of the attribute value.',
    "The items of an object are pairs: `key = value`.",
)  # fmt: skip
MISSING_KEY_SEPARATOR_NAME = Rule(
    "BK164", "Missing key/value separator",
    'Expected an equals sign ("=") to mark the beginning of the attribute value. If you intended to given an '
    "attribute name containing periods or spaces, write the name in quotes to create a string literal.",
    "The items of an object are pairs: `key = value`, and keys with dots or blanks stand in quotes.",
)  # fmt: skip
MISSING_ATTRIBUTE_SEPARATOR = Rule(
    "BK165", "Missing attribute separator",
    "Expected a newline or comma to mark the beginning of the next attribute.",
    "The items of an object are separated by commas or line breaks.",
)  # fmt: skip
AMBIGUOUS_KEY = Rule(
    "BK166", "Ambiguous attribute key",
    "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a literal "
    "name containing periods, wrap it in quotes to create a string literal.",
    "A bare word is a literal key, so a dotted one could be either. Write `(var.name) = …` or `\"var.name\" = …`.",
)  # fmt: skip
FOR_NAME = Rule(
    "BK167", "Invalid 'for' expression", "For expression requires variable name after 'for'.",
    "The forms are `[for value in list: result]` and `{{for key, value in map: key => result}}`.",
)  # fmt: skip
FOR_VALUE_NAME = Rule(
    "BK168", "Invalid 'for' expression", "For expression requires value variable name after comma.",
    "With two names, the first is the key or index and the second the value.",
)  # fmt: skip
FOR_IN = Rule(
    "BK169", "Invalid 'for' expression", "For expression requires the 'in' keyword after its name declarations.",
    "There are one or two names, and then `in`.",
)  # fmt: skip
FOR_COLON = Rule(
    "BK170", "Invalid 'for' expression", "For expression requires a colon after the collection expression.",
    "A colon separates the collection from the result.",
)  # fmt: skip
FOR_EXTRA = Rule(
    "BK171", "Invalid 'for' expression", "Extra characters after the end of the 'for' expression.",
    "Behind the result there is at most `...` and `if` with a condition.",
)  # fmt: skip
FOR_TUPLE_KEY = Rule(
    "BK172", "Invalid 'for' expression", "Key expression is not valid when building a tuple.",
    "`key => value` makes objects, in braces.",
)  # fmt: skip
FOR_TUPLE_GROUP = Rule(
    "BK173", "Invalid 'for' expression", "Grouping ellipsis (...) cannot be used when building a tuple.",
    "`...` groups the values of equal keys, so it goes with braces.",
)  # fmt: skip
FOR_OBJECT_KEY = Rule(
    "BK174", "Invalid 'for' expression", "Key expression is required when building an object.",
    "In braces the result reads `key => value`.",
)  # fmt: skip
NESTED_TOO_DEEP = Rule(
    "BK175", "Nesting too deep", "The expression is nested too deeply or has too many operators in a row.",
    "There is a limit of about a thousand open brackets, so that no input exhausts the memory.",
)  # fmt: skip

# --- JSON: values ---------------------------------------------------------------------------------------------

_VALUE = "A JSON value must start with a brace, a bracket, a number, a string, or a keyword."

JSON_EXTRANEOUS_DATA = Rule(
    "BK178", "Extraneous data after value", "Extra characters appear after the JSON value.",
    "A file holds one object.",
)  # fmt: skip
JSON_MISSING_VALUE = Rule(
    "BK179", "Missing JSON value", _VALUE,
    "A property name or a value was expected, and a closing brace found. Often a comma is too many.",
)  # fmt: skip
JSON_MISSING_ELEMENT = Rule(
    "BK180", "Missing array element value", _VALUE,
    "A value was expected, and a closing bracket found. Often a comma is too many.",
)  # fmt: skip
JSON_ENDS = Rule(
    "BK181", "Missing value", "The JSON data ends prematurely.",
    "The file ends where a value is missing, or is empty.",
)  # fmt: skip
JSON_INVALID_START = Rule(
    "BK182", "Invalid start of value", _VALUE,
    "JSON has no comments, no single quotes and no bare words but `true`, `false` and `null`.",
)  # fmt: skip
JSON_PROPERTY_NAME = Rule(
    "BK183", "Invalid object property name", "A JSON object property name must be a string",
    "Property names stand in double quotes.",
)  # fmt: skip
JSON_MISSING_OBJECT_VALUE = Rule(
    "BK184", "Missing object value", "A JSON object attribute must have a value, introduced by a colon.",
    "The properties of an object are pairs: `\"name\": value`. A list stands in brackets.",
)  # fmt: skip
JSON_MISSING_COLON = Rule(
    "BK185", "Missing property value colon", "{reason}",
    "The properties of an object are pairs: `\"name\": value`.",
)  # fmt: skip
JSON_TRAILING_COMMA = Rule(
    "BK186", "Trailing comma in {container}",
    "JSON does not permit a trailing comma after the final {item} in an {container}.",
    "Take the comma before the closing brace or bracket away.",
)  # fmt: skip
JSON_UNCLOSED = Rule(
    "BK187", "Unclosed object", "No closing {bracket} was found for this JSON {container}.",
    "The file ends inside of an object or an array.",
)  # fmt: skip
JSON_MISMATCHED = Rule(
    "BK188", "Mismatched {bracket}s", "A JSON {container} must be closed with a {bracket}, not a {other}.",
    "An opening brace was closed with a bracket, or the other way round.",
)  # fmt: skip
JSON_MISSING_COMMA = Rule(
    "BK189", "Missing attribute seperator comma", "A comma must appear between each {item} in an {container}.",
    "Two properties or values have no comma between.",
)  # fmt: skip
JSON_COLON_IN_ARRAY = Rule(
    "BK190", "Invalid array value", "A colon is not used to introduce values in a JSON array.",
    "Pairs of name and value stand in braces.",
)  # fmt: skip
JSON_INVALID_NUMBER = Rule(
    "BK191", "Invalid JSON number", "There is a syntax error in the given JSON number.",
    "Numbers have no leading zeros or plus signs, and digits on both sides of the point.",
)  # fmt: skip
JSON_INVALID_STRING = Rule(
    "BK192", "Invalid JSON string", "There is a syntax error in the given JSON string.",
    "A string ends on its line, and its escapes are those of JSON.",
)  # fmt: skip
JSON_KEYWORD = Rule(
    "BK193", "Invalid JSON keyword", "{reason}",
    "The bare words of JSON are `true`, `false` and `null`. All other text stands in double quotes. A file in the "
    "native syntax is named `.hcl`.",
)  # fmt: skip

# --- JSON: structure ------------------------------------------------------------------------------------------

JSON_ROOT = Rule(
    "BK194", "Root value must be object",
    "The root value in a JSON-based configuration must be either a JSON object or a JSON array of objects.",
    "The file holds a single number, string or keyword.",
)  # fmt: skip
JSON_WRONG_TYPE = Rule(
    "BK195", "Incorrect JSON value type", "{needed}.",
    "`target`, `group`, `variable` and `function` are objects whose property names are the names of the blocks, and "
    "the value of such a property is the body of the block: an object, or an array of objects for several blocks.",
)  # fmt: skip
JSON_MISSING_LABEL = Rule(
    "BK196", "Missing block label",
    "At least one object property is required, whose name represents the {type} block's {label}.",
    "`target`, `group`, `variable` and `function` need at least one property. Leave the word out if there is none.",
)  # fmt: skip
JSON_DUPLICATE = Rule(
    "BK197", "Duplicate {what}", "The argument {name} was already set at {place}.",
    "A property may stand once in a file or in the body of a block.",
)  # fmt: skip
JSON_DUPLICATE_KEY = Rule(
    "BK198", "Duplicate object attribute", "An attribute named {name} was already defined at {place}.",
    "A property may stand once in an object.",
)  # fmt: skip
