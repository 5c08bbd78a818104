//+------------------------------------------------------------------+
//|                                                        Files.mq5 |
//| Files: binary and text, their errors, and the sandbox.           |
//+------------------------------------------------------------------+
#include <Expect.mqh>

struct Header
  {
   uchar             magic[8];
   int               count;
   float             scale;
   double            first;
  };

void TestBinary()
  {
   double written[] = {1.5, -2.5, 1e300};
   int file = FileOpen("Folder\\Numbers.bin", FILE_WRITE | FILE_BIN);
   ExpectTrue("opened for writing, with its folder", file != INVALID_HANDLE);
   ExpectLong("an array", FileWriteArray(file, written), 3);
   ExpectLong("a part of one", FileWriteArray(file, written, 1, 1), 1);
   ExpectLong("a long", FileWriteLong(file, LONG_MIN), 8);
   ExpectLong("an int", FileWriteInteger(file, -7), 4);
   ExpectLong("a short", FileWriteInteger(file, -8, SHORT_VALUE), 2);
   ExpectLong("a char", FileWriteInteger(file, -9, CHAR_VALUE), 1);
   ExpectLong("a double", FileWriteDouble(file, 0.1), 8);
   ExpectLong("a float", FileWriteFloat(file, (float)0.5), 4);
   ExpectLong("where it is", (long)FileTell(file), 59);
   ExpectLong("how large it is", (long)FileSize(file), 59);
   ExpectLong("written files are not read", FileReadLong(file), 0);
   ExpectError("written files are not read", ERR_FILE_NOTTOREAD);
   FileClose(file);

   file = FileOpen("Folder/Numbers.bin", FILE_READ | FILE_BIN);
   double numbers[];
   ExpectLong("read by count", FileReadArray(file, numbers, 2, 3), 3);
   ExpectLong("from a position of the array", ArraySize(numbers), 5);
   ExpectDouble("an element", numbers[3], -2.5);
   ExpectTrue("a seek", FileSeek(file, 32, SEEK_SET));
   ExpectTrue("a long again", FileReadLong(file) == LONG_MIN);
   ExpectLong("an int again", FileReadInteger(file), -7);
   ExpectLong("a short again", FileReadInteger(file, SHORT_VALUE), -8);
   ExpectLong("a char again", FileReadInteger(file, CHAR_VALUE), -9);
   ExpectDouble("a double again", FileReadDouble(file), 0.1);
   ExpectDouble("a float again", FileReadFloat(file), 0.5);
   ExpectTrue("at the end", FileIsEnding(file));
   ExpectLong("no error so far", _LastError, 0);
   ExpectLong("nothing left", FileReadLong(file), 0);
   ExpectError("nothing left", ERR_FILE_READERROR);
   ExpectTrue("from the end", FileSeek(file, -12, SEEK_END));
   ExpectDouble("from the end", FileReadDouble(file), 0.1);
   FileSeek(file, 0, SEEK_SET);
   uchar bytes[];
   ExpectLong("all of it", FileReadArray(file, bytes), 59);
   FileClose(file);
   FileClose(file);
   ExpectError("closed twice", ERR_INVALID_FILEHANDLE);
  }

void TestStructures()
  {
   Header header;
   StringToCharArray("EABOOK1\n", header.magic, 0, 8);
   header.count = 3;
   header.scale = (float)0.25;
   header.first = 1.25;
   int file = FileOpen("Header.bin", FILE_READ | FILE_WRITE | FILE_BIN);
   ExpectLong("a structure", FileWriteStruct(file, header), 24);
   FileSeek(file, 0, SEEK_SET);
   Header again;
   ExpectLong("read again", FileReadStruct(file, again), 24);
   ExpectDouble("its last field", again.first, 1.25);
   ExpectText("its first", CharArrayToString(again.magic, 0, 6), "EABOOK");
   ExpectLong("beyond the end", FileReadStruct(file, again), 0);
   FileSeek(file, 8, SEEK_SET);
   FileWriteInteger(file, 4);
   FileSeek(file, 8, SEEK_SET);
   ExpectLong("written in the middle", FileReadInteger(file), 4);
   FileClose(file);
   file = FileOpen("Header.bin", FILE_READ | FILE_WRITE | FILE_BIN);
   ExpectLong("opened to read and write, it keeps its content", (long)FileSize(file), 24);
   FileClose(file);
   file = FileOpen("Header.bin", FILE_WRITE | FILE_BIN);
   ExpectLong("opened to write, it is emptied", (long)FileSize(file), 0);
   FileClose(file);
  }

void TestText()
  {
   int file = FileOpen("Lines.txt", FILE_WRITE | FILE_TXT | FILE_ANSI);
   ExpectLong("a line", FileWrite(file, "price ", 1.5), 11);
   ExpectLong("a text without its end", FileWriteString(file, "half"), 4);
   FileWriteString(file, " done\r\n");
   FileClose(file);
   file = FileOpen("Lines.txt", FILE_READ | FILE_TXT | FILE_ANSI);
   ExpectText("line by line", FileReadString(file), "price 1.5");
   ExpectText("the last line", FileReadString(file), "half done");
   ExpectTrue("then the end", FileIsEnding(file));
   FileClose(file);

   file = FileOpen("Table.csv", FILE_WRITE | FILE_CSV | FILE_ANSI, ';');
   FileWrite(file, "EURUSD", 1.0842, true, D'2020.01.02 03:04:05');
   FileWrite(file, "Zürich €", 2);
   FileClose(file);
   file = FileOpen("Table.csv", FILE_READ | FILE_CSV | FILE_ANSI, ';');
   ExpectText("a field", FileReadString(file), "EURUSD");
   ExpectDouble("a number", FileReadNumber(file), 1.0842);
   ExpectTrue("a bool", FileReadBool(file));
   ExpectLong("a time", FileReadDatetime(file), D'2020.01.02 03:04:05');
   ExpectText("the next line", FileReadString(file), "Zürich €");
   FileClose(file);

   file = FileOpen("Unicode.txt", FILE_WRITE | FILE_TXT);
   FileWriteString(file, "ж\n");
   ExpectLong("UTF-16 with its mark", (long)FileSize(file), 6);
   FileClose(file);
   file = FileOpen("Unicode.txt", FILE_READ | FILE_TXT);
   ExpectText("UTF-16 read", FileReadString(file), "ж");
   FileClose(file);

   file = FileOpen("Utf8.txt", FILE_WRITE | FILE_TXT | FILE_ANSI, 0, CP_UTF8);
   FileWriteString(file, "ж\n");
   ExpectLong("UTF-8", (long)FileSize(file), 3);
   FileClose(file);
   file = FileOpen("Utf8.txt", FILE_READ | FILE_TXT | FILE_ANSI, 0, CP_UTF8);
   ExpectText("UTF-8 read", FileReadString(file), "ж");
   ExpectLong("binary reads of a text", FileReadLong(file), 0);
   ExpectError("binary reads of a text", ERR_FILE_NOTBIN);
   FileClose(file);
  }

void TestFolders()
  {
   ExpectTrue("a folder", FolderCreate("One\\Two"));
   ExpectTrue("a folder is no file", !FileIsExist("One"));
   ExpectError("a folder is no file", ERR_FILE_IS_DIRECTORY);
   ExpectTrue("a folder is not opened", FileOpen("One", FILE_READ | FILE_BIN) == INVALID_HANDLE);
   ExpectError("a folder is not opened", ERR_FILE_IS_DIRECTORY);
   ExpectTrue("not empty", !FolderDelete("One"));
   ExpectError("not empty", ERR_CANNOT_DELETE_DIRECTORY);
   ExpectTrue("cleaned", FolderClean("One"));
   ExpectTrue("empty", FolderDelete("One"));
   ExpectTrue("copied", FileCopy("Lines.txt", 0, "Copy.txt", 0));
   ExpectTrue("not over another", !FileCopy("Lines.txt", 0, "Copy.txt", 0));
   ExpectError("not over another", ERR_FILE_CANNOT_REWRITE);
   ExpectTrue("moved over another", FileMove("Lines.txt", 0, "Copy.txt", FILE_REWRITE));
   ExpectTrue("gone", !FileIsExist("Lines.txt"));
   ExpectError("gone", ERR_FILE_NOT_EXIST);
   ExpectTrue("deleted", FileDelete("Copy.txt"));
   ExpectTrue("deleted twice", !FileDelete("Copy.txt"));
   ExpectError("deleted twice", ERR_FILE_NOT_EXIST);
  }

void TestCommon()
  {
   int file = FileOpen("Shared.bin", FILE_WRITE | FILE_BIN | FILE_COMMON);
   FileWriteInteger(file, 1);
   FileClose(file);
   ExpectTrue("in the common folder", FileIsExist("Shared.bin", FILE_COMMON));
   ExpectTrue("not in the terminal's own", !FileIsExist("Shared.bin"));
   ResetLastError();
  }

void ExpectRefused(const string name, const int error)
  {
   ExpectTrue(name + " is refused", FileOpen(name, FILE_READ | FILE_WRITE | FILE_BIN) == INVALID_HANDLE);
   ExpectError(name, error);
  }

void TestSandbox()
  {
   ExpectRefused("..\\outside.bin", ERR_WRONG_FILENAME);
   ExpectRefused("Folder\\..\\..\\outside.bin", ERR_WRONG_FILENAME);
   ExpectRefused("\\outside.bin", ERR_WRONG_FILENAME);
   ExpectRefused("C:\\outside.bin", ERR_WRONG_FILENAME);
   ExpectRefused("what?.bin", ERR_WRONG_FILENAME);
   ExpectRefused("", ERR_WRONG_FILENAME);
   ExpectTrue("a folder outside", !FolderCreate("..\\outside"));
   ExpectError("a folder outside", ERR_WRONG_FILENAME);
   ExpectTrue("missing", FileOpen("Missing.bin", FILE_READ | FILE_BIN) == INVALID_HANDLE);
   ExpectError("missing", ERR_CANNOT_OPEN_FILE);
  }

void TestSharing()
  {
   int one = FileOpen("Header.bin", FILE_READ | FILE_BIN);
   ExpectTrue("not shared", FileOpen("Header.bin", FILE_READ | FILE_BIN) == INVALID_HANDLE);
   ExpectError("not shared", ERR_CANNOT_OPEN_FILE);
   FileClose(one);
   one = FileOpen("Header.bin", FILE_READ | FILE_BIN | FILE_SHARE_READ);
   int other = FileOpen("Header.bin", FILE_READ | FILE_BIN | FILE_SHARE_READ);
   ExpectTrue("shared by readers", one != INVALID_HANDLE && other != INVALID_HANDLE && one != other);
   ExpectTrue("but not with a writer", FileOpen("Header.bin", FILE_WRITE | FILE_BIN | FILE_SHARE_READ) == INVALID_HANDLE);
   ExpectError("but not with a writer", ERR_CANNOT_OPEN_FILE);
   FileClose(one);
   FileClose(other);
   int handles[];
   ArrayResize(handles, 65);
   for(int i = 0; i < 65; i++)
      handles[i] = FileOpen("Many" + IntegerToString(i), FILE_WRITE | FILE_BIN);
   ExpectTrue("64 at a time", handles[63] != INVALID_HANDLE && handles[64] == INVALID_HANDLE);
   ExpectError("64 at a time", ERR_TOO_MANY_FILES);
   for(int i = 0; i < 64; i++)
      FileClose(handles[i]);
  }

void OnStart()
  {
   TestBinary();
   TestStructures();
   TestText();
   TestFolders();
   TestCommon();
   TestSandbox();
   TestSharing();
   ExpectEnd();
  }
