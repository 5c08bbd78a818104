//+------------------------------------------------------------------+
//|                                                     Critical.mq5 |
//| Ends in the critical error that its input names.                 |
//+------------------------------------------------------------------+
input string Error = "";

class CThing
  {
public:
   int               m_value;
                     CThing() : m_value(0) {}
  };

class CNosy
  {
private:
   CThing           *m_thing;

public:
                     CNosy() : m_thing(NULL) {}
                    ~CNosy() { if(Error == "in a destructor") m_thing.m_value = 1; }
  };

CNosy g_nosy;

void Overrun(const int &values[], const int place)
  {
   Print(values[place]);
  }

void OnStart()
  {
   int zero = 0;
   double nothing = 0.0;
   int fixed[3] = {1, 2, 3};
   int dynamic[];
   string text = "abc";
   if(Error == "past a fixed array")
      fixed[3 + zero] = 1;
   if(Error == "before an array")
      fixed[zero - 1] = 1;
   if(Error == "an empty array")
      dynamic[zero] = 1;
   if(Error == "through a reference")
      Overrun(fixed, 3);
   if(Error == "past a string")
      Print(text[3 + zero]);
   if(Error == "integer division")
      Print(5 / zero);
   if(Error == "remainder")
      Print(5 % zero);
   if(Error == "double division")
      Print(5.0 / nothing);
   if(Error == "division in place")
      fixed[0] /= zero;
   CThing *thing = NULL;
   if(Error == "NULL")
      thing.m_value = 1;
   thing = new CThing();
   CThing *same = thing;
   delete thing;
   if(Error == "a deleted object")
      same.m_value = 1;
   if(Error == "deleted twice")
      delete same;
   CThing local;
   same = GetPointer(local);
   if(Error == "not made by new")
      delete same;
   if(Error == "a format's string")
      PrintFormat("%s", 1);
   if(Error == "a format's double")
      PrintFormat("%d", 1.5);
   if(Error == "a format's long")
      PrintFormat("%d", GetMicrosecondCount());
   if(Error == "too few for a format")
      PrintFormat("%d %d", 1);
   if(Error == "too many for a format")
      PrintFormat("%d", 1, 2);
   Print("survived");
  }
