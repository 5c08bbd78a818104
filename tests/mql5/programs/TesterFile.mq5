//+------------------------------------------------------------------+
//|                                                   TesterFile.mq5 |
//| Reads two files that it names for agents, and one it does not.   |
//+------------------------------------------------------------------+
#property tester_file "named.txt"
#property tester_file "folder\\named.txt"

void Read(const string name)
  {
   const int file = FileOpen(name, FILE_READ | FILE_TXT | FILE_ANSI);
   Print(name, "|", file == INVALID_HANDLE ? "missing" : FileReadString(file));
   FileClose(file);
  }

int OnInit()
  {
   Read("named.txt");
   Read("folder\\named.txt");
   Read("other.txt");
   return INIT_SUCCEEDED;
  }

void OnTick()
  {
  }
