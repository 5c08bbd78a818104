//+------------------------------------------------------------------+
//|                                                       Series.mq5 |
//| Reads four bars of an hour, from 10:00 on, of which the last     |
//| forms, and there is none at 12:00. Their opens are 1.1, 1.2, 1.3 |
//| and 1.4, highs and lows 0.01 around them, closes 0.005 above.    |
//+------------------------------------------------------------------+
#include <Expect.mqh>

const datetime FIRST = D'2020.01.02 10:00';
const datetime LAST = D'2020.01.02 14:00';

void ByPosition()
  {
   MqlRates rates[];
   ExpectLong("all there are", CopyRates(_Symbol, PERIOD_CURRENT, 0, 100, rates), 4);
   ExpectLong("oldest first", rates[0].time, FIRST);
   ExpectLong("the forming one last", rates[3].time, LAST);
   ExpectLong("closed ones", CopyRates(NULL, PERIOD_H1, 1, 2, rates), 2);
   ExpectLong("the array is as long", ArraySize(rates), 2);
   ExpectDouble("open", rates[1].open, 1.3);
   ExpectDouble("high", rates[1].high, 1.31);
   ExpectDouble("low", rates[1].low, 1.29);
   ExpectDouble("close", rates[1].close, 1.305);
   ExpectLong("tick volume", rates[1].tick_volume, 300);
   ExpectLong("spread", rates[1].spread, 10);
   ArraySetAsSeries(rates, true);
   ExpectLong("as a series", CopyRates(_Symbol, PERIOD_H1, 0, 4, rates), 4);
   ExpectLong("newest first", rates[0].time, LAST);
   ExpectLong("from beyond the first", CopyRates(_Symbol, PERIOD_H1, 4, 1, rates), -1);
   ExpectError("from beyond the first", ERR_HISTORY_NOT_FOUND);
   double closes[2];
   ExpectLong("a fixed array that is too small",
              CopyClose(_Symbol, PERIOD_H1, 0, 3, closes), -1);
   ExpectError("a fixed array that is too small", ERR_HISTORY_SMALL_BUFFER);
   ExpectLong("a fixed array", CopyClose(_Symbol, PERIOD_H1, 2, 2, closes), 2);
   ExpectDouble("its first", closes[0], 1.105);
  }

void ByTime()
  {
   datetime times[];
   ExpectLong("two up to a time", CopyTime(_Symbol, PERIOD_H1, D'2020.01.02 12:30', 2, times), 2);
   ExpectLong("the one before the gap", times[1], D'2020.01.02 11:00');
   ExpectLong("between two times",
              CopyTime(_Symbol, PERIOD_H1, D'2020.01.02 10:30', D'2020.01.02 13:00', times), 2);
   ExpectLong("from the later one on", times[0], D'2020.01.02 11:00');
   ExpectLong("to that time", times[1], D'2020.01.02 13:00');
   ExpectLong("in the other order",
              CopyTime(_Symbol, PERIOD_H1, D'2020.01.02 13:00', D'2020.01.02 10:30', times), 2);
   ExpectLong("none in the gap",
              CopyTime(_Symbol, PERIOD_H1, D'2020.01.02 12:00', D'2020.01.02 12:59', times), -1);
   ExpectError("none in the gap", ERR_HISTORY_NOT_FOUND);
   ExpectLong("none before the first", CopyTime(_Symbol, PERIOD_H1, FIRST - 1, 5, times), -1);
   ExpectError("none before the first", ERR_HISTORY_NOT_FOUND);
   ExpectLong("counted", Bars(_Symbol, PERIOD_H1, FIRST, D'2020.01.02 13:59'), 3);
  }

void EachColumn()
  {
   double values[];
   long volumes[];
   int spreads[];
   CopyOpen(_Symbol, PERIOD_H1, 3, 1, values);
   ExpectDouble("open", values[0], 1.1);
   CopyHigh(_Symbol, PERIOD_H1, 3, 1, values);
   ExpectDouble("high", values[0], 1.11);
   CopyLow(_Symbol, PERIOD_H1, 3, 1, values);
   ExpectDouble("low", values[0], 1.09);
   CopyClose(_Symbol, PERIOD_H1, 3, 1, values);
   ExpectDouble("close", values[0], 1.105);
   CopyTickVolume(_Symbol, PERIOD_H1, 3, 1, volumes);
   ExpectLong("tick volume", volumes[0], 100);
   CopySpread(_Symbol, PERIOD_H1, 3, 1, spreads);
   ExpectLong("spread", spreads[0], 10);
   ExpectDouble("iOpen", iOpen(_Symbol, PERIOD_H1, 3), 1.1);
   ExpectDouble("iHigh", iHigh(_Symbol, PERIOD_H1, 3), 1.11);
   ExpectDouble("iLow", iLow(_Symbol, PERIOD_H1, 3), 1.09);
   ExpectDouble("iClose", iClose(_Symbol, PERIOD_H1, 3), 1.105);
   ExpectLong("iVolume", iVolume(_Symbol, PERIOD_H1, 3), 100);
   ExpectLong("iTime", iTime(_Symbol, PERIOD_H1, 3), FIRST);
   ExpectLong("no such shift", iTime(_Symbol, PERIOD_H1, 4), 0);
   ExpectError("no such shift", ERR_HISTORY_NOT_FOUND);
  }

void Shifts()
  {
   ExpectLong("in the forming bar", iBarShift(_Symbol, PERIOD_H1, LAST + 1800), 0);
   ExpectLong("at an open", iBarShift(_Symbol, PERIOD_H1, FIRST), 3);
   ExpectLong("in the gap: the bar before", iBarShift(_Symbol, PERIOD_H1, D'2020.01.02 12:30'), 2);
   ExpectLong("in the gap, exactly", iBarShift(_Symbol, PERIOD_H1, D'2020.01.02 12:30', true), -1);
   ExpectLong("before all", iBarShift(_Symbol, PERIOD_H1, FIRST - 1), -1);
  }

void WhatIsNotThere()
  {
   MqlRates rates[];
   MqlTick tick;
   ResetLastError();
   ExpectLong("another symbol", CopyRates("XAUUSD", PERIOD_H1, 0, 1, rates), -1);
   ExpectError("another symbol", ERR_MARKET_UNKNOWN_SYMBOL);
   ExpectLong("another period", CopyRates(_Symbol, PERIOD_M5, 0, 1, rates), -1);
   ExpectError("another period", ERR_HISTORY_NOT_FOUND);
   ExpectTrue("its tick", !SymbolInfoTick("XAUUSD", tick));
   ExpectError("its tick", ERR_MARKET_UNKNOWN_SYMBOL);
   ExpectTrue("it cannot be selected", !SymbolSelect("XAUUSD", true));
   ResetLastError();
  }

void Properties()
  {
   ExpectText("the symbol", _Symbol, "EURUSD");
   ExpectLong("the period", _Period, PERIOD_H1);
   ExpectText("the period's name", EnumToString(_Period), "PERIOD_H1");
   ExpectLong("its seconds", PeriodSeconds(), 3600);
   ExpectLong("a day's seconds", PeriodSeconds(PERIOD_D1), 86400);
   ExpectLong("digits", _Digits, 5);
   ExpectDouble("point", _Point, 0.00001);
   ExpectDouble("bid", SymbolInfoDouble(_Symbol, SYMBOL_BID), 1.405);
   ExpectDouble("ask", SymbolInfoDouble(_Symbol, SYMBOL_ASK), 1.4051);
   ExpectLong("spread", SymbolInfoInteger(_Symbol, SYMBOL_SPREAD), 10);
   ExpectDouble("a point of a lot", SymbolInfoDouble(_Symbol, SYMBOL_TRADE_TICK_VALUE), 1.0);
   ExpectText("base", SymbolInfoString(_Symbol, SYMBOL_CURRENCY_BASE), "EUR");
   ExpectText("profit", SymbolInfoString(_Symbol, SYMBOL_CURRENCY_PROFIT), "USD");
   ExpectLong("bars", Bars(_Symbol, PERIOD_H1), 4);
   ExpectLong("first date", SeriesInfoInteger(_Symbol, PERIOD_H1, SERIES_FIRSTDATE), FIRST);
   ExpectLong("last bar", SeriesInfoInteger(_Symbol, PERIOD_H1, SERIES_LASTBAR_DATE), LAST);
   ExpectLong("the server's time", TimeCurrent(), LAST + 3599);
  }

void OnStart()
  {
   ByPosition();
   ByTime();
   EachColumn();
   Shifts();
   WhatIsNotThere();
   Properties();
   ExpectEnd();
  }
