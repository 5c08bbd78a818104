//+------------------------------------------------------------------+
//| EABridge/Errors.mqh                                              |
//| What can go wrong, by name, and what the trader can do about it. |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ERRORS_MQH
#define EABRIDGE_ERRORS_MQH

enum ENUM_FORECAST_ERROR
  {
   FORECAST_OK = 0,
   //--- what a daemon answers: the codes of the wire
   FORECAST_BAD_MESSAGE,
   FORECAST_BAD_VERSION,
   FORECAST_UNKNOWN_OP,
   FORECAST_BAD_FIELD,
   FORECAST_SHORT_WINDOW,
   FORECAST_BAD_VALUES,
   FORECAST_UNKNOWN_MODEL,
   FORECAST_WRONG_TIMEFRAME,
   FORECAST_TOO_LARGE,
   FORECAST_BUSY,
   FORECAST_EXPIRED,
   FORECAST_DRAINING,
   FORECAST_MODEL_FAILED,
   FORECAST_INTERNAL,
   //--- a code that this version does not know
   FORECAST_UNKNOWN_CODE,
   //--- the way to the daemon
   FORECAST_NOT_SET_UP,
   FORECAST_BAD_ENDPOINT,
   FORECAST_NOT_ALLOWED,
   FORECAST_NO_DAEMON,
   FORECAST_TIMEOUT,
   FORECAST_LOST,
   FORECAST_BACKING_OFF,
   FORECAST_NOT_ZMTP,
   FORECAST_BAD_REPLY,
   FORECAST_NEEDS_DLL,
   FORECAST_DLL_NOT_ALLOWED,
   //--- the terminal, the book and the model inside the terminal
   FORECAST_FEW_BARS,
   FORECAST_BOOK_MISSING,
   FORECAST_BOOK_DAMAGED,
   FORECAST_BOOK_OTHER_TIMEFRAME,
   FORECAST_BOOK_NO_BAR,
   FORECAST_BOOK_OTHER_BARS,
   FORECAST_EMBED_FAILED,
   FORECAST_OTHER_TIMEFRAME
  };

// A short name for journals; for what a daemon answers it is the code on the wire.
string ForecastErrorName(const ENUM_FORECAST_ERROR error)
  {
   switch(error)
     {
      case FORECAST_OK:
         return "ok";
      case FORECAST_BAD_MESSAGE:
         return "bad_message";
      case FORECAST_BAD_VERSION:
         return "bad_version";
      case FORECAST_UNKNOWN_OP:
         return "unknown_op";
      case FORECAST_BAD_FIELD:
         return "bad_field";
      case FORECAST_SHORT_WINDOW:
         return "short_window";
      case FORECAST_BAD_VALUES:
         return "bad_values";
      case FORECAST_UNKNOWN_MODEL:
         return "unknown_model";
      case FORECAST_WRONG_TIMEFRAME:
         return "wrong_timeframe";
      case FORECAST_TOO_LARGE:
         return "too_large";
      case FORECAST_BUSY:
         return "busy";
      case FORECAST_EXPIRED:
         return "expired";
      case FORECAST_DRAINING:
         return "draining";
      case FORECAST_MODEL_FAILED:
         return "model_failed";
      case FORECAST_INTERNAL:
         return "internal";
      case FORECAST_NOT_SET_UP:
         return "not_set_up";
      case FORECAST_BAD_ENDPOINT:
         return "bad_endpoint";
      case FORECAST_NOT_ALLOWED:
         return "not_allowed";
      case FORECAST_NO_DAEMON:
         return "no_daemon";
      case FORECAST_TIMEOUT:
         return "timeout";
      case FORECAST_LOST:
         return "lost";
      case FORECAST_BACKING_OFF:
         return "backing_off";
      case FORECAST_NOT_ZMTP:
         return "not_zmtp";
      case FORECAST_BAD_REPLY:
         return "bad_reply";
      case FORECAST_NEEDS_DLL:
         return "needs_dll";
      case FORECAST_DLL_NOT_ALLOWED:
         return "dll_not_allowed";
      case FORECAST_FEW_BARS:
         return "few_bars";
      case FORECAST_BOOK_MISSING:
         return "book_missing";
      case FORECAST_BOOK_DAMAGED:
         return "book_damaged";
      case FORECAST_BOOK_OTHER_TIMEFRAME:
         return "book_other_timeframe";
      case FORECAST_BOOK_NO_BAR:
         return "book_no_bar";
      case FORECAST_BOOK_OTHER_BARS:
         return "book_other_bars";
      case FORECAST_EMBED_FAILED:
         return "embed_failed";
      case FORECAST_OTHER_TIMEFRAME:
         return "other_timeframe";
      case FORECAST_UNKNOWN_CODE:
      default:
         return "unknown_code";
     }
  }

// The error that a code on the wire stands for; FORECAST_UNKNOWN_CODE for one that is new.
ENUM_FORECAST_ERROR ForecastErrorFromCode(const string code)
  {
   for(int error = (int)FORECAST_BAD_MESSAGE; error <= (int)FORECAST_INTERNAL; error++)
      if(ForecastErrorName((ENUM_FORECAST_ERROR)error) == code)
         return (ENUM_FORECAST_ERROR)error;
   return FORECAST_UNKNOWN_CODE;
  }

// What the trader can do, in a sentence that holds for every such error. A source that knows
// more (the address, the model's name, the two numbers that differ) says that in its place.
string ForecastErrorAdvice(const ENUM_FORECAST_ERROR error)
  {
   switch(error)
     {
      case FORECAST_OK:
         return "";
      case FORECAST_BAD_MESSAGE:
      case FORECAST_BAD_VERSION:
      case FORECAST_UNKNOWN_OP:
      case FORECAST_BAD_FIELD:
      case FORECAST_TOO_LARGE:
         return "The daemon does not understand this program: update eabridge, then eabridge mt5 " +
                "install, and compile again";
      case FORECAST_SHORT_WINDOW:
         return "The model reads more bars than were sent: scroll the chart back so that the " +
                "terminal loads more history";
      case FORECAST_BAD_VALUES:
         return "The chart has a price that is not a positive number: reload its history with " +
                "Refresh in the chart's menu";
      case FORECAST_UNKNOWN_MODEL:
         return "The daemon has no such model: leave the model's name empty for its default";
      case FORECAST_WRONG_TIMEFRAME:
      case FORECAST_OTHER_TIMEFRAME:
         return "The model was trained on another timeframe: attach the program to a chart of " +
                "that timeframe, or ask another model";
      case FORECAST_BUSY:
         return "The daemon has too much to do: fewer programs should ask at once, or start a " +
                "second daemon on another port";
      case FORECAST_EXPIRED:
         return "The daemon could not answer within the time limit: raise the limit, or look at " +
                "what else keeps the computer busy";
      case FORECAST_DRAINING:
         return "The daemon is stopping: start it again with eabridge serve";
      case FORECAST_MODEL_FAILED:
         return "The model failed: the daemon's log says why";
      case FORECAST_INTERNAL:
         return "The daemon met a defect of its own: its log says more; please report it";
      case FORECAST_NOT_SET_UP:
         return "No source of forecasts is chosen: call UseDaemon, UseBook or UseEmbedded in " +
                "OnInit";
      case FORECAST_BAD_ENDPOINT:
         return "The endpoint is not an address: write it as 127.0.0.1:5655";
      case FORECAST_NOT_ALLOWED:
         return "The terminal does not let programs connect there: add 127.0.0.1 to Tools > " +
                "Options > Expert Advisors > Allow WebRequest for listed URL, and tick its box";
      case FORECAST_NO_DAEMON:
         return "The daemon is not running: start it with eabridge serve";
      case FORECAST_TIMEOUT:
         return "No answer within the time limit: eabridge doctor tells whether the daemon is well, " +
                "or another program has its port; or raise the limit";
      case FORECAST_LOST:
         return "The connection ended: it is made again at the next question; if that fails too, " +
                "start the daemon with eabridge serve";
      case FORECAST_BACKING_OFF:
         return "The last connection failed and the next try waits a moment: start the daemon " +
                "with eabridge serve";
      case FORECAST_NOT_ZMTP:
         return "Something else than the daemon listens on that port: give the port that " +
                "eabridge serve names when it starts";
      case FORECAST_BAD_REPLY:
         return "The reply is not one of an eabridge daemon: if it is one, update eabridge, then " +
                "eabridge mt5 install, and compile again";
      case FORECAST_NEEDS_DLL:
         return "The Strategy Tester has no sockets: use the build with DLLs " +
                "(ForecastTraderDll), a book (eabridge book), or the model inside the terminal";
      case FORECAST_DLL_NOT_ALLOWED:
         return "DLLs are not allowed: tick Allow DLL imports in the program's Common tab " +
                "(tester: Tools > Options > Expert Advisors), or use a book or the model inside " +
                "the terminal";
      case FORECAST_FEW_BARS:
         return "The terminal has too few bars of this chart: scroll the chart back so that it " +
                "loads more, or start the test at a later date";
      case FORECAST_BOOK_MISSING:
         return "There is no such book: make it with eabridge book, and put it into the folder " +
                "Files that is common to all terminals, which tests see too";
      case FORECAST_BOOK_DAMAGED:
         return "The book is damaged: make it again with eabridge book";
      case FORECAST_BOOK_OTHER_TIMEFRAME:
         return "The book is of another timeframe: choose that timeframe, or make a book of this " +
                "one";
      case FORECAST_BOOK_NO_BAR:
         return "The book has no forecast for this bar: make it again over a history that covers " +
                "the whole test";
      case FORECAST_BOOK_OTHER_BARS:
         return "The book was made from other bars than this terminal's: export this terminal's " +
                "bars with the script ExportBars and make the book from them";
      case FORECAST_EMBED_FAILED:
         return "The model inside the terminal failed: install it again with eabridge mt5 " +
                "install, and update the terminal (Help > Check Desktop Updates)";
      case FORECAST_UNKNOWN_CODE:
      default:
         return "The daemon gave a reason that this program does not know: bring both to one " +
                "version";
     }
  }

#endif
