//+------------------------------------------------------------------+
//|                                                    Undeleted.mq5 |
//| Forgets to delete objects.                                       |
//+------------------------------------------------------------------+

class CLeak
  {
public:
   double            m_numbers[];
   string            m_text;
                     CLeak() : m_text("a text too long to be kept inside the string") { ArrayResize(m_numbers, 100); }
  };

void OnStart()
  {
   for(int i = 0; i < 3; i++)
     {
      CLeak *leak = new CLeak();
      Print(leak.m_text);
     }
  }
