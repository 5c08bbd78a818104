//+------------------------------------------------------------------+
//|                                                       Charts.mq5 |
//| Objects on the chart, and the chart itself.                      |
//+------------------------------------------------------------------+
#include <Expect.mqh>

input bool Leave = false;   // leaves two objects and a comment behind

void MakeAndMove()
  {
   ExpectTrue("a line", ObjectCreate(0, "line", OBJ_TREND, 0, 100, 1.5, 200, 1.6));
   ExpectTrue("a triangle", ObjectCreate(ChartID(), "triangle", OBJ_TRIANGLE, 0, 100, 1.5));
   ExpectLong("both are there", ObjectsTotal(0), 2);
   ExpectLong("one is a line", ObjectsTotal(0, 0, OBJ_TREND), 1);
   ExpectLong("its type", ObjectGetInteger(0, "line", OBJPROP_TYPE), OBJ_TREND);
   ExpectLong("its first time", ObjectGetInteger(0, "line", OBJPROP_TIME), 100);
   ExpectLong("its second time", ObjectGetInteger(0, "line", OBJPROP_TIME, 1), 200);
   ExpectDouble("its second price", ObjectGetDouble(0, "line", OBJPROP_PRICE, 1), 1.6);
   ExpectTrue("moved", ObjectMove(0, "line", 1, 300, 1.7));
   ExpectDouble("its new price", ObjectGetDouble(0, "line", OBJPROP_PRICE, 1), 1.7);
   ExpectTrue("a third point", ObjectMove(0, "triangle", 2, 300, 1.7));
   ResetLastError();
   ExpectTrue("a line has two", !ObjectMove(0, "line", 2, 300, 1.7));
   ExpectError("a line has two", ERR_OBJECT_ERROR);
   ExpectText("names are sorted", ObjectName(0, 1), "triangle");
   ExpectLong("found in the main window", ObjectFind(0, "line"), 0);
  }

void Properties()
  {
   ExpectTrue("colour", ObjectSetInteger(0, "line", OBJPROP_COLOR, clrOrange));
   ExpectLong("colour", ObjectGetInteger(0, "line", OBJPROP_COLOR), clrOrange);
   ExpectTrue("time", ObjectSetInteger(0, "line", OBJPROP_TIME, 1, 400));
   ExpectLong("time", ObjectGetInteger(0, "line", OBJPROP_TIME, 1), 400);
   ExpectTrue("price", ObjectSetDouble(0, "line", OBJPROP_PRICE, 1.25));
   ExpectDouble("price", ObjectGetDouble(0, "line", OBJPROP_PRICE), 1.25);
   ExpectTrue("tooltip", ObjectSetString(0, "line", OBJPROP_TOOLTIP, "what it is"));
   ExpectText("tooltip", ObjectGetString(0, "line", OBJPROP_TOOLTIP), "what it is");
   ResetLastError();
   ExpectTrue("none of this name", !ObjectSetInteger(0, "nothing", OBJPROP_COLOR, clrRed));
   ExpectError("none of this name", ERR_OBJECT_NOT_FOUND);
   ExpectTrue("none on another chart", !ObjectSetInteger(7, "line", OBJPROP_COLOR, clrRed));
   ExpectError("none on another chart", ERR_CHART_WRONG_ID);
  }

void Delete()
  {
   ObjectCreate(0, "fan 1", OBJ_VLINE, 0, 100, 0.0);
   ObjectCreate(0, "fan 2", OBJ_VLINE, 0, 200, 0.0);
   ExpectLong("by prefix", ObjectsDeleteAll(0, "fan "), 2);
   ExpectTrue("by name", ObjectDelete(0, "line"));
   ExpectTrue("only once", !ObjectDelete(0, "line"));
   ResetLastError();
   ExpectLong("all", ObjectsDeleteAll(0), 1);
   ExpectLong("nothing is left", ObjectsTotal(0), 0);
   ExpectTrue("a name has 63 letters at most",
              !ObjectCreate(0, "0123456789012345678901234567890123456789012345678901234567890123",
                            OBJ_VLINE, 0, 100, 0.0));
   ResetLastError();
  }

void Chart()
  {
   ExpectText("symbol", ChartSymbol(), _Symbol);
   ExpectLong("period", ChartPeriod(), _Period);
   ExpectTrue("its background", ChartSetInteger(0, CHART_COLOR_BACKGROUND, clrWhite));
   ExpectLong("its background", ChartGetInteger(0, CHART_COLOR_BACKGROUND), clrWhite);
   ChartRedraw();
  }

void OnStart()
  {
   MakeAndMove();
   Properties();
   Delete();
   Chart();
   if(Leave)
     {
      ObjectCreate(0, "left over", OBJ_TREND, 0, 100, 1.5, 200, 1.6);
      ObjectCreate(0, "and this", OBJ_LABEL, 0, 0, 0.0);
      Comment("still here");
     }
   ExpectEnd();
  }
