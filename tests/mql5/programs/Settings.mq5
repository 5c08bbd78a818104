//+------------------------------------------------------------------+
//|                                                     Settings.mq5 |
//| Reads a line of a file when it starts.                           |
//+------------------------------------------------------------------+
int OnInit()
  {
   int file = FileOpen("Settings.txt", FILE_READ | FILE_TXT | FILE_ANSI);
   if(file == INVALID_HANDLE)
      return INIT_FAILED;
   Print(FileReadString(file));
   FileClose(file);
   return INIT_SUCCEEDED;
  }

void OnTick()
  {
  }
