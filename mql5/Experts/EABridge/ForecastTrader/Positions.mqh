//+------------------------------------------------------------------+
//| ForecastTrader/Positions.mqh                                     |
//| The one position of this magic number: found, opened, closed.    |
//+------------------------------------------------------------------+
#ifndef FORECAST_TRADER_POSITIONS_MQH
#define FORECAST_TRADER_POSITIONS_MQH

#include <Trade/Trade.mqh>
#include "Inputs.mqh"
#include "Lots.mqh"
#include "Rules.mqh"
#include "Stops.mqh"

class CPositions
  {
private:
   CTrade            m_trade;
   uint              m_last_retcode;   // so that one refusal is told once, not at every tick

   bool              Done(const bool sent, const string what);

public:
                     CPositions();
   void              SetUp();
   ulong             Own() const;
   bool              SymbolIsTaken() const;
   bool              HorizonIsOver(const ulong ticket) const;
   bool              Open(const ENUM_DIRECTION direction, const double lots, const CStops &stops,
                          const string why);
   bool              Close(const ulong ticket, const string why);
   string            Refusal() const;
  };

CPositions::CPositions()
   : m_last_retcode(0)
  {
  }

void CPositions::SetUp()
  {
   m_trade.SetExpertMagicNumber((ulong)InpMagic);
   m_trade.SetDeviationInPoints((ulong)InpDeviationPoints);
   if(!m_trade.SetTypeFillingBySymbol(_Symbol))
      m_trade.SetTypeFilling(ORDER_FILLING_RETURN);   // exchanges that know neither of the others
   m_trade.LogLevel(LOG_LEVEL_NO);   // what comes of an order is told in words by Done
  }

// The ticket of this program's position on this symbol; 0 where it has none. It is selected.
ulong CPositions::Own() const
  {
   for(int i = PositionsTotal() - 1; i >= 0; i--)
     {
      const ulong ticket = PositionGetTicket(i);
      if(ticket != 0 && PositionGetString(POSITION_SYMBOL) == _Symbol &&
         PositionGetInteger(POSITION_MAGIC) == InpMagic)
         return ticket;
     }
   return 0;
  }

// On a netting account all trades of a symbol are one position: where another program or a hand
// holds it, an order of ours would change theirs.
bool CPositions::SymbolIsTaken() const
  {
   if(AccountInfoInteger(ACCOUNT_MARGIN_MODE) == ACCOUNT_MARGIN_MODE_RETAIL_HEDGING)
      return false;
   return PositionSelect(_Symbol) && PositionGetInteger(POSITION_MAGIC) != InpMagic;
  }

// Whether the bars that were forecast have passed since the position was opened. Counted in bars,
// as the model counts: a weekend is not a part of the horizon.
bool CPositions::HorizonIsOver(const ulong ticket) const
  {
   if(!PositionSelectByTicket(ticket))
      return false;
   const datetime opened = (datetime)PositionGetInteger(POSITION_TIME);
   return iBarShift(_Symbol, PERIOD_CURRENT, opened) >= InpHorizon;
  }

bool CPositions::Open(const ENUM_DIRECTION direction, const double lots, const CStops &stops,
                      const string why)
  {
   const bool up = direction == DIRECTION_UP;
   const double entry = stops.entry;
   const bool sent = up ? m_trade.Buy(lots, _Symbol, entry, stops.stop, stops.target, "forecast")
                        : m_trade.Sell(lots, _Symbol, entry, stops.stop, stops.target, "forecast");
   const int lot_digits = LotDigits(SymbolInfoDouble(_Symbol, SYMBOL_VOLUME_STEP));
   return Done(sent, StringFormat("%s %s lots at %s, stop %s, target %s (%s)",
                                  up ? "buy" : "sell", DoubleToString(lots, lot_digits),
                                  DoubleToString(entry, _Digits),
                                  DoubleToString(stops.stop, _Digits),
                                  DoubleToString(stops.target, _Digits), why));
  }

bool CPositions::Close(const ulong ticket, const string why)
  {
   return Done(m_trade.PositionClose(ticket), "close the position: " + why);
  }

// Tells the journal what came of an order. Sent is not done: the broker's return code decides.
bool CPositions::Done(const bool sent, const string what)
  {
   const uint retcode = m_trade.ResultRetcode();
   if(sent && (retcode == TRADE_RETCODE_DONE || retcode == TRADE_RETCODE_DONE_PARTIAL ||
               retcode == TRADE_RETCODE_PLACED))
     {
      m_last_retcode = 0;
      Print(what);
      return true;
     }
   if(retcode != m_last_retcode)
      PrintFormat("Refused (%u, %s): %s", retcode, m_trade.ResultRetcodeDescription(), what);
   m_last_retcode = retcode;
   return false;
  }

// Why nothing may be traded at all, in a sentence; empty where it may.
string CPositions::Refusal() const
  {
   if(TerminalInfoInteger(TERMINAL_TRADE_ALLOWED) == 0)
      return "switch on Algo Trading in the terminal's toolbar";
   if(MQLInfoInteger(MQL_TRADE_ALLOWED) == 0)
      return "tick Allow Algo Trading in this program's Common tab";
   if(AccountInfoInteger(ACCOUNT_TRADE_ALLOWED) == 0 ||
      AccountInfoInteger(ACCOUNT_TRADE_EXPERT) == 0)
      return "this account may not be traded by programs: ask the broker, or log in with the " +
             "trading password";
   if(SymbolInfoInteger(_Symbol, SYMBOL_TRADE_MODE) != SYMBOL_TRADE_MODE_FULL)
      return "the broker limits trading in " + _Symbol;
   return "";
  }

#endif
