"""What MQL5 becomes in C++: one form for each construct."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.mql5.expectations import expect_all
from tests.mql5.snippets import cpp, translated
from tests.mql5.terminal import Terminal

# A class, a structure and an enum for the snippets below.
CONTEXT = """
enum ENUM_SIDE { SIDE_BUY, SIDE_SELL = 4 };
struct SPair { int a; double b[2]; };
class CFoo { public: int m_x; int X() const { return m_x; } CFoo *Next() { return NULL; } };
"""

# What the class CFoo alone becomes, which stands before functions and classes below.
FOO = (
    "class CFoo { public: virtual ~CFoo() = default; int32_t X() const; };",
    "int32_t CFoo::X() const { return 1; }",
)
_FORWARD = r"(?<!\w)(template <typename T> )?(class|struct) \w+;"

DECLARATIONS = [
    ("char a; uchar b; short c; ushort d;", "int8_t a; uint8_t b; int16_t c; uint16_t d;"),
    ("int a; uint b; long c; ulong d;", "int32_t a; uint32_t b; int64_t c; uint64_t d;"),
    ("bool a; float b; double c;", "bool a; float b; double c;"),
    ("string a; datetime b; color c;", "mql::string a; mql::datetime b; mql::color c;"),
    ("ENUM_TIMEFRAMES a; MqlTick b;", "mql::ENUM_TIMEFRAMES a; mql::MqlTick b;"),
    ("ENUM_SIDE a; SPair b; CFoo c;", "ENUM_SIDE a; SPair b; CFoo c;"),
    ("CFoo *a = NULL;", "mql::Ptr<CFoo> a = mql::null;"),
    ("const CFoo *a;", "mql::Ptr<const CFoo> a;"),
    ("CFoo *const a = NULL;", "const mql::Ptr<CFoo> a = mql::null;"),
    ("int a = 1, b; CFoo *c, d;", "int32_t a = 1; int32_t b; mql::Ptr<CFoo> c; CFoo d;"),
    ("int a[];", "mql::Array<int32_t> a;"),
    ("int a[3];", "mql::Fixed<int32_t, 3> a;"),
    ("int a[2][3];", "mql::Fixed<mql::Fixed<int32_t, 3>, 2> a;"),
    ("int a[][3];", "mql::Array<mql::Fixed<int32_t, 3>> a;"),
    ("CFoo *a[];", "mql::Array<mql::Ptr<CFoo>> a;"),
    ("int a[] = {1, 2, 3};", "mql::Fixed<int32_t, 3> a = {{1, 2, 3}};"),
    (
        "const int a[2][2] = {{1, 2}, {3, 4}};",
        "const mql::Fixed<mql::Fixed<int32_t, 2>, 2> a = {{{{1, 2}}, {{3, 4}}}};",
    ),
    ("int a[4] = {};", "mql::Fixed<int32_t, 4> a = {};"),
    ("SPair a = {1, {2, 3}};", "SPair a = {1, {{2, 3}}};"),
    ("SPair a[] = {{1}, {2}};", "mql::Fixed<SPair, 2> a = {{{1}, {2}}};"),
    ("MqlTick a = {0};", "mql::MqlTick a = {};"),
    ("input int A = 3;", 'const int32_t A = mql::input<int32_t>("A", 3);'),
    (
        'sinput string A = "x";',
        'const mql::string A = mql::input<mql::string>("A", mql::string(u"x"));',
    ),
    ("input ENUM_SIDE A = SIDE_BUY;", 'const ENUM_SIDE A = mql::input<ENUM_SIDE>("A", SIDE_BUY);'),
    ("input group \"G\"\ninput group \"H\";\nint a;", "int32_t a;"),
    (
        "int errno, stdin, and_mask, program, EBUSY, EMPTY;",
        "int32_t errno_; int32_t stdin_; int32_t and_mask; int32_t program_; "
        "int32_t EBUSY_; int32_t EMPTY_;",
    ),
]  # fmt: skip

EXPRESSIONS = [
    ("0xFF + 1.5e3 + .5", "0xFF + 1.5e3 + .5"),
    ("9223372036854775808", "UINT64_C(9223372036854775808)"),
    ("B'0101'", "0x5"),
    ("'a'", "static_cast<uint16_t>(u'a')"),
    ("'\\''", "static_cast<uint16_t>(u'\\'')"),
    ("'€'", "static_cast<uint16_t>(u'\\u20AC')"),
    ('"a\\"\\\\\\n\\x41B"', 'mql::string(u"a\\"\\\\\\012\\u041B")'),
    ("D'2020.01.01 10:30:27'", "static_cast<mql::datetime>(1577874627LL)"),
    ("D'31.12.2020 7'", "static_cast<mql::datetime>(1609398000LL)"),
    ("C'255,0x10,0'", "static_cast<mql::color>(0x0010FF)"),
    ("clrRed", "clrRed"),
    ("true", "true"),
    ("NULL", "mql::null"),
    ("_Symbol", "mql::Symbol()"),
    ("_Period", "mql::Period()"),
    ("_Point", "mql::Point()"),
    ("_Digits", "mql::Digits()"),
    ("_LastError", "mql::GetLastError()"),
    ("_StopFlag", "mql::IsStopped()"),
    ("INT_MAX", "INT_MAX"),
    ("SIDE_SELL", "SIDE_SELL"),
    ("ENUM_SIDE::SIDE_SELL", "ENUM_SIDE::SIDE_SELL"),
    ("::g_number", "program::g_number"),
    ("n + 2 * -n", "n + 2 * -n"),
    ("- -n", "- -n"),
    ("(n > 1 && !flag) ? n : 0", "(n > 1 && !flag) ? n : 0"),
    ("n << 2 | n", "n << 2 | n"),
    ("n / m", "mql::div(n, m)"),
    ("n % m", "mql::mod(n, m)"),
    ("n / 2", "n / 2"),
    ("n / -2.5", "n / -2.5"),
    ("n % SIZE", "n % SIZE"),
    ("n /= m", "mql::div_assign(n, m)"),
    ("n %= m", "mql::mod_assign(n, m)"),
    ("n /= 10", "n /= 10"),
    ("n = m = 1", "n = m = 1"),
    ("(uchar)n", "mql::cast<uint8_t>(n)"),
    ("(double)n / m", "mql::div(mql::cast<double>(n), m)"),
    ("int(d)", "mql::cast<int32_t>(d)"),
    ("(ENUM_SIDE)n", "mql::cast<ENUM_SIDE>(n)"),
    ("(string)n", "mql::cast<mql::string>(n)"),
    ("(string)t", "mql::datetime_text(t)"),
    ("(string)(t + 60)", "mql::datetime_text((t + 60))"),
    ("(long)t", "mql::cast<int64_t>(t)"),
    ("(CFoo *)p", "mql::cast<mql::Ptr<CFoo>>(p)"),
    ("dynamic_cast<CFoo *>(p)", "mql::dynamic<CFoo>(p)"),
    ("new CFoo", "mql::create<CFoo>()"),
    ("GetPointer(foo)", "mql::pointer_to(foo)"),
    ("&foo", "mql::pointer_to(foo)"),
    ("p == NULL", "p == mql::null"),
    ("!p", "!p"),
    ("p.m_x", "mql::deref(p).m_x"),
    ("foo.m_x", "foo.m_x"),
    ("p.X()", "mql::deref(p).X()"),
    ("p.Next().Next().m_x", "mql::deref(mql::deref(mql::deref(p).Next()).Next()).m_x"),
    ("tick.bid", "tick.bid"),
    ("a[n]", "mql::index(a, n)"),
    ("b[n][1]", "mql::index(mql::index(b, n), 1)"),
    ("s[0]", "mql::index(s, 0)"),
    ("q[0].m_x", "mql::deref(mql::index(q, 0)).m_x"),
    ("sizeof(SPair)", "mql::size_of<SPair>()"),
    ("sizeof(n)", "mql::size_of<decltype(n)>()"),
    ("typename(n)", "mql::type_name<decltype(n)>()"),
    ("ArraySize(a)", "mql::ArraySize(a)"),
    ("Own(n)", "program::Own(n)"),
    ("::Own(n)", "program::Own(n)"),
    ("Print(n, t, TimeCurrent(), D'2020.01.01' + 1)",
     "mql::Print(n, mql::datetime_text(t), mql::datetime_text(mql::TimeCurrent()), "
     "mql::datetime_text(static_cast<mql::datetime>(1577836800LL) + 1))"),
    ("Print(tick.time)", "mql::Print(mql::datetime_text(tick.time))"),
    ('StringFormat("%I64d", t)', 'mql::StringFormat(mql::string(u"%I64d"), t)'),
]  # fmt: skip

STATEMENTS = [
    (";", "{ ; }"),
    ("if(flag) n = 1; else if(n > 2) n = 2; else n = 3;",
     "{ if(flag) { n = 1; } else if(n > 2) { n = 2; } else { n = 3; } }"),
    ("while(n > 0) { n--; if(n == 2) break; else continue; }",
     "{ while(n > 0) { n--; if(n == 2) { break; } else { continue; } } }"),
    ("do n++; while(n < 3);", "{ do { n++; } while(n < 3); }"),
    ("for(int i = 0, j = 5; i < j; i++, j--) n += i;",
     "{ for(int32_t i = 0, j = 5; i < j; i++, j--) { n += i; } }"),
    ("for(;;) break;", "{ for(;;) { break; } }"),
    ("switch(n) { case 1: case 'a': n = 2; break; default: n = 3; }",
     "{ switch(n) { case 1: case static_cast<uint16_t>(u'a'): n = 2; break; default: n = 3; } }"),
    ("delete p;", "{ mql::destroy(p); }"),
    ("return;", "{ return; }"),
    ("static int k = 1; k++;", "{ static int32_t k = 1; k++; }"),
    ("int k[2]; k[0] = 1;",
     "{ mql::Fixed<int32_t, 2> k; mql::poison(k); mql::index(k, 0) = 1; }"),
    ("SPair k; k.a = 1;", "{ SPair k; mql::poison(k); k.a = 1; }"),
    ("MqlTick k; k.bid = 1;", "{ mql::MqlTick k; mql::poison(k); k.bid = 1; }"),
    ("int k; string l; int e[]; Print(k, l, e[0]); CFoo c;",
     "{ int32_t k; mql::string l; mql::Array<int32_t> e; "
     "mql::Print(k, l, mql::index(e, 0)); CFoo c; }"),
    ("CCount c(n); CCount d = c;", "{ CCount c(n); CCount d = c; }"),
]  # fmt: skip

FUNCTIONS = [
    ("void F() { }", "void F(); void F() { }"),
    ("int F(const int a = 1, string b = \"x\") { return a; }",
     'int32_t F(const int32_t a = 1, mql::string b = mql::string(u"x")); '
     "int32_t F([[maybe_unused]] const int32_t a, [[maybe_unused]] mql::string b) { return a; }"),
    ("void F(int &a, const MqlTick &b, CFoo *&c) { }",
     "void F(int32_t &a, const mql::MqlTick &b, mql::Ptr<CFoo> &c); "
     "void F([[maybe_unused]] int32_t &a, [[maybe_unused]] const mql::MqlTick &b, "
     "[[maybe_unused]] mql::Ptr<CFoo> &c) { }"),
    ("void F(int &a[], const double &b[][2], CFoo *&c[]) { }",
     "void F(mql::ArrayRef<int32_t> a, mql::ArrayRef<const mql::Fixed<double, 2>> b, "
     "mql::ArrayRef<mql::Ptr<CFoo>> c); void F([[maybe_unused]] mql::ArrayRef<int32_t> a, "
     "[[maybe_unused]] mql::ArrayRef<const mql::Fixed<double, 2>> b, "
     "[[maybe_unused]] mql::ArrayRef<mql::Ptr<CFoo>> c) { }"),
    ("int F(int a);\nint G() { return F(1); }\nint F(int a = 2) { return a; }",
     "int32_t F(int32_t a = 2); int32_t G(); int32_t G() { return program::F(1); } "
     "int32_t F([[maybe_unused]] int32_t a) { return a; }"),
    ("template<typename T> T F(const T a) { T b = a; return b; }",
     "template <typename T> T F(const T a); "
     "template <typename T> T F([[maybe_unused]] const T a) { T b = a; return b; }"),
    ("int Print(const int a) { return a; }\nvoid F() { Print(1); Print(1, 2); }",
     "using mql::Print; int32_t Print(const int32_t a); void F(); "
     "int32_t Print([[maybe_unused]] const int32_t a) { return a; } "
     "void F() { program::Print(1); mql::Print(1, 2); }"),
]  # fmt: skip

CLASSES = [
    ("class C { int m_a; public: int A() const { return m_a; } };",
     "class C { public: virtual ~C() = default; private: int32_t m_a; public: "
     "int32_t A() const; }; int32_t C::A() const { return m_a; }"),
    ("class C { public: C(); ~C() { } private: string m_a; CFoo *m_b; };\n"
     "C::C() : m_a(\"x\"), m_b(NULL) { this.m_a = \"y\"; this.m_b = new CFoo(); }",
     "class C { public: C(); virtual ~C(); private: mql::string m_a; mql::Ptr<CFoo> m_b; }; "
     "C::~C() { } C::C() : m_a(mql::string(u\"x\")), m_b(mql::null) "
     "{ this->m_a = mql::string(u\"y\"); this->m_b = mql::create<CFoo>(); }"),
    ("class C final : public CFoo { public: C *Self() { return GetPointer(this); }\n"
     "const C *Const() const { return &this; } };",
     "class C final : public CFoo { public: virtual ~C() = default; mql::Ptr<C> Self(); "
     "mql::Ptr<const C> Const() const; }; "
     "mql::Ptr<C> C::Self() { return mql::pointer_to(mql::Ptr<C>(this)); } "
     "mql::Ptr<const C> C::Const() const { return mql::pointer_to(mql::Ptr<const C>(this)); }"),
    ("class C { protected: static int s_a; public: static int A() { return s_a; } };\n"
     "int C::s_a = 1;\nint F() { return C::A(); }",
     "class C { public: virtual ~C() = default; protected: static int32_t s_a; public: "
     "static int32_t A(); }; int32_t F(); int32_t C::s_a = 1; "
     "int32_t C::A() { return s_a; } int32_t F() { return C::A(); }"),
    ("interface I { bool F(); };\nclass C : public I { public: virtual bool F() override "
     "{ return true; } virtual void G() = 0; };",
     "class I { public: virtual ~I() = default; virtual bool F() = 0; }; "
     "class C : public I { public: virtual ~C() = default; virtual bool F() override; "
     "virtual void G() = 0; }; bool C::F() { return true; }"),
    ("class C : public CFoo { public: int X() const { return CFoo::X() + X(); } };",
     "class C : public CFoo { public: virtual ~C() = default; int32_t X() const; }; "
     "int32_t C::X() const { return CFoo::X() + X(); }"),
    ("class C { public: double operator[](const int i) const { return i; } };\n"
     "double F(const C &c, C *p) { return c[1] + p[2]; }",
     "class C { public: virtual ~C() = default; double operator[](const int32_t i) const; }; "
     "double F(const C &c, mql::Ptr<C> p); "
     "double C::operator[]([[maybe_unused]] const int32_t i) const { return i; } "
     "double F([[maybe_unused]] const C &c, [[maybe_unused]] mql::Ptr<C> p) "
     "{ return c[1] + mql::deref(p)[2]; }"),
    ("struct S { int a; void Set(const S &other) { this = other; } };",
     "struct S { int32_t a; void Set(const S &other); }; "
     "constexpr size_t packed_S = mql::packed_size<int32_t>; } "
     "template <> constexpr size_t mql::packed_size<program::S> = program::packed_S; "
     "namespace program { void S::Set([[maybe_unused]] const S &other) { (*this) = other; }"),
    ("template<typename T> class C { T m_a[]; public: void Add(const T a); };\n"
     "template<typename T> void C::Add(const T a) { m_a[0] = a; }\nC<int> c;",
     "template <typename T> class C { public: virtual ~C() = default; private: "
     "mql::Array<T> m_a; public: void Add(const T a); }; C<int32_t> c; "
     "template <typename T> void C<T>::Add([[maybe_unused]] const T a) "
     "{ mql::index(m_a, 0) = a; }"),
    ("template<typename T> class C { public: T m_a; };\n"
     "template<typename T> class D : public C<T> { public: T A() { return m_a + C::m_a; } };",
     "template <typename T> class C { public: virtual ~C() = default; T m_a; }; "
     "template <typename T> class D : public C<T> { public: virtual ~D() = default; T A(); }; "
     "template <typename T> T D<T>::A() { return this->m_a + C<T>::m_a; }"),
]  # fmt: skip


def body(folder: Path, text: str) -> str:
    """The body of a function around a snippet; its names are declared before."""
    head = (
        CONTEXT
        + "class CCount { public: CCount(const int n) { } };\n"
        + "int g_number;\nconst int SIZE = 3;\nint Own(const int n) { return n; }\n"
        + "void F(int n, int m, double d, bool flag, datetime t, string s, CFoo *p, CFoo &foo,\n"
        + "MqlTick &tick, int &a[], int &b[][2], CFoo *&q[])\n{\n"
    )
    return "{" + cpp(folder, head + text + "\n}").rpartition(" q) {")[2]


@pytest.mark.parametrize(("mql5", "expected"), DECLARATIONS)
def test_declarations(mql5: str, expected: str, tmp_path: Path) -> None:
    text = cpp(tmp_path, f"{CONTEXT}{mql5}\nint g_last;")

    assert f" {expected} int32_t g_last;" in text


@pytest.mark.parametrize(("mql5", "expected"), EXPRESSIONS)
def test_expressions(mql5: str, expected: str, tmp_path: Path) -> None:
    assert body(tmp_path, f"{mql5};") == f"{{ {expected}; }}"


@pytest.mark.parametrize(("mql5", "expected"), STATEMENTS)
def test_statements(mql5: str, expected: str, tmp_path: Path) -> None:
    assert body(tmp_path, mql5) == expected


@pytest.mark.parametrize(("mql5", "expected"), FUNCTIONS + CLASSES)
def test_functions_and_classes(mql5: str, expected: str, tmp_path: Path) -> None:
    made = cpp(tmp_path, f"class CFoo {{ public: int X() const {{ return 1; }} }};\n{mql5}")
    for piece in _FORWARD, *map(re.escape, FOO):
        made = re.sub(f"{piece} ?", "", made)

    assert made.strip() == expected


def test_a_program_stands_in_its_namespace_with_its_events(tmp_path: Path) -> None:
    text = (
        "int OnInit() { return INIT_SUCCEEDED; }\nvoid OnTick() { }\nvoid OnDeinit(const int r) { }"
    )
    lines = translated(tmp_path, text, name="Expert.mq5").cpp.splitlines()

    assert lines[:3] == ['#include "mql.hpp"', "namespace program {", "using namespace mql;"]
    assert [line.strip() for line in lines[-5:]] == [
        "}  // namespace program",
        "void mql::describe([[maybe_unused]] mql::Program &events) {",
        "events.init = [] { return program::OnInit(); };",
        "events.deinit = program::OnDeinit;",
        "events.tick = program::OnTick; }",
    ]


def test_every_line_knows_its_line_of_mql5(tmp_path: Path) -> None:
    text = "int a;\n\n\n\n\n\nint F()\n{\n   a = 1;\n\n   return a; // b\n}\n"
    made = translated(tmp_path, text).cpp
    path = (tmp_path / "Snippet.mqh").resolve().as_posix()

    assert f'#line 7 "{path}"\nint32_t F()\n{{\n   a = 1;\n\n   return a;\n}}\n' in made


def test_enums_bring_their_names(tmp_path: Path) -> None:
    assert cpp(tmp_path, "enum ENUM_A { ONE, TWO = 2 };") == (
        "enum ENUM_A : int32_t { ONE, TWO = 2, }; "
        "inline constexpr mql::host::EnumName names_of_ENUM_A[] = "
        '{{ONE, u"ONE"}, {TWO, u"TWO"}}; '
        "constexpr std::span<const mql::host::EnumName> enum_names(ENUM_A) "
        "{ return names_of_ENUM_A; }"
    )


def test_dlls_are_bound_when_the_program_starts(tmp_path: Path) -> None:
    text = (
        '#import "ws2_32.dll"\nint send(ulong s, const uchar &data[], int length, int flags);\n'
        "int ioctlsocket(ulong s, int command, uint &value);\n#import\n"
        "void F(uint n) { ioctlsocket(1, 2, n); }"
    )
    made = cpp(tmp_path, text)

    assert 'static const mql::ImportedDll import_1("ws2_32.dll");' in made
    assert 'return mql::dll_call<int32_t>("ws2_32.dll", "send", s, data, length, flags); }' in made
    assert '"ioctlsocket", s, command, &value); }' in made
    assert "program::ioctlsocket(1, 2, n);" in made


def test_resources_are_read_from_beside_their_file_or_from_the_mql5_folder(tmp_path: Path) -> None:
    others = {
        "Include/Models/Model.mqh": '#resource "model.onnx" as uchar Model[]',
        "Include/Models/model.onnx": "",
        "Files/other.bin": "",
    }
    text = '#include <Models/Model.mqh>\n#resource "\\\\Files\\\\other.bin" as uchar Other[]'
    made = translated(tmp_path, text, others=others)

    for name, path in {"Model": "Include/Models/model.onnx", "Other": "Files/other.bin"}.items():
        absolute = (tmp_path / path).resolve()
        loaded = f'mql::load_resource("{absolute.as_posix()}")'
        assert f"const mql::Array<uint8_t> {name} = {loaded};" in made.cpp
        assert absolute in made.dependencies


def test_properties_reach_the_host(tmp_path: Path) -> None:
    assert cpp(tmp_path, '#property tester_file "a\\\\b.bin"') == (
        'static const mql::Property property_1("tester_file", "a\\\\b.bin");'
    )


@pytest.mark.parametrize("platform", ["linux", "windows"])
def test_it_means_in_cpp_what_it_means_in_mql5(platform: str, terminal: Terminal) -> None:
    expect_all("Language", terminal, platform)
