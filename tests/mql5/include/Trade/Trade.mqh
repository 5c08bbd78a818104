//+------------------------------------------------------------------+
//| Trade/Trade.mqh                                                  |
//| Stands for the standard library's file of this name, which comes |
//| with every terminal and is not ours to copy: the part of CTrade  |
//| that programs here use, with its names, over OrderSend. It lies  |
//| with the tests, and `eabridge mt5 install` does not touch it.    |
//+------------------------------------------------------------------+
#ifndef TRADE_MQH
#define TRADE_MQH

enum ENUM_LOG_LEVELS
  {
   LOG_LEVEL_NO,       // nothing
   LOG_LEVEL_ERRORS,   // what was refused
   LOG_LEVEL_ALL       // everything
  };

class CTrade
  {
private:
   MqlTradeRequest         m_request;
   MqlTradeResult          m_result;
   ulong                   m_magic;
   ulong                   m_deviation;
   ENUM_ORDER_TYPE_FILLING m_filling;
   ENUM_ACCOUNT_MARGIN_MODE m_margin_mode;
   ENUM_LOG_LEVELS         m_log_level;

   bool                    IsHedging() const;
   bool                    SelectPosition(const string symbol) const;
   void                    Begin(const ENUM_TRADE_REQUEST_ACTIONS action, const string symbol);
   bool                    Send();

public:
                           CTrade();
   void                    LogLevel(const ENUM_LOG_LEVELS level)   { m_log_level = level; }
   void                    SetExpertMagicNumber(const ulong magic) { m_magic = magic; }
   void                    SetDeviationInPoints(const ulong points) { m_deviation = points; }
   void                    SetTypeFilling(const ENUM_ORDER_TYPE_FILLING filling) { m_filling = filling; }
   bool                    SetTypeFillingBySymbol(const string symbol);
   void                    SetMarginMode();

   bool                    Buy(const double volume, const string symbol = NULL, const double price = 0.0,
                               const double sl = 0.0, const double tp = 0.0, const string comment = "");
   bool                    Sell(const double volume, const string symbol = NULL, const double price = 0.0,
                                const double sl = 0.0, const double tp = 0.0, const string comment = "");
   bool                    PositionOpen(const string symbol, const ENUM_ORDER_TYPE type,
                                        const double volume, const double price, const double sl,
                                        const double tp, const string comment = "");
   bool                    PositionModify(const string symbol, const double sl, const double tp);
   bool                    PositionModify(const ulong ticket, const double sl, const double tp);
   bool                    PositionClose(const string symbol, const ulong deviation = ULONG_MAX);
   bool                    PositionClose(const ulong ticket, const ulong deviation = ULONG_MAX);

   uint                    ResultRetcode() const  { return m_result.retcode; }
   string                  ResultRetcodeDescription() const;
   ulong                   ResultDeal() const     { return m_result.deal; }
   ulong                   ResultOrder() const    { return m_result.order; }
   double                  ResultVolume() const   { return m_result.volume; }
   double                  ResultPrice() const    { return m_result.price; }
   double                  ResultBid() const      { return m_result.bid; }
   double                  ResultAsk() const      { return m_result.ask; }
   string                  ResultComment() const  { return m_result.comment; }
  };

CTrade::CTrade()
   : m_magic(0),
     m_deviation(10),
     m_filling(ORDER_FILLING_FOK),
     m_margin_mode(ACCOUNT_MARGIN_MODE_RETAIL_NETTING),
     m_log_level(LOG_LEVEL_ERRORS)
  {
   ZeroMemory(m_request);
   ZeroMemory(m_result);
   SetMarginMode();
  }

void CTrade::SetMarginMode()
  {
   m_margin_mode = (ENUM_ACCOUNT_MARGIN_MODE)AccountInfoInteger(ACCOUNT_MARGIN_MODE);
  }

// What the symbol allows, fill or kill first. False where it allows neither.
bool CTrade::SetTypeFillingBySymbol(const string symbol)
  {
   const long allowed = SymbolInfoInteger(symbol, SYMBOL_FILLING_MODE);
   if((allowed & SYMBOL_FILLING_FOK) != 0)
      m_filling = ORDER_FILLING_FOK;
   else if((allowed & SYMBOL_FILLING_IOC) != 0)
      m_filling = ORDER_FILLING_IOC;
   else
      return false;
   return true;
  }

bool CTrade::IsHedging() const
  {
   return m_margin_mode == ACCOUNT_MARGIN_MODE_RETAIL_HEDGING;
  }

// On a hedging account the position of this magic number.
bool CTrade::SelectPosition(const string symbol) const
  {
   if(!IsHedging())
      return PositionSelect(symbol);
   for(int i = 0; i < PositionsTotal(); i++)
      if(PositionGetSymbol(i) == symbol && (ulong)PositionGetInteger(POSITION_MAGIC) == m_magic)
         return true;
   return false;
  }

void CTrade::Begin(const ENUM_TRADE_REQUEST_ACTIONS action, const string symbol)
  {
   ZeroMemory(m_request);
   ZeroMemory(m_result);
   m_request.action = action;
   m_request.symbol = symbol == NULL ? _Symbol : symbol;
   m_request.magic = m_magic;
   m_request.deviation = m_deviation;
   m_request.type_filling = m_filling;
  }

bool CTrade::Send()
  {
   const bool sent = OrderSend(m_request, m_result);
   if(m_log_level == LOG_LEVEL_ALL || (!sent && m_log_level == LOG_LEVEL_ERRORS))
      PrintFormat("%s %s lots at %s: %s", m_request.symbol, DoubleToString(m_request.volume, 2),
                  DoubleToString(m_request.price, _Digits), ResultRetcodeDescription());
   return sent;
  }

bool CTrade::Buy(const double volume, const string symbol, const double price, const double sl,
                 const double tp, const string comment)
  {
   return PositionOpen(symbol, ORDER_TYPE_BUY, volume, price, sl, tp, comment);
  }

bool CTrade::Sell(const double volume, const string symbol, const double price, const double sl,
                  const double tp, const string comment)
  {
   return PositionOpen(symbol, ORDER_TYPE_SELL, volume, price, sl, tp, comment);
  }

bool CTrade::PositionOpen(const string symbol, const ENUM_ORDER_TYPE type, const double volume,
                          const double price, const double sl, const double tp,
                          const string comment)
  {
   Begin(TRADE_ACTION_DEAL, symbol);
   m_request.type = type;
   m_request.volume = volume;
   m_request.price = price;
   if(price == 0.0)
      m_request.price = SymbolInfoDouble(m_request.symbol,
                                         type == ORDER_TYPE_BUY ? SYMBOL_ASK : SYMBOL_BID);
   m_request.sl = sl;
   m_request.tp = tp;
   m_request.comment = comment;
   return Send();
  }

bool CTrade::PositionModify(const string symbol, const double sl, const double tp)
  {
   return SelectPosition(symbol) && PositionModify((ulong)PositionGetInteger(POSITION_TICKET), sl, tp);
  }

bool CTrade::PositionModify(const ulong ticket, const double sl, const double tp)
  {
   if(!PositionSelectByTicket(ticket))
      return false;
   Begin(TRADE_ACTION_SLTP, PositionGetString(POSITION_SYMBOL));
   m_request.position = ticket;
   m_request.sl = sl;
   m_request.tp = tp;
   return Send();
  }

bool CTrade::PositionClose(const string symbol, const ulong deviation)
  {
   return SelectPosition(symbol) && PositionClose((ulong)PositionGetInteger(POSITION_TICKET), deviation);
  }

bool CTrade::PositionClose(const ulong ticket, const ulong deviation)
  {
   if(!PositionSelectByTicket(ticket))
      return false;
   const bool is_long = PositionGetInteger(POSITION_TYPE) == POSITION_TYPE_BUY;
   Begin(TRADE_ACTION_DEAL, PositionGetString(POSITION_SYMBOL));
   m_request.position = ticket;
   m_request.type = is_long ? ORDER_TYPE_SELL : ORDER_TYPE_BUY;
   m_request.volume = PositionGetDouble(POSITION_VOLUME);
   m_request.price = SymbolInfoDouble(m_request.symbol, is_long ? SYMBOL_BID : SYMBOL_ASK);
   if(deviation != ULONG_MAX)
      m_request.deviation = deviation;
   return Send();
  }

// The server's own words.
string CTrade::ResultRetcodeDescription() const
  {
   return m_result.comment != "" ? m_result.comment : "no answer";
  }

#endif
