"""The words of MQL5: its types, its keywords, and what it lacks that C++ has."""

from __future__ import annotations

import re

from tests.mql5.translator.language import word_set

# MQL5's simple types and what stands for them in C++.
SIMPLE_TYPES = {
    "void": "void",
    "bool": "bool",
    "char": "int8_t",
    "uchar": "uint8_t",
    "short": "int16_t",
    "ushort": "uint16_t",
    "int": "int32_t",
    "uint": "uint32_t",
    "long": "int64_t",
    "ulong": "uint64_t",
    "float": "float",
    "double": "double",
    "datetime": "mql::datetime",
    "color": "mql::color",
    "string": "mql::string",
}

KEYWORDS = word_set("""
    break case class const continue default delete do dynamic_cast else enum false final for if
    input interface new NULL operator override private protected public return sinput sizeof static
    struct switch template this true typename union virtual while
    complex group matrix matrixc matrixf offsetof pack vector vectorc vectorf
    """) | frozenset(SIMPLE_TYPES)

# Words of C++ that are refused wherever they stand, and what MQL5 has in their place.
REFUSED_WORDS = {
    "auto": "MQL5 has no 'auto': write the type",
    "catch": "MQL5 has no exceptions: return false and keep the error's code",
    "const_cast": "MQL5 has no const_cast: pass a reference that is not const",
    "consteval": "MQL5 has no 'consteval': write const",
    "constexpr": "MQL5 has no 'constexpr': write const",
    "constinit": "MQL5 has no 'constinit': write const",
    "decltype": "MQL5 has no 'decltype': write the type",
    "explicit": "MQL5 has no 'explicit': drop it",
    "export": "'export' is for libraries of MQL5: the project shares code by #include",
    "extern": "'extern' is not used: every file is included into one program",
    "friend": "MQL5 has no 'friend': give the class a public method",
    "goto": "MQL5 has no goto: use a loop, break or return",
    "inline": "'inline' does nothing in MQL5: drop it",
    "mutable": "MQL5 has no 'mutable': drop the method's const",
    "namespace": "namespaces came late to MQL5 and are not used: prefix the names",
    "noexcept": "MQL5 has no exceptions, so no 'noexcept': drop it",
    "nullptr": "MQL5 has no nullptr: it is NULL",
    "register": "MQL5 has no 'register': drop it, or choose another name",
    "reinterpret_cast": "MQL5 has no reinterpret_cast: use a union",
    "signed": "MQL5 has no 'signed': char, short, int and long are signed",
    "static_assert": "MQL5 has no static_assert: check when the program starts",
    "static_cast": "MQL5 has no static_cast: write (type)value",
    "thread_local": "MQL5 has no threads: drop 'thread_local'",
    "throw": "MQL5 has no exceptions: return false and keep the error's code",
    "try": "MQL5 has no exceptions: test what the call returns",
    "typedef": "'typedef' is not used: write the type; in place of a function's, an interface",
    "typeid": "MQL5 has no typeid: use typename(x) or dynamic_cast",
    "unsigned": "MQL5 has no 'unsigned': write uchar, ushort, uint or ulong",
    "using": "'using' came late to MQL5 and is not used: write the type or the base's name",
    "volatile": "MQL5 has no 'volatile': drop it",
    "alignas": "MQL5 has no 'alignas': struct pack(n) sets a structure's alignment",
    "alignof": "MQL5 has no 'alignof'",
    "asm": "MQL5 has no 'asm'",
    "and": "MQL5 has no 'and': write &&",
    "or": "MQL5 has no 'or': write ||",
    "not": "MQL5 has no 'not': write !",
    "xor": "MQL5 has no 'xor': write ^",
    "int8_t": "write char: older terminals do not know this name of it",
    "uint8_t": "write uchar: older terminals do not know this name of it",
    "int16_t": "write short: older terminals do not know this name of it",
    "uint16_t": "write ushort: older terminals do not know this name of it",
    "int32_t": "write int: older terminals do not know this name of it",
    "uint32_t": "write uint: older terminals do not know this name of it",
    "int64_t": "write long: older terminals do not know this name of it",
    "uint64_t": "write ulong: older terminals do not know this name of it",
    "size_t": "MQL5 has no size_t: sizes are int",
    "ssize_t": "MQL5 has no ssize_t: sizes are int",
    "ptrdiff_t": "MQL5 has no ptrdiff_t: differences are int",
    "intptr_t": "MQL5 has no addresses: use long",
    "uintptr_t": "MQL5 has no addresses: use ulong",
    "wchar_t": "MQL5 has no wchar_t: a character of a string is ushort",
    "char8_t": "MQL5 has no char8_t: use uchar",
    "char16_t": "MQL5 has no char16_t: a character of a string is ushort",
    "char32_t": "MQL5 has no char32_t: use uint",
}

REFUSED_PUNCTUATION = {
    "->": "MQL5 has no '->': take a pointer's member with '.'",
    "->*": "MQL5 has no pointers to members",
    ".*": "MQL5 has no pointers to members",
    "<=>": "MQL5 has no '<=>': compare with <, == and >",
    "...": "MQL5 has no variable number of arguments: pass an array",
    "#": "a directive stands first on its line",
    "##": "a directive stands first on its line",
}

REFUSED_FUNCTIONS = {
    "printf": "write PrintFormat, of which printf is the other name",
    "offsetof": "offsetof is not used: order the members so that none is needed",
}

# Names that MQL5 gives its programs freely and C++ does not: keywords of C++, macros of its
# library and of Windows, and the namespaces of the emitted code. They get a '_' at their end.
_TROUBLESOME_NAMES = word_set(
    """
    and_eq bitand bitor co_await co_return co_yield compl concept module import not_eq or_eq
    requires xor_eq
    mql program null
    alloca assert environ errno major makedev minor setjmp stderr stdin stdout va_arg va_copy va_end
    va_start i386 linux unix
    BIG_ENDIAN BUFSIZ BYTE_ORDER CHAR_BIT DOMAIN EOF F_OK HUGE HUGE_VAL INFINITY LITTLE_ENDIAN
    MAXFLOAT NAN NAME_MAX OVERFLOW PATH_MAX PLOSS RAND_MAX R_OK SING SIZE_MAX TIME_UTC TLOSS
    UNALIGNED UNDERFLOW W_OK X_OK
    BOOL BYTE CALLBACK CONST DELETE DWORD ERROR FALSE IN NO_ERROR OPTIONAL OUT TRUE VOID WIN32
    WINAPI WORD far hyper near small
    """
)
_ERRNO_AND_SIGNALS = re.compile(r"(E|SIG)[A-Z0-9]{2,}")


def is_troublesome(name: str) -> bool:
    """Whether a program's own name would trip the C++ compiler."""
    return name in _TROUBLESOME_NAMES or _ERRNO_AND_SIGNALS.fullmatch(name) is not None


# Events whose handlers the host calls: result types, and the types of the parameters.
EVENT_HANDLERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "OnInit": (("int", "void"), ()),
    "OnDeinit": (("void",), ("int",)),
    "OnTick": (("void",), ()),
    "OnTimer": (("void",), ()),
    "OnTrade": (("void",), ()),
    "OnTester": (("double",), ()),
    "OnStart": (("void", "int"), ()),
    "OnChartEvent": (("void",), ("int", "long&", "double&", "string&")),
}
OTHER_EVENTS = word_set("""
    OnCalculate OnBookEvent OnTesterInit OnTesterDeinit OnTesterPass OnTradeTransaction
    """)
