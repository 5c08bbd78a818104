//+------------------------------------------------------------------+
//| Embedded.mq5                                                     |
//| Asks models inside the terminal that do what they promise, and   |
//| models that do not.                                              |
//+------------------------------------------------------------------+
#include <EABridge/Forecaster.mqh>
#include <EABridge/Models/test-close.mqh>
#include <EABridge/Models/test-nan.mqh>
#include <EABridge/Models/test-other.mqh>
#include <EABridge/Models/test-broken.mqh>

CModel_test_close ExtClose;
CModel_test_nan ExtNan;
CModel_test_other ExtOther;
CModel_test_broken ExtBroken;

void Tell(const string name, CForecaster &forecaster)
  {
   CForecast forecast;
   if(forecaster.Ask(forecast))
      PrintFormat("%s\t%s\t%s\t%.17g\t%.17g\t%.17g", name, forecast.Model(),
                  TimeToString(forecast.Time()), forecast.Quantile(1, 0.1), forecast.Median(2),
                  forecast.ProbUp(1));
   else
      Print(name, "\t", ForecastErrorName(forecaster.LastError()), "\t",
            forecaster.LastErrorText());
  }

void Choose(const string name, CForecaster &forecaster, CEmbeddedModel &model)
  {
   const bool chosen = forecaster.UseEmbedded(model);
   Print(name, "\t", chosen, "\t", forecaster.Source());
   Tell(name, forecaster);
  }

void OnStart()
  {
   CForecaster forecaster;
   Tell("none", forecaster);
   Choose("close", forecaster, ExtClose);
   Choose("nan", forecaster, ExtNan);
   Choose("other", forecaster, ExtOther);
   Choose("broken", forecaster, ExtBroken);
   forecaster.Close();
   Tell("closed", forecaster);
  }
