//+------------------------------------------------------------------+
//| ExportBars.mq5                                                   |
//| Writes a chart's closed bars to a file that eabridge train and   |
//| eabridge book read, in the layout of the terminal's own export.  |
//+------------------------------------------------------------------+
#property copyright "eabridge"
#property version   "1.00"
#property description "Writes closed bars to MQL5/Files for eabridge train and eabridge book."
#property script_show_inputs

#include <EABridge/Timeframe.mqh>

input string InpSymbol = "";                                // Symbol (empty: the chart's)
input ENUM_TIMEFRAMES InpPeriod = PERIOD_CURRENT;           // Timeframe
input datetime InpFrom = D'2010.01.01';                     // First bar
input datetime InpTo = 0;                                   // Last bar (0: the last closed one)

#define EXPORT_TRIES 20        // half a second each, for a terminal that has to download the bars
#define EXPORT_HEADER "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"

// The bars of the period from InpFrom to InpTo; the terminal may have to fetch them first.
int ReadBars(const string symbol, const ENUM_TIMEFRAMES period, const datetime to,
             MqlRates &rates[])
  {
   int count = CopyRates(symbol, period, InpFrom, to, rates);
   for(int i = 0; i < EXPORT_TRIES && !IsStopped(); i++)
     {
      if(SeriesInfoInteger(symbol, period, SERIES_SYNCHRONIZED) != 0)
         break;
      Sleep(500);
      count = CopyRates(symbol, period, InpFrom, to, rates);
     }
   return count;
  }

// How many of the bars are closed. The bar of shift 0 forms, and would change after it is written.
int CountClosed(const MqlRates &rates[], const int count, const datetime forming)
  {
   int closed = count;
   while(closed > 0 && rates[closed - 1].time >= forming)
      closed--;
   return closed;
  }

// "202012312300"
string Compact(const datetime time)
  {
   string text = TimeToString(time, TIME_DATE | TIME_MINUTES);
   StringReplace(text, ".", "");
   StringReplace(text, ":", "");
   StringReplace(text, " ", "");
   return text;
  }

// As the terminal names its exports; some brokers have symbols such as EUR/USD, and no file has.
string FileName(const string symbol, const string timeframe, const datetime from, const datetime to)
  {
   string name = symbol + "_" + timeframe + "_" + Compact(from) + "_" + Compact(to) + ".csv";
   StringReplace(name, "/", "");
   return name;
  }

string Row(const MqlRates &bar, const int digits)
  {
   return TimeToString(bar.time, TIME_DATE) + "\t" + TimeToString(bar.time, TIME_SECONDS) + "\t" +
          DoubleToString(bar.open, digits) + "\t" + DoubleToString(bar.high, digits) + "\t" +
          DoubleToString(bar.low, digits) + "\t" + DoubleToString(bar.close, digits) + "\t" +
          IntegerToString(bar.tick_volume) + "\t" + IntegerToString(bar.real_volume) + "\t" +
          IntegerToString(bar.spread) + "\n";
  }

bool WriteBars(const string name, const MqlRates &rates[], const int count, const int digits)
  {
   const int file = FileOpen(name, FILE_WRITE | FILE_TXT | FILE_ANSI);
   if(file == INVALID_HANDLE)
      return false;
   bool written = FileWriteString(file, EXPORT_HEADER) > 0;
   for(int i = 0; i < count && written; i++)
      written = FileWriteString(file, Row(rates[i], digits)) > 0;
   FileClose(file);
   return written;
  }

void OnStart()
  {
   const string symbol = InpSymbol == "" ? _Symbol : InpSymbol;
   const ENUM_TIMEFRAMES period = InpPeriod == PERIOD_CURRENT ? Period() : InpPeriod;
   const string timeframe = TimeframeName(PeriodSeconds(period));
   if(!SymbolSelect(symbol, true))
     {
      Alert("There is no symbol ", symbol, ": write it as Market Watch does");
      return;
     }
   MqlRates rates[];
   const int count = ReadBars(symbol, period, InpTo == 0 ? TimeCurrent() : InpTo, rates);
   const int closed = count <= 0 ? 0 : CountClosed(rates, count, iTime(symbol, period, 0));
   if(closed == 0)
     {
      Alert(StringFormat("The terminal has no closed bars of %s %s from %s on (error %d): open " +
                         "that chart, press Home to load its history, and try again",
                         symbol, timeframe, TimeToString(InpFrom), GetLastError()));
      return;
     }
   const string name = FileName(symbol, timeframe, rates[0].time, rates[closed - 1].time);
   if(!WriteBars(name, rates, closed, (int)SymbolInfoInteger(symbol, SYMBOL_DIGITS)))
     {
      Alert(StringFormat("%s could not be written (error %d): see that the disk has room",
                         name, GetLastError()));
      return;
     }
   const string path = TerminalInfoString(TERMINAL_DATA_PATH) + "\\MQL5\\Files\\" + name;
   PrintFormat("%d bars of %s %s, %s to %s, are in %s", closed, symbol, timeframe,
               TimeToString(rates[0].time), TimeToString(rates[closed - 1].time), path);
   Print("Next: eabridge train --data \"", path, "\"");
   Print("  or: eabridge book --model fx-h1 --data \"", path, "\" --out forecast.book");
  }
