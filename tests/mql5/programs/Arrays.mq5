//+------------------------------------------------------------------+
//|                                                       Arrays.mq5 |
//| What MQL5's arrays and Array* functions do.                      |
//+------------------------------------------------------------------+
#include <Expect.mqh>

struct Pair
  {
   int               left;
   int               right;
  };

class CBag
  {
public:
   int               m_things[];
   string            m_names[3];
                     CBag() { ArrayResize(m_things, 2); m_things[0] = 7; m_things[1] = 8; }
  };

int g_zeros[4];
int g_table[2][3] = {{1, 2, 3}, {4, 5, 6}};
static double s_growing[];

int Sum(const int &values[])
  {
   int sum = 0;
   for(int i = 0; i < ArraySize(values); i++)
      sum += values[i];
   return sum;
  }

void Append(int &values[], const int value)
  {
   int size = ArraySize(values);
   ArrayResize(values, size + 1, 10);
   values[size] = value;
  }

int SumThroughAnother(int &values[])
  {
   return Sum(values);
  }

void TestSizes()
  {
   int none[];
   ExpectLong("a dynamic array starts empty", ArraySize(none), 0);
   ExpectLong("ArrayResize returns the size", ArrayResize(none, 5), 5);
   ExpectLong("ArraySize after it", ArraySize(none), 5);
   ExpectTrue("a dynamic array is dynamic", ArrayIsDynamic(none));
   ExpectTrue("an array with a size is not", !ArrayIsDynamic(g_zeros));
   ExpectLong("a negative size", ArrayResize(none, -1), -1);
   ExpectError("a negative size", ERR_ARRAY_RESIZE_ERROR);
   ExpectLong("it stays as it was", ArraySize(none), 5);
   ArrayFree(none);
   ExpectLong("ArrayFree empties", ArraySize(none), 0);
   ExpectLong("all elements of a table", ArraySize(g_table), 6);
   ExpectLong("its rows", ArrayRange(g_table, 0), 2);
   ExpectLong("its columns", ArrayRange(g_table, 1), 3);
   int rows[][2];
   ExpectLong("resized by rows", ArrayResize(rows, 3), 6);
   rows[2][1] = 9;
   ExpectLong("the last of the last row", rows[2][1], 9);
  }

void TestContents()
  {
   ExpectLong("global arrays are zero", Sum(g_zeros), 0);
   ExpectLong("a table's initialiser", g_table[1][2], 6);
   int partly[4] = {1, 2};
   ExpectLong("what an initialiser leaves out is zero", partly[3], 0);
   int counted[] = {3, 4, 5};
   ExpectLong("an initialiser gives the size", ArraySize(counted), 3);
   ExpectLong("a const reference", Sum(counted), 12);
   ExpectLong("a reference passed on", SumThroughAnother(counted), 12);
   int growing[];
   for(int i = 0; i < 25; i++)
      Append(growing, i);
   ExpectLong("grown through a reference", Sum(growing), 300);
   ArrayResize(growing, 3);
   ExpectLong("shrunk", Sum(growing), 3);
   int unset[];
   ArrayResize(unset, 2);
   ExpectTrue("new elements are not zero", unset[0] != 0 && unset[1] != 0);
   ArrayInitialize(unset, 5);
   ExpectLong("ArrayInitialize", Sum(unset), 10);
   int filled[6];
   ArrayInitialize(filled, 0);
   ArrayFill(filled, 2, 3, 4);
   ExpectLong("ArrayFill fills a part", Sum(filled), 12);
   ExpectLong("before the part", filled[1], 0);
   ExpectLong("after it", filled[5], 0);
  }

void TestCopies()
  {
   int source[] = {1, 2, 3, 4, 5};
   int target[];
   ExpectLong("ArrayCopy returns the count", ArrayCopy(target, source), 5);
   ExpectLong("a copy", target[4], 5);
   ExpectLong("a part", ArrayCopy(target, source, 1, 3, 2), 2);
   ExpectLong("a part's first", target[1], 4);
   ExpectLong("after a part", target[3], 4);
   ExpectLong("more than there is", ArrayCopy(target, source, 4, 3, 10), 2);
   ExpectLong("the target grew", ArraySize(target), 6);
   ExpectLong("within one array", ArrayCopy(source, source, 1, 0, 4), 4);
   ExpectLong("within one array, first", source[1], 1);
   ExpectLong("within one array, last", source[4], 4);
   uchar bytes[] = {200, 201};
   double numbers[];
   ArrayCopy(numbers, bytes);
   ExpectDouble("numbers are converted", numbers[1], 201.0);
   int small[2];
   ExpectLong("a target that cannot grow", ArrayCopy(small, source), -1);
   ExpectError("a target that cannot grow", ERR_SMALL_ARRAY);
  }

void TestSeries()
  {
   double closes[];
   ArrayResize(closes, 3);
   for(int i = 0; i < 3; i++)
      closes[i] = i;
   ExpectTrue("not a series at first", !ArrayGetAsSeries(closes));
   ExpectTrue("made a series", ArraySetAsSeries(closes, true));
   ExpectTrue("a series now", ArrayGetAsSeries(closes));
   ExpectDouble("the newest is first", closes[0], 2.0);
   double straight[];
   ArrayCopy(straight, closes);
   ExpectDouble("copied in the order seen", straight[0], 2.0);
   ArraySetAsSeries(closes, false);
   ExpectDouble("memory is as it was", closes[0], 0.0);
   ExpectTrue("an array with a size is no series", !ArraySetAsSeries(g_zeros, true));
  }

void TestSearches()
  {
   double values[] = {5.0, 1.0, 4.0, 1.0};
   ExpectLong("ArrayMaximum", ArrayMaximum(values), 0);
   ExpectLong("ArrayMinimum finds the first", ArrayMinimum(values), 1);
   ExpectLong("from a position", ArrayMaximum(values, 1), 2);
   ExpectLong("within a range", ArrayMinimum(values, 2, 1), 2);
   ArraySort(values);
   ExpectDouble("sorted, first", values[0], 1.0);
   ExpectDouble("sorted, last", values[3], 5.0);
   ExpectLong("found", ArrayBsearch(values, 4.0), 2);
   ExpectLong("nearest below", ArrayBsearch(values, 4.4), 2);
   ExpectLong("nearest above", ArrayBsearch(values, 4.9), 3);
   ExpectLong("before all", ArrayBsearch(values, -9.0), 0);
   ExpectLong("after all", ArrayBsearch(values, 9.0), 3);
  }

void TestChanges()
  {
   int values[] = {1, 2, 3};
   int more[];
   ArrayCopy(more, values);
   ExpectTrue("inserted", ArrayInsert(more, values, 1, 0, 2));
   ExpectLong("inserted: size", ArraySize(more), 5);
   ExpectLong("inserted: first", more[1], 1);
   ExpectLong("inserted: pushed on", more[3], 2);
   ExpectTrue("removed", ArrayRemove(more, 0, 3));
   ExpectLong("removed: size", ArraySize(more), 2);
   ExpectLong("removed: first", more[0], 2);
   ExpectTrue("reversed", ArrayReverse(more));
   ExpectLong("reversed: first", more[0], 3);
   int others[];
   ExpectTrue("swapped", ArraySwap(more, others));
   ExpectLong("swapped: one", ArraySize(more), 0);
   ExpectLong("swapped: other", ArraySize(others), 2);
   int same[] = {3, 2};
   ExpectLong("equal", ArrayCompare(others, same), 0);
   ExpectLong("greater", ArrayCompare(values, same), -1);
  }

void TestObjects()
  {
   Pair pairs[];
   ArrayResize(pairs, 2);
   pairs[1].left = 3;
   pairs[0] = pairs[1];
   ExpectLong("structures are copied", pairs[0].left, 3);
   CBag bags[];
   ArrayResize(bags, 2);
   ArrayResize(bags, 40);
   ExpectLong("objects are constructed", bags[39].m_things[1], 8);
   ExpectLong("and survive a resize", bags[0].m_things[0], 7);
   ExpectTrue("strings start as NULL", bags[3].m_names[2] == NULL);
   string words[];
   ArrayResize(words, 2);
   words[1] = "two";
   ArrayResize(words, 100);
   ExpectText("strings survive a resize", words[1], "two");
   ZeroMemory(pairs[0]);
   ExpectLong("ZeroMemory", pairs[0].left, 0);
  }

void OnStart()
  {
   TestSizes();
   TestContents();
   TestCopies();
   TestSeries();
   TestSearches();
   TestChanges();
   TestObjects();
   ArrayResize(s_growing, 1);
   ExpectEnd();
  }
