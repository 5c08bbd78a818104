//+------------------------------------------------------------------+
//|                                                      Strings.mq5 |
//| What MQL5's strings and String* functions do.                    |
//+------------------------------------------------------------------+
#include <Expect.mqh>

string Echo(const string text)
  {
   return text;
  }

void Shout(string &text)
  {
   StringToUpper(text);
   text += "!";
  }

void TestValues()
  {
   string unset;
   string empty = "";
   ExpectTrue("a string that was never set is NULL", unset == NULL);
   ExpectTrue("an empty string is not NULL", empty != NULL);
   ExpectTrue("but they are equal", unset == empty);
   ExpectTrue("NULL passes as a string", Echo(NULL) == NULL);
   ExpectLong("the length of NULL", StringLen(NULL), 0);
   string one = "one";
   string other = one;
   other += "!";
   ExpectText("strings are values", one, "one");
   Shout(one);
   ExpectText("strings pass by reference where they are told to", one, "ONE!");
   ExpectTrue("compared by code, upper case first", "Zebra" < "apple");
   ExpectTrue("a beginning sorts first", "app" < "apple");
   ExpectText("escapes", "tab\tquote\"slash\\", "tab" + ShortToString(9) + "quote" + ShortToString('"') + "slash" + ShortToString('\\'));
   ExpectText("added", "a" + "b" + one, "abONE!");
  }

void TestUnits()
  {
   string text = "Zürich €";
   ExpectLong("counted in UTF-16 units", StringLen(text), 8);
   ExpectLong("a unit by index", text[1], 252);
   ExpectLong("a unit by function", StringGetCharacter(text, 7), 8364);
   ExpectLong("outside is 0", StringGetCharacter(text, 8), 0);
   ExpectError("outside", ERR_STRINGPOS_OUTOFRANGE);
   ExpectLong("beyond the basic plane a character has two units", StringLen("𝄞"), 2);
   ExpectTrue("set a unit", StringSetCharacter(text, 1, 'u'));
   ExpectText("set a unit", text, "Zurich €");
   ExpectTrue("set the unit after the last", StringSetCharacter(text, 8, '!'));
   ExpectText("set the unit after the last", text, "Zurich €!");
   ExpectTrue("set beyond", !StringSetCharacter(text, 20, '!'));
   ExpectError("set beyond", ERR_STRINGPOS_OUTOFRANGE);
  }

void TestSearches()
  {
   string text = "EURUSD,EURGBP,EURJPY";
   ExpectLong("found", StringFind(text, "EUR"), 0);
   ExpectLong("found from a position", StringFind(text, "EUR", 1), 7);
   ExpectLong("not found", StringFind(text, "CHF"), -1);
   ExpectText("a part", StringSubstr(text, 7, 6), "EURGBP");
   ExpectText("to the end", StringSubstr(text, 14), "EURJPY");
   ExpectText("more than there is", StringSubstr(text, 14, 99), "EURJPY");
   ExpectText("outside", StringSubstr(text, 99), "");
   string parts[];
   ExpectLong("split", StringSplit(text, ',', parts), 3);
   ExpectText("split: last", parts[2], "EURJPY");
   ExpectLong("nothing to split at", StringSplit("EURUSD", ',', parts), 1);
   ExpectText("nothing to split at: all", parts[0], "EURUSD");
   ExpectLong("empty parts count", StringSplit(",,", ',', parts), 3);
   ExpectLong("an empty string has no parts", StringSplit("", ',', parts), 0);
   ExpectLong("replaced", StringReplace(text, "EUR", "€"), 3);
   ExpectText("replaced: result", text, "€USD,€GBP,€JPY");
   ExpectLong("nothing to replace", StringReplace(text, "CHF", "F"), 0);
  }

void TestChanges()
  {
   string text = " \t both sides\r\n";
   ExpectLong("cut on the left", StringTrimLeft(text), 3);
   ExpectLong("cut on the right", StringTrimRight(text), 2);
   ExpectText("trimmed", text, "both sides");
   string blank = "   ";
   ExpectLong("blanks only", StringTrimRight(blank), 3);
   ExpectText("blanks only: nothing left", blank, "");
   ExpectTrue("upper", StringToUpper(text));
   ExpectText("upper: result", text, "BOTH SIDES");
   ExpectTrue("lower", StringToLower(text));
   ExpectText("lower: result", text, "both sides");
   ExpectLong("compared with case", StringCompare("eurusd", "EURUSD"), 1);
   ExpectLong("compared without", StringCompare("eurusd", "EURUSD", false), 0);
   string joined;
   ExpectLong("concatenated", StringConcatenate(joined, "a", 1, "b", 2.5, true), 10);
   ExpectText("concatenated: result", joined, "a1b2.5true");
   ExpectTrue("added", StringAdd(joined, "."));
   ExpectText("added: result", joined, "a1b2.5true.");
   string stars;
   ExpectTrue("made of one character", StringInit(stars, 3, '*'));
   ExpectText("made of one character: result", stars, "***");
  }

void OnStart()
  {
   TestValues();
   TestUnits();
   TestSearches();
   TestChanges();
   ExpectEnd();
  }
