//+------------------------------------------------------------------+
//| EABridge/Fallible.mqh                                            |
//| What can fail remembers why, as an error and in a sentence.      |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_FALLIBLE_MQH
#define EABRIDGE_FALLIBLE_MQH

#include "Errors.mqh"

class CFallible
  {
private:
   ENUM_FORECAST_ERROR m_error;
   string              m_error_text;

protected:
   bool                Fail(const ENUM_FORECAST_ERROR error, const string text);
   bool                FailAs(const CFallible &cause);
   bool                Succeed();

public:
                       CFallible();
   ENUM_FORECAST_ERROR Error() const     { return m_error; }
   string              ErrorText() const { return m_error_text; }
  };

CFallible::CFallible()
   : m_error(FORECAST_OK),
     m_error_text("")
  {
  }

// Without a text of its own, in the words that hold for every such error. Always false, so that a
// call can end in `return Fail(...)`.
bool CFallible::Fail(const ENUM_FORECAST_ERROR error, const string text)
  {
   m_error = error;
   m_error_text = text == "" ? ForecastErrorAdvice(error) : text;
   return false;
  }

// Fails for the reason that another object failed for.
bool CFallible::FailAs(const CFallible &cause)
  {
   return Fail(cause.Error(), cause.ErrorText());
  }

bool CFallible::Succeed()
  {
   m_error = FORECAST_OK;
   m_error_text = "";
   return true;
  }

#endif
