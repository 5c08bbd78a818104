//+------------------------------------------------------------------+
//|                                                     Language.mq5 |
//| MQL5 as far as the translator goes: each construct means what it |
//| means in MQL5 once it is C++.                                    |
//+------------------------------------------------------------------+
#property version "1.00"
#property strict

#include <Expect.mqh>

#define SQUARE(x) ((x) * (x))
#define LIMIT     (SQUARE(3) + COLUMNS)

const int COLUMNS = 3;
const string GREETING = "Grüße, \"Welt\"\t€";

enum ENUM_SIDE
  {
   SIDE_NONE,
   SIDE_BUY = 5,
   SIDE_SELL
  };

input group "What the test leaves as it is"
input int         Depth = 2;              // a number
sinput ENUM_SIDE  Side = SIDE_SELL;       // an enum
input datetime    Since = D'2020.01.01';  // a time

// ---- structures and unions

struct SPoint
  {
   double            x;
   double            y;

   double            Squared() const { return x * x + y * y; }
   SPoint            Plus(const SPoint &other) const;
   SPoint            operator+(const SPoint &other) const { return Plus(other); }
   bool              operator==(const SPoint &other) const { return x == other.x && y == other.y; }
   void              Copy(const SPoint &other) { this = other; }
  };

SPoint SPoint::Plus(const SPoint &other) const
  {
   SPoint sum = {};
   sum.x = x + other.x;
   sum.y = y + other.y;
   return sum;
  }

struct SSegment : SPoint
  {
   SPoint            end;
   int               marks[2][COLUMNS];
  };

union UBits
  {
   double            number;
   ulong             bits;
   uchar             bytes[8];
  };

// ---- classes

interface IShape
  {
   double            Area() const;
   string            Name() const;
  };

class CShape : public IShape
  {
protected:
   string            m_name;
   static int        s_count;

public:
                     CShape(const string name) : m_name(name) { s_count++; }
                    ~CShape() { s_count--; }
   virtual double    Area() const override { return 0; }
   virtual string    Name() const override final { return m_name; }
   static int        Count() { return s_count; }
   CShape           *Self() { return GetPointer(this); }
   virtual CShape   *Twin() const { return NULL; }
  };

int CShape::s_count = 0;

class CBox final : public CShape
  {
private:
   double            m_sides[2];

public:
                     CBox(const double width, const double height = 1.0);
   virtual double    Area() const override { return m_sides[0] * m_sides[1]; }
   virtual CShape   *Twin() const override { return new CBox(m_sides[0], m_sides[1]); }
   double            operator[](const int i) const { return m_sides[i]; }
   void              Grow(double by = 2.0);
   int               register_;
   int               small;
  };

CBox::CBox(const double width, const double height) : CShape("box"), register_(1), small(2)
  {
   m_sides[0] = width;
   this.m_sides[1] = height;
  }

void CBox::Grow(double by)
  {
   for(int i = 0, n = ArraySize(m_sides); i < n; i++)
      m_sides[i] *= by;
  }

// ---- templates

template<typename T>
T Larger(const T a, const T b)
  {
   return a > b ? a : b;
  }

template<typename T>
class CStack
  {
protected:
   T                 m_items[];

public:
   void              Push(const T item);
   T                 Pop();
   int               Size() const { return ArraySize(m_items); }
  };

template<typename T>
void CStack::Push(const T item)
  {
   int size = ArraySize(m_items);
   ArrayResize(m_items, size + 1);
   m_items[size] = item;
  }

template<typename T>
T CStack::Pop()
  {
   int last = Size() - 1;
   T item = m_items[last];
   ArrayResize(m_items, last);
   return item;
  }

template<typename T>
class CCountingStack : public CStack<T>
  {
private:
   int               m_pops;

public:
                     CCountingStack() : m_pops(0) { }
   int               PopAll()
     {
      while(Size() > 0)
        {
         Pop();
         m_pops++;
        }
      return m_pops;
     }
  };

// ---- functions: overloads, defaults, references, use before definition

string Kind(const int value) { return "int"; }
string Kind(const double value) { return "double"; }
string Kind(const string value) { return "string"; }
string Kind(const CShape &value) { return "shape " + value.Name(); }

int Print(const int a, const int b) { return a + b; }  // an overload of MQL5's own

void Swap(CShape *&a, CShape *&b)
  {
   CShape *kept = a;
   a = b;
   b = kept;
  }

void Fill(int &table[][COLUMNS], const int value)
  {
   for(int i = 0; i < ArrayRange(table, 0); i++)
      for(int j = 0; j < COLUMNS; j++)
         table[i][j] = value + i * COLUMNS + j;
  }

int NextNumber()
  {
   static int number = 10;
   return number++;
  }

string SideText(const ENUM_SIDE side)
  {
   switch(side)
     {
      case SIDE_BUY:
      case SIDE_SELL:
        {
         const string text = side == SIDE_BUY ? "buy" : "sell";
         return text;
        }
      default:
         break;
     }
   return EnumToString(side);
  }

// ---- what is expected

void ExpectLiterals()
  {
   ExpectLong("hexadecimal", 0xFF + 0x7fffff00, INT_MAX);
   ExpectLong("binary", B'1010', 10);
   ExpectTrue("the largest ulong", 18446744073709551615 == ULONG_MAX);
   ExpectLong("a character", 'A' + '\x42' + '\'', 65 + 66 + 39);
   ExpectLong("a date", D'2020.01.01 10:30:27', 1577874627);
   ExpectLong("a date the other way round", D'01.02.2020 5', D'2020.02.01 05:00');
   ExpectLong("a color", C'255,0x80,1', 0x0180FF);
   ExpectLong("a string's length", StringLen(GREETING), 15);
   ExpectText("an escape", "\x20AC", ShortToString(0x20AC));
   ExpectText("the function", __FUNCTION__, "ExpectLiterals");
   ExpectText("the file", __FILE__, "Language.mq5");
   ExpectLong("the line", __LINE__, 233);
   ExpectLong("a macro", LIMIT, 12);
  }

void ExpectStructures()
  {
   SPoint a = {3, 4};
   SPoint b;
   b.Copy(a);
   ExpectDouble("a method", b.Squared(), 25);
   ExpectTrue("an operator", a == b);
   ExpectDouble("an operator's result", (a + b).y, 8);
   SSegment segment;
   ZeroMemory(segment);
   segment.x = 1;
   segment.end = a;
   segment.marks[1][2] = 7;
   ExpectDouble("a structure in a structure", segment.end.y + segment.x, 5);
   ExpectLong("an array in a structure", segment.marks[1][2] + segment.marks[0][0], 7);
   ExpectLong("a size", sizeof(SSegment), 56);
   UBits bits;
   bits.number = 1.0;
   ExpectLong("a union", bits.bytes[7], 0x3F);
   ExpectTrue("a union's other member", bits.bits == 0x3FF0000000000000);
  }

void ExpectObjects()
  {
   CShape *shapes[2];
   shapes[0] = new CShape("dot");
   shapes[1] = new CBox(2, 3);
   Swap(shapes[0], shapes[1]);
   ExpectText("swapped", shapes[0].Name() + shapes[1].Name(), "boxdot");
   ExpectDouble("virtual", shapes[0].Area(), 6);
   ExpectLong("static", CShape::Count(), 2);
   CBox *box = dynamic_cast<CBox *>(shapes[0]);
   ExpectTrue("cast down", box != NULL && dynamic_cast<CBox *>(shapes[1]) == NULL);
   box.Grow();
   ExpectDouble("an index of its own", box[1], 6);
   ExpectLong("words of C++", box.register_ + box.small, 3);
   CShape *twin = box.Self().Twin();
   ExpectDouble("a chain", twin.Area(), 24);
   ExpectText("followed to a reference", Kind(twin), "shape box");
   IShape *shape = twin;
   ExpectDouble("an interface", shape.Area(), 24);
   for(int i = 0; i < 2; i++)
      delete shapes[i];
   delete twin;
   CBox local(1);
   ExpectTrue("a pointer to a local", CheckPointer(GetPointer(local)) == POINTER_AUTOMATIC);
   ExpectLong("what is left", CShape::Count(), 1);
  }

void ExpectTemplates()
  {
   const int numbers[] = {3, 9, 4};
   const string words[2] = {"a", "b"};
   ExpectLong("of numbers", Larger(numbers[0], numbers[1]) + ArraySize(numbers), 12);
   ExpectText("of strings", Larger(words[0], words[1]), "b");
   CCountingStack<string> stack;
   stack.Push("one");
   stack.Push("two");
   ExpectText("of a class", stack.Pop(), "two");
   ExpectLong("of an heir", stack.PopAll(), 1);
   CStack<CStack<int> *> *nested = new CStack<CStack<int> *>();
   nested.Push(new CStack<int>());
   CStack<int> *inner = nested.Pop();
   inner.Push(5);
   ExpectLong("of templates", inner.Pop() + inner.Size(), 5);
   delete inner;
   delete nested;
  }

void ExpectFunctions()
  {
   ExpectText("overloads", Kind(1) + Kind(1.5) + Kind("x"), "intdoublestring");
   ExpectLong("an overload of a built-in", Print(2, 3), 5);
   int table[2][COLUMNS];
   Fill(table, 1);
   ExpectLong("two dimensions", table[1][2], 6);
   int rows[][COLUMNS];
   ArrayResize(rows, 3);
   Fill(rows, 10);
   ExpectLong("a dynamic first dimension", rows[2][0], 16);
   NextNumber();
   ExpectLong("a static", NextNumber(), 11);
   ExpectText("a switch", SideText(SIDE_BUY) + SideText(Side) + SideText(SIDE_NONE),
              "buysellSIDE_NONE");
   ExpectLong("used before its definition", Later(Depth), 4);
   ExpectText("a time as text", (string)Since, "2020.01.01 00:00:00");
  }

void ExpectStatements()
  {
   int n = 0;
   do
      n += 2;
   while(n < 5);
   while(true)
     {
      if(++n > 20)
         break;
      if(n % 2 == 1)
         continue;
      n++;
     }
   ExpectLong("loops", n, 22);
   long quotient = 100;
   quotient /= n;
   quotient %= 3;
   ExpectLong("divisions in place", quotient, 1);
   uchar byte = (uchar)(0xABCD & 0xFF);
   ExpectLong("a narrowing cast", byte, 0xCD);
   ExpectLong("a cast in the form of a call", (long)int(2.9) + int("17"), 19);
   int errno = 1, signals = 2, and_mask = errno | signals;
   ExpectLong("names that C++ has taken", and_mask, 3);
   string text = NULL;
   text += "a";
   ExpectTrue("an element of a string", text[0] == 'a');
  }

int Later(const int value)
  {
   return value * 2;
  }

void OnStart()
  {
   ExpectLiterals();
   ExpectStructures();
   ExpectObjects();
   ExpectTemplates();
   ExpectFunctions();
   ExpectStatements();
   ExpectEnd();
  }
