//+------------------------------------------------------------------+
//| Library.mq5                                                      |
//| Calls parts of the library that need neither daemon nor tester,  |
//| and writes down what they answer.                                |
//+------------------------------------------------------------------+
#include <EABridge/Fan.mqh>
#include <EABridge/Forecast.mqh>
#include <EABridge/Timeframe.mqh>
#include <EABridge/Sources/Book.mqh>

input string InpCommand = "";
input int InpCount = 0;

// Takes `count` numbers of a file.
void ReadNumbers(const int file, const int count, double &numbers[])
  {
   ArrayResize(numbers, count);
   for(int i = 0; i < count; i++)
      numbers[i] = FileReadDouble(file);
  }

int ReadCount(const int file)
  {
   return (int)FileReadDouble(file);
  }

// forecasts.bin holds forecasts, each with questions: all numbers are doubles.
//   last close, seconds from now back to the bar's open, H, Q, Q levels, number of quantiles, they,
//   number of probabilities, they, number of questions, and of each: what, h, x
// answers.bin gets, for each forecast, 1 or 0 for whether it was taken, and two numbers a question.
void AnswerForecasts()
  {
   const int file = FileOpen("forecasts.bin", FILE_READ | FILE_BIN);
   const int answers = FileOpen("answers.bin", FILE_WRITE | FILE_BIN);
   while(!FileIsEnding(file))
     {
      CWindow window;
      CForecast forecast;
      double closes[];
      double levels[];
      double quantiles[];
      double up[];
      ReadNumbers(file, 1, closes);
      const datetime time = TimeCurrent() - (datetime)ReadCount(file);
      const int horizon = ReadCount(file);
      ReadNumbers(file, ReadCount(file), levels);
      ReadNumbers(file, ReadCount(file), quantiles);
      ReadNumbers(file, ReadCount(file), up);
      window.Set(_Symbol, PERIOD_H1, time, 1, closes);
      const bool taken = forecast.Set("model@1", window, horizon, levels, quantiles, up);
      FileWriteDouble(answers, taken ? 1.0 : 0.0);
      const int questions = ReadCount(file);
      for(int i = 0; i < questions; i++)
         AnswerQuestion(file, answers, forecast);
     }
   FileClose(file);
   FileClose(answers);
  }

void AnswerQuestion(const int file, const int answers, const CForecast &forecast)
  {
   const int what = ReadCount(file);
   const int h = ReadCount(file);
   const double x = FileReadDouble(file);
   double first = 0.0;
   double second = 0.0;
   switch(what)
     {
      case 0:
         first = forecast.Quantile(h, x);
         break;
      case 1:
         first = forecast.ProbAbove(x, h);
         break;
      case 2:
         second = forecast.Interval(h, x, first, second) ? second : -1.0;
         break;
      case 3:
         first = forecast.Median(h);
         second = forecast.ProbUp(h);
         break;
      case 4:
         first = forecast.ExpectedMovePoints(h);
         second = forecast.LastClose();
         break;
      case 5:
         first = (double)forecast.AgeSeconds();
         second = forecast.IsValid() ? 1.0 : 0.0;
         break;
      default:
         Print("unknown question ", what);
         break;
     }
   FileWriteDouble(answers, first);
   FileWriteDouble(answers, second);
  }

void ListErrors()
  {
   for(int error = (int)FORECAST_OK; error <= (int)FORECAST_OTHER_TIMEFRAME; error++)
     {
      const string name = ForecastErrorName((ENUM_FORECAST_ERROR)error);
      Print(error, "\t", name, "\t", (int)ForecastErrorFromCode(name), "\t",
            ForecastErrorAdvice((ENUM_FORECAST_ERROR)error));
     }
  }

void ListTimeframes()
  {
   const int seconds[] = {60, 90, 300, 900, 1800, 3600, 14400, 86400, 604800, 2592000};
   for(int i = 0; i < ArraySize(seconds); i++)
      Print(seconds[i], "\t", TimeframeName(seconds[i]));
  }

// Opens the books 0.book, 1.book, ... and asks each for the bar that closed last.
void OpenBooks()
  {
   for(int i = 0; i < InpCount; i++)
     {
      CBookSource book;
      CModelInfo info;
      CWindow window;
      CForecast forecast;
      const bool answered = book.Open(IntegerToString(i) + ".book") && book.Describe(info, 0) &&
                            window.Gather(_Symbol, PERIOD_H1, info.context, info.columns) &&
                            book.Ask(window, forecast, 0);
      const ENUM_FORECAST_ERROR error = window.Error() == FORECAST_OK ? book.Error() : window.Error();
      Print(answered ? 1 : 0, "\t", ForecastErrorName(error), "\t", book.ErrorText());
     }
  }

void TellObjects(const string when)
  {
   double lowest = DBL_MAX;
   double highest = 0.0;
   for(int i = 0; i < ObjectsTotal(0); i++)
     {
      const string name = ObjectName(0, i);
      const int points = ObjectGetInteger(0, name, OBJPROP_TYPE) == OBJ_TRIANGLE ? 3 : 2;
      for(int point = 0; point < points; point++)
        {
         const double price = ObjectGetDouble(0, name, OBJPROP_PRICE, point);
         lowest = MathMin(lowest, price);
         highest = MathMax(highest, price);
        }
     }
   Print(when, "\t", ObjectsTotal(0), "\t", lowest, "\t", highest);
  }

// A forecast of two bars and three levels around a price.
void FillForecast(CForecast &forecast, const double price)
  {
   CWindow window;
   double closes[] = {1.0};
   const double levels[] = {0.1, 0.5, 0.9};
   const double offsets[] = {-0.01, 0.0, 0.01, -0.02, 0.0, 0.02};
   const double up[] = {0.5, 0.5};
   double quantiles[];
   ArrayResize(quantiles, 6);
   for(int i = 0; i < 6; i++)
      quantiles[i] = price + offsets[i];
   closes[0] = price;
   window.Set(_Symbol, PERIOD_H1, TimeCurrent() - 3600, 1, closes);
   forecast.Set("model@1", window, 2, levels, quantiles, up);
  }

void DrawFans()
  {
   CForecast forecast;
   CForecast none;
   ObjectCreate(0, "the user's own", OBJ_TREND, 0, TimeCurrent(), 1.2, TimeCurrent(), 1.2);
   TellObjects("before");
     {
      CFan fan;
      FillForecast(forecast, 1.2);
      fan.Draw(forecast);
      TellObjects("first");
      FillForecast(forecast, 1.3);
      fan.Draw(forecast);
      TellObjects("second");
      fan.Draw(none);
      TellObjects("none");
      fan.Draw(forecast);
      TellObjects("third");
     }
   TellObjects("after");
   ObjectDelete(0, "the user's own");
  }

void OnStart()
  {
   if(InpCommand == "forecasts")
      AnswerForecasts();
   else if(InpCommand == "errors")
      ListErrors();
   else if(InpCommand == "timeframes")
      ListTimeframes();
   else if(InpCommand == "books")
      OpenBooks();
   else if(InpCommand == "fans")
      DrawFans();
   else
      Print("unknown command ", InpCommand);
  }
