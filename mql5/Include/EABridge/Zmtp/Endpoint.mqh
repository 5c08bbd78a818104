//+------------------------------------------------------------------+
//| EABridge/Zmtp/Endpoint.mqh                                       |
//| Where a daemon listens: 127.0.0.1:5655.                          |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_ENDPOINT_MQH
#define EABRIDGE_ZMTP_ENDPOINT_MQH

#include "../Fallible.mqh"

class CEndpoint : public CFallible
  {
private:
   string            m_host;
   ushort            m_port;

   bool              Refuse(const string text, const string why);
   bool              TakeHost(const string host);
   bool              TakePort(const string port);

public:
                     CEndpoint();
   bool              Parse(const string text);

   string            Host() const { return m_host; }
   ushort            Port() const { return m_port; }
   string            Text() const { return StringFormat("%s:%d", m_host, (int)m_port); }
  };

CEndpoint::CEndpoint()
   : m_host(""),
     m_port(0)
  {
  }

// Takes 127.0.0.1:5655, tcp://127.0.0.1:5655, or a port alone, which is one of this computer.
bool CEndpoint::Parse(const string text)
  {
   string rest = text;
   StringTrimLeft(rest);
   StringTrimRight(rest);
   if(StringFind(rest, "tcp://") == 0)
      rest = StringSubstr(rest, 6);
   if(StringFind(rest, "://") >= 0)
      return Refuse(text, "only tcp:// leads to a daemon");
   if(StringFind(rest, "[") >= 0)
      return Refuse(text, "the terminal's sockets know addresses of IPv4 only");
   const int colon = StringFind(rest, ":");
   const string host = colon < 0 ? "127.0.0.1" : StringSubstr(rest, 0, colon);
   if(!TakeHost(host))
      return Refuse(text, "its host is no name or address");
   if(!TakePort(colon < 0 ? rest : StringSubstr(rest, colon + 1)))
      return Refuse(text, "its port is no number from 1 to 65535");
   return Succeed();
  }

bool CEndpoint::TakeHost(const string host)
  {
   const int length = StringLen(host);
   for(int i = 0; i < length; i++)
     {
      const ushort letter = host[i];
      if(!(letter >= 'a' && letter <= 'z') && !(letter >= 'A' && letter <= 'Z') &&
         !(letter >= '0' && letter <= '9') && letter != '.' && letter != '-')
         return false;
     }
   m_host = host;
   return length > 0;
  }

bool CEndpoint::TakePort(const string port)
  {
   const int length = StringLen(port);
   int number = 0;
   for(int i = 0; i < length; i++)
     {
      if(port[i] < '0' || port[i] > '9' || number > 6553)
         return false;
      number = number * 10 + (port[i] - '0');
     }
   m_port = (ushort)number;
   return number >= 1 && number <= 65535;
  }

bool CEndpoint::Refuse(const string text, const string why)
  {
   return Fail(FORECAST_BAD_ENDPOINT,
               StringFormat("'%s' is no endpoint (%s): write it as 127.0.0.1:5655, as eabridge " +
                            "serve names it", text, why));
  }

#endif
