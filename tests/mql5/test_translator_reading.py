"""From files to tokens: includes, macros, conditions, encodings, places."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mql5.snippets import cpp, refused, translated
from tests.mql5.translator import Mql5Error, translate
from tests.mql5.translator.__main__ import main
from tests.mql5.translator.reading.tokens import Kind, SourceFile


def tokens(text: str) -> list[tuple[Kind, str]]:
    return [(token.kind, token.text) for token in SourceFile("x.mqh", text).tokens()][:-1]


def test_tokens_are_split_as_in_c() -> None:
    assert tokens("a+++b>>=.5e-3; // c") == [
        (Kind.NAME, "a"),
        (Kind.PUNCTUATION, "++"),
        (Kind.PUNCTUATION, "+"),
        (Kind.NAME, "b"),
        (Kind.PUNCTUATION, ">>="),
        (Kind.REAL, ".5e-3"),
        (Kind.PUNCTUATION, ";"),
    ]


def test_quotes_and_slashes_in_literals_begin_no_comment() -> None:
    assert tokens(r'"a\"//b" ' + "'\\''" + " D'2020.01.01' C'1,2,3' /* x\n*/ y") == [
        (Kind.STRING, r'"a\"//b"'),
        (Kind.CHARACTER, r"'\''"),
        (Kind.DATETIME, "D'2020.01.01'"),
        (Kind.COLOR, "C'1,2,3'"),
        (Kind.NAME, "y"),
    ]


def test_a_token_knows_its_line_and_column() -> None:
    *_, last, end = SourceFile("x.mqh", "/* one\n two */ a\n\tb").tokens()

    assert (last.text, last.at.line, last.at.column) == ("b", 3, 2)
    assert (end.kind, end.at.line) == (Kind.END, 3)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_are_read_as_metaeditor_saves_them(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "Euro.mqh"
    path.write_text('string a = "€";\r\nint b = 1;\r\n', encoding=encoding)

    text = translate(path, includes=[]).cpp

    assert 'mql::string(u"\\u20AC")' in text
    assert f'#line 1 "{path.as_posix()}"\nmql::string a' in text


def test_another_encoding_is_refused_at_its_line(tmp_path: Path) -> None:
    path = tmp_path / "Latin.mqh"
    path.write_bytes(b"int a;\n// \xe4\n")

    with pytest.raises(Mql5Error, match=r"Latin\.mqh:2:1: this is neither UTF-8 nor UTF-16"):
        translate(path, includes=[])


# ---- macros


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#define N 3\nint a[N];", "mql::Fixed<int32_t, 3> a;"),
        ("#define N 3 // three\nint a = N;", "int32_t a = 3;"),
        ("#define SUM(x, y) ((x) + (y))\nint a = SUM(1, 2);", "int32_t a = ((1) + (2));"),
        ("#define F(x) x\nint G() { return F((1, 2)); }", "return (1, 2);"),
        ("#define A B\n#define B 1\nint a = A;", "int32_t a = 1;"),
        ("#define LONG 1 + \\\n   2\nint a = LONG;", "int32_t a = 1 + 2;"),
        ("#define P (1)\nint a = P;", "int32_t a = (1);"),
        ("#define TWICE(x) ID(x) + ID(x)\n#define ID(x) x\nint a = TWICE(3);", "= 3 + 3;"),
        ("#define N 1\n#undef N\n#define N 2\nint a = N;", "int32_t a = 2;"),
        (
            "int F() { return 1; }\n#define F() F() + 1\nint G() { return F(); }",
            "program::F() + 1;",
        ),
    ],
)
def test_macros_are_replaced(text: str, expected: str, tmp_path: Path) -> None:
    assert expected in cpp(tmp_path, text)


def test_what_a_macro_says_stands_where_it_is_used(tmp_path: Path) -> None:
    refused(tmp_path, "#define BAD nothing\n\nint a = ‸BAD;", "'nothing' is not declared")
    assert "int32_t a = 3;" in cpp(tmp_path, "#define HERE __LINE__\n\nint a = HERE;")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#define A 1\n#define ‸A 2", "'A' is defined already, otherwise"),
        ("#define A(x, y) x\nint a = ‸A(1);", "takes 2 arguments, not 1"),
        ("#define A(x) x\nint a = ‸A(1;", "no closing ')'"),
        ("#define A‸(x;y) x", "names between commas"),
        ("#define ‸A(a, b, c, d, e, f, g, h, i) a", "at most 8 parameters"),
        ("#define J(x) x ‸## 1", "'##' in a macro is not used"),
        ("#define S(x) ‸#x", "'#' in a macro is not used"),
        ("‸#define", "needs a name"),
        ("‸#if 1\n#endif", "MQL5 has no #if: use #ifdef"),
        ("#ifdef A\n‸#elif B\n#endif", "MQL5 has no #elif: nest #ifdef"),
        ("‸#pragma once", "MQL5 has no #pragma"),
        ('‸#error "x"', "MQL5 has no #error"),
        ("‸#nothing", "no directive '#nothing'"),
        ("‸#ifdef A\nint a;", "has no #endif"),
        ("‸#else", "has no #ifdef"),
        ("‸#endif", "has no #ifdef"),
        ("‸#ifdef\n#endif", "needs one name"),
        ("int a ‸# 1;", "stands first on its line"),
        ("void F() {\n‸#property strict\n}", "stands outside of functions"),
    ],
)
def test_what_is_wrong_with_a_directive_is_said(text: str, message: str, tmp_path: Path) -> None:
    refused(tmp_path, text, message)


# ---- conditions


def test_conditions_choose_what_is_read(tmp_path: Path) -> None:
    text = "#ifdef A\nint a;\n#else\n#ifndef B\nint b;\n#endif\n#endif\n"

    assert "int32_t a;" in translated(tmp_path, text, defines=("A",)).cpp
    assert "int32_t b;" in translated(tmp_path, text).cpp
    assert "int32_t" not in translated(tmp_path, text, defines=("B",)).cpp


def test_what_a_condition_leaves_out_may_be_anything(tmp_path: Path) -> None:
    text = "#ifdef NEVER\nauto it's $ \"open\n#define # #\n#include <Nothing.mqh>\n#endif\nint a;"

    assert cpp(tmp_path, text) == "int32_t a;"


def test_a_definition_from_outside_may_have_a_value(tmp_path: Path) -> None:
    assert "int32_t a = 5 + 1;" in translated(tmp_path, "int a = N;", defines=("N=5 + 1",)).cpp


def test_a_program_knows_that_it_is_mql5(tmp_path: Path) -> None:
    assert cpp(tmp_path, "#ifdef __MQL5__\nint a;\n#endif") == "int32_t a;"


# ---- includes


def test_includes_are_found_beside_the_file_and_in_the_include_folders(tmp_path: Path) -> None:
    others = {
        "Include/Product/One.mqh": '#include "Parts/Two.mqh"\nint one = 1;',
        "Include/Product/Parts/Two.mqh": "int two = 2;",
        "Three.mqh": "int three = 3;",
    }
    made = translated(
        tmp_path, '#include <Product\\One.mqh>\n#include "Three.mqh"\nint four = 4;', others=others
    )

    names = [path.name for path in made.dependencies]
    assert names == ["Snippet.mqh", "One.mqh", "Two.mqh", "Three.mqh"]
    assert made.cpp.index("two = 2") < made.cpp.index("one = 1") < made.cpp.index("four = 4")


def test_a_file_is_read_once_guarded_or_not(tmp_path: Path) -> None:
    others = {"A.mqh": '#include "B.mqh"\nint a;', "B.mqh": '#include "A.mqh"\nint b;'}

    made = translated(tmp_path, '#include "A.mqh"\n#include "B.mqh"\n', others=others)

    assert made.cpp.count("int32_t a;") == made.cpp.count("int32_t b;") == 1


def test_a_missing_include_says_where_it_was_looked_for(tmp_path: Path) -> None:
    refused(tmp_path, "int a;\n‸#include <Nothing.mqh>", "cannot find 'Nothing.mqh' (looked in")


def test_properties_count_in_the_program_only(tmp_path: Path) -> None:
    made = translated(
        tmp_path, '#property version "1.00"\n#property link "https://x.org/y"\n#property strict\n'
    )
    assert made.properties == (
        ("version", "1.00"),
        ("link", "https://x.org/y"),
        ("strict", ""),
    )

    with pytest.raises(Mql5Error, match="in the program's own file only"):
        translated(tmp_path, '#include "A.mqh"', others={"A.mqh": "#property strict"})


# ---- the command


def test_the_command_writes_cpp_or_says_where_the_error_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, made = tmp_path / "A.mqh", tmp_path / "A.cpp"
    source.write_text("int a = N;\n", encoding="utf-8")

    monkeypatch.setattr("sys.argv", ["translator", str(source), "-D", "N=1", "-o", str(made)])
    assert main() == 0
    assert "int32_t a = 1;" in made.read_text(encoding="utf-8")

    monkeypatch.setattr("sys.argv", ["translator", str(source)])
    assert main() == 1
    assert capsys.readouterr().err == f"{source.as_posix()}:1:9: 'N' is not declared\n"
