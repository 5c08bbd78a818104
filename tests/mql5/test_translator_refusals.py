"""What MQL5 does not have is refused, where it stands and in words that say what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mql5.snippets import refused
from tests.mql5.translator import Mql5Error, translate

POINTERS_AND_REFERENCES = {
    "a pointer to a number": ("int ‸*p;", "pointers to objects of classes only"),
    "a pointer to a string": ("string ‸*p;", "pointers to objects of classes only"),
    "a pointer to a structure": ("struct S { int a; };\nS ‸*p;", "and 'S' is a struct"),
    "a pointer to a structure of MQL5": ("MqlTick ‸*p;", "and 'MqlTick' is a struct"),
    "a pointer to an enum": ("enum E { A };\nE ‸*p;", "and 'E' is an enum"),
    "a pointer to void": ("void ‸*p;", "pointers to objects of classes only"),
    "a pointer to a pointer": ("class C { };\nC *‸*p;", "no pointers to pointers"),
    "the address of a number": ("void F() { int a = 1; Print(&‸a); }", "pass by reference (&)"),
    "the address of a structure": (
        "struct S { int a; };\nvoid F() { S s; Print(GetPointer(‸s)); }",
        "pointers to objects of classes only",
    ),
    "the address of a value": ("void F() { Print(&‸1); }", "a pointer can be had to a variable"),
    "the address of a function": ("void F() { Print(&‸F); }", "'F' is a function"),
    "the address of a pointer": (
        "class C { };\nvoid F(C *p) { Print(‸&p); }",
        "no pointers to pointers",
    ),
    "an arrow": ("class C { public: int x; };\nint F(C *p) { return p‸->x; }", "with '.'"),
    "following a pointer": ("class C { };\nvoid F(C *p) { ‸*p; }", "follows no address"),
    "adding to a pointer": ("class C { };\nvoid F(C *p) { p = ‸p + 1; }", "no pointer arithmetic"),
    "counting up a pointer": ("class C { };\nvoid F(C *p) { ‸p++; }", "no pointer arithmetic"),
    "moving a pointer": ("class C { };\nvoid F(C *p) { ‸p += 2; }", "no pointer arithmetic"),
    "indexing a pointer": ("class C { };\nvoid F(C *p) { p‸[0]; }", "is no array"),
    "a pointer as a number": ("class C { };\nlong F(C *p) { return ‸(long)p; }", "no addresses"),
    "a local reference": ("void F(int a) { int ‸&b = a; }", "references as parameters only"),
    "a global reference": ("int a;\nint ‸&b = a;", "references as parameters only"),
    "a member reference": ("class C { int ‸&m_a; };", "references as parameters only"),
    "returning a reference": ("int ‸&F();", "references as parameters only"),
    "an rvalue reference": ("void F(string ‸&&a);", "no '&&' references"),
    "new of a number": ("void F() { ‸new int; }", "objects of classes only"),
    "new of a structure": ("struct S { int a; };\nvoid F() { ‸new S; }", "'S' is no class"),
    "new of an array": ("class C { };\nvoid F() { C *a = new C‸[5]; }", "ArrayResize"),
    "delete of an array": ("class C { };\nvoid F(C *p) { delete‸[] p; }", "ArrayFree"),
    "delete of a number": ("void F(int a) { ‸delete a; }", "takes a pointer"),
    "delete in an expression": ("class C { };\nvoid F(C *p) { Print(‸delete p); }", "statement"),
    "a pointer to a member": ("void F() { int a‸.*b; }", "no pointers to members"),
    "a pointer to a function": ("void F(int ‸(*f)(int));", "an object of an interface"),
}

WORDS_OF_CPP = {
    "auto": ("void F() { ‸auto a = 1; }", "write the type"),
    "try": ("void F() { ‸try { } }", "no exceptions"),
    "catch": ("void F() { ‸catch(...) { } }", "no exceptions"),
    "throw": ("void F() { ‸throw 1; }", "no exceptions"),
    "noexcept": ("void F() ‸noexcept;", "no exceptions"),
    "nullptr": ("class C { };\nC *p = ‸nullptr;", "it is NULL"),
    "static_cast": ("int a = ‸static_cast<int>(1.5);", "write (type)value"),
    "reinterpret_cast": ("int a = ‸reinterpret_cast<int>(1.5);", "use a union"),
    "const_cast": ("int a = ‸const_cast<int>(1);", "no const_cast"),
    "goto": ("void F() { ‸goto end; }", "use a loop"),
    "a label": ("void F() { ‸end: Print(1); }", "no labels"),
    "using": ("‸using real = double;", "and is not used"),
    "typedef": ("‸typedef int (*TFunction)(int);", "an interface"),
    "namespace": ("‸namespace wire { }", "prefix the names"),
    "constexpr": ("‸constexpr int a = 1;", "write const"),
    "consteval": ("‸consteval int F() { return 1; }", "write const"),
    "static_assert": ("‸static_assert(true);", "when the program starts"),
    "decltype": ("int a;\n‸decltype(a) b;", "write the type"),
    "explicit": ("class C { ‸explicit C(int a); };", "drop it"),
    "friend": ("class C { ‸friend class D; };", "a public method"),
    "mutable": ("class C { ‸mutable int m_a; };", "drop the method's const"),
    "volatile": ("‸volatile int a;", "drop it"),
    "register": ("void F() { ‸register int a; }", "choose another name"),
    "inline": ("‸inline int F() { return 1; }", "drop it"),
    "extern": ('‸extern "C" int F();', "included into one program"),
    "thread_local": ("‸thread_local int a;", "no threads"),
    "unsigned": ("‸unsigned int a;", "uchar, ushort, uint or ulong"),
    "signed": ("‸signed char a;", "are signed"),
    "size_t": ("‸size_t a;", "sizes are int"),
    "wchar_t": ("‸wchar_t a;", "ushort"),
    "int64_t": ("‸int64_t a;", "write long: older terminals"),
    "uint8_t": ("‸uint8_t a;", "write uchar: older terminals"),
    "long long": ("long ‸long a;", "'long long' is no type of MQL5"),
    "short int": ("short ‸int a;", "no type of MQL5"),
    "long double": ("long ‸double a;", "no type of MQL5"),
    "and": ("bool F(bool a) { return a ‸and a; }", "write &&"),
    "or": ("bool F(bool a) { return a ‸or a; }", "write ||"),
    "not": ("bool F(bool a) { return ‸not a; }", "write !"),
    "std::": ('void F() { ‸std::string a = ""; }', "no std:: library"),
    "typeid": ("void F() { ‸typeid(1); }", "typename(x)"),
    "alignas": ("‸alignas(8) int a;", "struct pack(n)"),
    "a spaceship": ("bool F(int a) { return a ‸<=> 1; }", "compare with <"),
}

DECLARATIONS = {
    "an anonymous enum": ("enum ‸{ A, B };", "no anonymous enums"),
    "an enum class": ("enum ‸class E { A };", "no 'enum class'"),
    "an enum with a type": ("enum E ‸: uchar { A };", "an enum of MQL5 is an int"),
    "an enum's value that varies": ("int a;\nenum E { ‸A = a };", "not constant"),
    "an anonymous structure": ("struct ‸{ int a; } s;", "no anonymous structs"),
    "an anonymous union": ("union ‸{ int a; } u;", "no anonymous unions"),
    "a variable after a structure": ("struct S { int a; } ‸s;", "expected ';' after the struct"),
    "variable arguments": ("void F(string a, ‸...);", "variable number of arguments"),
    "a default value of a member": ("class C { int ‸m_a = 1; };", "no default values"),
    "a default value in a structure": ("struct S { double ‸a = 1.5; };", "no default values"),
    "a static member's value inside": (
        "class C { static int ‸s_a = 1; };",
        "outside of the class: int C::s_a = ...;",
    ),
    "a static member without definition": ("class C { static int ‸s_a; };", "never defined"),
    "several bases": ("class A { };\nclass B { };\nclass C : public A‸, public B { };", "single"),
    "a base of another kind": ("class A { };\nstruct S : A ‸{ int a; };", "cannot inherit"),
    "a nested class": ("class C { ‸class D { }; };", "nested types are not used"),
    "a nested enum": ("class C { ‸enum E { A }; };", "nested types are not used"),
    "a local structure": ("void F() { ‸struct S { int a; }; }", "local types are not used"),
    "a local class": ("void F() { ‸class C { }; }", "local types are not used"),
    "a bit field": ("struct S { int a ‸: 3; };", "no bit fields"),
    "a virtual method of a structure": (
        "struct S { int a; virtual void ‸F(); };",
        "no virtual methods",
    ),
    "a deleted method": ("class C { C(const C &c) ‸= delete; };", "no '= delete'"),
    "a defaulted method": ("class C { C() ‸= default; };", "no '= default'"),
    "a body in an interface": ("interface I { bool ‸F() { return true; } };", "no bodies"),
    "a variable in an interface": ("interface I { int ‸m_a; };", "methods only"),
    "an object of an interface": (
        "interface I { bool F(); };\nvoid G() { I *i = ‸new I; }",
        "'I' is abstract",
    ),
    "an object of an abstract class": (
        "class A { public: virtual void F() = 0; };\nvoid G() { A *a = ‸new A; }",
        "'A' is abstract: 'F' has no body",
    ),
    "a constructor with a result": ("class C { void ‸C() { } };", "has no result"),
    "a structure without members": ("struct ‸S { };", "without members"),
    "an object of a class with defaults only": (
        "class C { public: C(const int a = 1) { } };\nvoid F() { C ‸c; }",
        "'C' has no default constructor",
    ),
    "an array of objects that need arguments": (
        "class C { public: C(const int a) { } };\nC ‸c[2];",
        "'C' has no default constructor",
    ),
    "new without arguments": (
        "class C { public: C(const int a = 1) { } };\nvoid F() { C *c = ‸new C; }",
        "'C' has no default constructor",
    ),
    "a member that needs arguments": (
        "class C { public: C(const int a) { } };\nclass D { C m_c; ‸D() { } };",
        "'C' has no default constructor",
    ),
    "a member that needs arguments, in a class without constructor": (
        "class C { public: C(const int a = 1) { } };\nclass ‸D { C m_c; };",
        "'C' has no default constructor",
    ),
    "a base that needs arguments": (
        "class C { public: C(const int a) { } };\nclass D : public C { D(); };\nD::‸D() { }",
        "'C' has no default constructor",
    ),
    "a member of the base in the initialisers": (
        "class C { public: int a; };\nclass D : public C { D() : ‸a(1) { } };",
        "neither a member of 'D' nor its base",
    ),
    "a method without a body": ("class C { void ‸F(); };", "'C::F' is never defined"),
    "a function without a body": ("void ‸F();", "'F' is never defined"),
    "a global that starts with a call": ("int N() { return 3; }\nint a = ‸N();", "a constant"),
    "a global that starts with an object": ("class C { };\nC *c = ‸new C;", "a constant"),
    "a static that starts with a variable": (
        "void F(int a) { static int b = ‸a; }",
        "starts with a constant",
    ),
    "a default value that varies": ("int a;\nvoid F(int b = ‸a) { }", "is not constant"),
    "a template over an array": (
        "template<typename T>\nT F(const T &‸a[]) { return a[0]; }",
        "templates over arrays are not used",
    ),
    "a conversion operator": ("class C { ‸operator int(); };", "none that convert"),
    "a template over a number": ("template<‸int N> void F();", "template<typename T>"),
    "template<class T>": ("template<‸class T> void F();", "template<typename T>"),
    "a method that its class lacks": ("class C { };\nvoid C::‸F() { }", "declares no 'F'"),
    "a type that comes later": ("‸CLater later;\nclass CLater { };", "declared before this line"),
    "a static function": ("‸static int F() { return 1; }", "only methods and variables"),
    "a name that is a word of MQL5": ("int ‸vector;", "a word of MQL5"),
    "a name that is too long": ("int ‸" + "a" * 64 + ";", "at most 63 characters, not 64"),
    "two types of one name": ("struct S { int a; };\nclass ‸S { };", "is a type already"),
    "const after the type": ("int ‸const a = 1;", "before the type: const int"),
    "braces without =": ("int a‸{1};", "initialises with '='"),
    "parentheses around a number": ("int a‸(1.0);", "initialise with '='"),
    "an object with ()": ("class C { };\nvoid F() { C c‸(); }", "declare it without '()'"),
    "a structured binding": ("void F() { const ‸[a, b] = G(); }", "is no type"),
    "a designated initialiser": ("struct S { int a; };\nS s = {‸.a = 1};", "in order"),
    "an input of a class": ("class C { };\n‸input C c = NULL;", "simple type or an enum"),
    "an input array": ("input int ‸a[] = {1};", "cannot be an array"),
    "an input without a value": ("input int ‸a;", "needs a value"),
    "an input in a function": ("void F() { ‸input int a = 1; }", "outside of functions"),
    "a void variable": ("void ‸a;", "cannot be void"),
    "a trailing const in a structured cast": (
        "struct S { int a; };\nint F(S &s) { return ‸(S)s; }",
        "not to structs",
    ),
    "an object without a name": ("class C { };\nvoid F() { Print(‸C()); }", "without a name"),
    "the members of a number": ("void F(int a) { Print(a.‸size); }", "has no members"),
    "the methods of a string": (
        "void F(string a) { Print(a.‸length()); }",
        "a value of type string has no members",
    ),
    "the methods of an array": ("void F(int &a[]) { a.‸push_back(1); }", "an array has no members"),
    "a member that a class lacks": (
        "class C { };\nvoid F(C &c) { c.‸m_a = 1; }",
        "'C' has no member 'm_a'",
    ),
    "a member that a structure of MQL5 lacks": (
        "double F(MqlTick &tick) { return tick.‸close; }",
        "'MqlTick' has no member 'close'",
    ),
    "a method that a class lacks": ("class C { };\nvoid F(C *c) { c.‸G(); }", "no method 'G'"),
    "a member of a result": (
        "MqlTick T() { MqlTick t = {}; return t; }\ndouble F() { return T().‸bid; }",
        "into a variable first",
    ),
    "a function that returns an object": (
        "class C { };\nC ‸F(C &c) { return c; }",
        "or return a pointer",
    ),
    "this outside of a class": ("void F() { Print(‸this.a); }", "in methods only"),
    "this in a static method": ("class C { static void F() { ‸this; } };", "not in static ones"),
    "a member in a static method": (
        "class C { int m_a; static int F() { return ‸m_a; } };",
        "'m_a' belongs to one",
    ),
}

ARRAYS = {
    "an array by value": ("void F(int ‸a[]);", "by reference: int &a[]"),
    "an object by value": ("class C { };\nvoid F(C ‸c);", "by reference: C &c"),
    "a structure by value": ("void F(const MqlTick ‸tick);", "by reference: MqlTick &tick"),
    "a function that returns an array": ("int‸[] F();", "return no arrays"),
    "brackets after the parameters": ("int F()‸[3];", "return no arrays"),
    "returning an array": ("int F(int &a[]) { ‸return a; }", "return no arrays"),
    "brackets before the name": ("void F() { int‸[] a; }", "after its name"),
    "five dimensions": ("int a‸[1][2][3][4][5];", "at most four dimensions, not 5"),
    "a dynamic second dimension": ("int a[2][‸];", "first dimension"),
    "a local array of a variable size": (
        "void F(int n) { int a[‸n]; }",
        "declare 'a[]' and ArrayResize it",
    ),
    "a size from a call": ("int N() { return 3; }\nint a[‸N()];", "not constant"),
    "an array of no elements": ("int a[‸0];", "must be 1 or more"),
    "an initialised dynamic array of objects": (
        "class C { };\nvoid F() { C a[] = ‸{}; }",
        "has no initialiser",
    ),
    "assigning an array": ("void F(int &a[], int &b[]) { ‸a = b; }", "ArrayCopy"),
    "an array from an array": ("void F(int &a[]) { int b[3] = ‸a; }", "ArrayCopy"),
    "a range for": ("void F(int &a[]) { ‸for(int x : a) { } }", "count an index"),
    "two indices in one": ("void F() { int a[2][2]; a[‸0, 1] = 1; }", "write a[i][j]"),
    "an element of a number": ("void F(int a) { a‸[0] = 1; }", "only arrays and strings"),
    "an array in a sum": ("int F(int &a[]) { return ‸a + 1; }", "only on elements"),
    "an array where a value is needed": (
        "void G(int a);\nvoid F(int &a[]) { G(‸a); }",
        "cannot be passed by value",
    ),
}

EXPRESSIONS = {
    "a lambda": ("void F() { int a = ‸[](int b) { return b; }(1); }", "no lambdas"),
    "adjacent strings": ('string a = "x" ‸"y";', "put + between"),
    "a suffix u": ("uint a = ‸1u;", "write '1' without 'u'"),
    "a suffix LL": ("long a = ‸5LL;", "write '5' without 'LL'"),
    "a suffix of a hexadecimal": ("ulong a = ‸0xFFul;", "write '0xFF' without 'ul'"),
    "a suffix f": ("float a = ‸1.5f;", "write '1.5' without 'f'"),
    "a digit separator": ("int a = ‸1'000'000;", "no digit separators"),
    "a binary number": ("int a = ‸0b101;", "no suffix"),
    "an octal number": ("int a = ‸0755;", "start with no 0"),
    "a prefix of a string": ('string a = ‸L"x";', "drop the 'L'"),
    "a raw string": ('string a = ‸R"(x)";', "drop the 'R'"),
    "a character of two": ("ushort a = ‸'ab';", "holds one character"),
    "an open string": ('string a = ‸"x;\n', "no closing"),
    "an open comment": ("int a; ‸/* b", "close it with */"),
    "a stray character": ("int a = ‸$;", "no MQL5 token starts with '$'"),
    "no date": ("datetime a = ‸D'2020.13.01';", "is no date"),
    "a date without its day": ("datetime a = ‸D'12:30';", "MetaEditor warns"),
    "an empty date": ("datetime a = ‸D'';", "MetaEditor warns"),
    "a date before 1970": ("datetime a = ‸D'1969.12.31';", "where datetime begins"),
    "no color": ("color a = ‸C'1,2';", "C'red,green,blue'"),
    "a color too bright": ("color a = ‸C'1,2,256';", "0 to 255"),
    "a function of C": ("void F() { ‸strlen(1); }", "neither a function of the program"),
    "printf": ("void F() { ‸printf(1); }", "write PrintFormat"),
    "an escape of C": ('string a = ‸"x\\0";', "no escape '\\0'"),
    "another function of C": ("void F(int &a[]) { ‸memcpy(a, a, 1); }", "nor one of MQL5's"),
    "a misspelt function": ("void F() { ‸ArrySize(1); }", "(is it 'ArraySize'?)"),
    "a misspelt constant": ("int a = ‸EMPTY_VALU;", "(is it 'EMPTY_VALUE'?)"),
    "an unknown variable": ("void F() { ‸a = 1; }", "'a' is not declared"),
    "a variable used too early": ("void F() { Print(‸a); }\nint a;", "'a' is not declared"),
    "a type where a value is needed": ("int a = ‸ENUM_TIMEFRAMES;", "is a type"),
    "calling a variable": ("void F() { int a = 1; ‸a(); }", "cannot be called"),
    "a function without ()": ("int G() { return 1; }\nint a = ‸G;", "with parentheses"),
    "too few arguments": (
        "void G(int a, int b = 1);\nvoid F() { ‸G(); }",
        "takes 1 to 2 arguments",
    ),
    "too many arguments": ("void G();\nvoid F() { ‸G(1); }", "takes no arguments, not 1"),
    "a value by reference": ("void G(int &a);\nvoid F() { G(‸1); }", "must be a variable"),
    "a value by constant reference": (
        'void G(const string &a);\nvoid F() { G(‸"x"); }',
        "argument 1 of 'G': what is passed by reference must be a variable",
    ),
    "a sum by reference": (
        "void G(int b, const double &a);\nvoid F(double a) { G(1, ‸a + 1); }",
        "argument 2 of 'G'",
    ),
    "a result by reference": (
        "string T() { return NULL; }\nclass C { public: void G(const string &a); };\n"
        "void F(C &c) { c.G(‸T()); }",
        "so put the value into one",
    ),
    "a value by reference to a constructor": (
        'class C { public: C(const string &a) { } };\nvoid F() { C c(‸"x"); }',
        "argument 1 of 'C'",
    ),
    "arguments without a constructor": ("class C { };\nC ‸c(1);", "no constructor"),
    "changing an input": ("input int A = 1;\nvoid F() { ‸A = 2; }", "copy it into a variable"),
    "counting an input": ("input int A = 1;\nvoid F() { ‸A++; }", "copy it into a variable"),
    "an input by reference": (
        "input int A = 1;\nvoid G(int &a) { a = 1; }\nvoid F() { G(‸A); }",
        "'A' is an input and cannot be changed",
    ),
    "assigning to a value": ("void F() { ‸1 = 2; }", "needs a variable"),
    "assigning to an enum's value": ("enum E { A };\nvoid F() { ‸A = 1; }", "needs a variable"),
    "assigning to a constant": ("void F() { ‸INT_MAX = 1; }", "needs a variable"),
    "a bool in a sum": ("int F(bool a) { return 1 + ‸a; }", "write (x ? 1 : 0)"),
    "minus of a ulong": ("ulong F(ulong a) { return ‸-a; }", "write 0 - x"),
    "a result that is to be checked": (
        "void F(MqlTradeRequest &q, MqlTradeResult &r) { ‸OrderSend(q, r); }",
        "the result of OrderSend is not checked",
    ),
    "a division by 0": ("int F(int a) { return a / ‸0; }", "division by zero"),
    "a remainder by a constant 0": (
        "const int N = 0;\nint F(int a) { return a % ‸N; }",
        "division by zero",
    ),
    "braces as a value": ("void F(MqlTick &t) { t = ‸{}; }", "initialises a declaration only"),
    "braces as an argument": ("void F() { Print(‸{1}); }", "pass a variable"),
    "dynamic_cast to an object": (
        "class C { };\nvoid F(C *p) { dynamic_cast<C‸>(p); }",
        "dynamic_cast<CFoo *>(p)",
    ),
}

STATEMENTS = {
    "a condition that declares": ("void F() { if(‸int a = 1) { } }", "before the 'if'"),
    "an unused variable": ("void F() { int ‸a = 1; }", "'a' is never used"),
    "an unused array": ("void F() { if(true) { double ‸a[3]; } }", "'a' is never used"),
    "a pointer as a condition": ("class C { };\nvoid F(C *p) { if(‸p) { } }", "with NULL"),
    "a pointer in a condition": (
        "class C { };\nbool F(C *p, bool a) { return a && ‸p; }",
        "a pointer is no condition",
    ),
    "an empty condition's statement": ("void F(bool a) { if(a)‸; }", "empty statement"),
    "an empty loop's statement": ("void F(bool a) { while(a)‸; }", "empty statement"),
    "a case that varies": ("void F(int a) { switch(a) { case ‸a: break; } }", "is constant"),
    "a case outside of a switch": ("void F() { ‸case 1: break; }", "in the braces of a switch"),
    "a statement before the first case": (
        "void F(int a) { switch(a) { ‸Print(1); } }",
        "begins with 'case'",
    ),
    "a return without a value": ("int F() { ‸return; }", "must return a value"),
    "a return with a value": ("void F() { ‸return 1; }", "returns nothing"),
    "an else without an if": ("void F() { ‸else Print(1); }", "has no 'if'"),
    "a block without an end": ("void F() ‸{ Print(1);", "has no '}'"),
    "a missing semicolon": ("void F() { Print(1) ‸}", "expected ';'"),
    "a template in a function": ("void F() { ‸template<typename T> T G(); }", "outside"),
}

PROGRAM = {
    "an import of a library of MQL5": ('‸#import "x.ex5"\nint F();\n#import', "only DLLs"),
    "an import without its end": ('‸#import "x.dll"\nint F();', "no closing #import"),
    "a pointer for a DLL": (
        'class C { };\n#import "x.dll"\nint F(C *‸c);\n#import',
        "takes no pointers to objects",
    ),
    "a resource that is missing": ('‸#resource "x.onnx" as uchar X[]', "cannot find the resource"),
    "a resource of another type": (
        '‸#resource "Snippet.mqh" as double X[]',
        "as uchar, not as double",
    ),
    "a wrong handler": ("int ‸OnTick() { return 1; }", "the event's handler is void OnTick(void)"),
    "a handler's parameter": ("void ‸OnDeinit() { }", "void OnDeinit(int)"),
    "a script that is an expert too": (
        "void OnStart() { }\nvoid ‸OnTick() { }",
        "a script has OnStart only",
    ),
    "a handler that the host lacks": ("void ‸OnBookEvent(const string &s) { }", "does not call"),
}


def _all(*tables: dict[str, tuple[str, str]]) -> list[object]:
    return [pytest.param(*case, id=name) for table in tables for name, case in table.items()]


@pytest.mark.parametrize(
    ("text", "message"),
    _all(
        POINTERS_AND_REFERENCES,
        WORDS_OF_CPP,
        DECLARATIONS,
        ARRAYS,
        EXPRESSIONS,
        STATEMENTS,
        PROGRAM,
    ),
)
def test_it_is_refused(text: str, message: str, tmp_path: Path) -> None:
    refused(tmp_path, text, message)


def test_a_program_needs_an_event(tmp_path: Path) -> None:
    refused(tmp_path, "void F() { }", "handles no event", name="Program.mq5")


def test_an_error_reads_as_a_link_of_an_editor(tmp_path: Path) -> None:
    path = tmp_path / "Snippet.mqh"
    path.write_text("int a;\n  auto b = 1;\n", encoding="utf-8")

    with pytest.raises(Mql5Error) as caught:
        translate(path, includes=[])

    assert str(caught.value) == f"{path.as_posix()}:2:3: MQL5 has no 'auto': write the type"
