//+------------------------------------------------------------------+
//| EABridge/Zmtp/BackOff.mqh                                        |
//| How long to wait before connecting again.                        |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_BACK_OFF_MQH
#define EABRIDGE_ZMTP_BACK_OFF_MQH

#include "Deadline.mqh"

#define EABRIDGE_BACK_OFF_LEAST_MS 100
#define EABRIDGE_BACK_OFF_MOST_MS 5000

// A tenth of a second after the first failure, twice as long after each further one, and never
// more than five seconds: a chart whose daemon is away stays quick, and one whose daemon is back
// notices soon. By the real clock, in the tester too.
class CBackOff
  {
private:
   uint              m_wait_ms;
   ulong             m_until_us;

public:
                     CBackOff();
   void              Reset();
   void              Failed();
   uint              MillisecondsToGo() const { return MillisecondsLeft(m_until_us); }
  };

CBackOff::CBackOff()
  {
   Reset();
  }

void CBackOff::Reset()
  {
   m_wait_ms = 0;
   m_until_us = 0;
  }

void CBackOff::Failed()
  {
   m_wait_ms = m_wait_ms == 0 ? EABRIDGE_BACK_OFF_LEAST_MS
                              : MathMin(2 * m_wait_ms, (uint)EABRIDGE_BACK_OFF_MOST_MS);
   m_until_us = GetMicrosecondCount() + (ulong)m_wait_ms * 1000;
  }

#endif
