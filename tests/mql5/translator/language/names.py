"""What a terminal brings along: the functions, types and constants that a program may name.

By chapters of the MQL5 reference. A name that is missing here is refused as unknown, so that no
function of C or C++ leaks into a program; that the runtime knows it, the C++ compiler sees.
"""

from __future__ import annotations

from tests.mql5.translator.language import word_set

_FUNCTIONS = {
    "Common": """
        Alert CheckPointer Comment CryptDecode CryptEncode DebugBreak ExpertRemove
        GetMicrosecondCount GetPointer GetTickCount GetTickCount64 MessageBox PeriodSeconds
        PlaySound Print PrintFormat ResetLastError SendFTP SendMail SendNotification SetReturnError
        SetUserError Sleep TerminalClose TesterHideIndicators TesterStatistics TesterStop
        TesterDeposit TesterWithdrawal TranslateKey WebRequest ZeroMemory
    """,
    "Array": """
        ArrayBsearch ArrayCompare ArrayCopy ArrayFill ArrayFree ArrayGetAsSeries ArrayInitialize
        ArrayInsert ArrayIsDynamic ArrayIsSeries ArrayMaximum ArrayMinimum ArrayPrint ArrayRange
        ArrayRemove ArrayResize ArrayReverse ArraySetAsSeries ArraySize ArraySort ArraySwap
        ArrayToFP16 ArrayToFP8 ArrayFromFP16 ArrayFromFP8
    """,
    "Conversion": """
        CharArrayToString CharArrayToStruct CharToString ColorToARGB ColorToString DoubleToString
        EnumToString IntegerToString NormalizeDouble ShortArrayToString ShortToString StringFormat
        StringToCharArray StringToColor StringToDouble StringToInteger StringToShortArray
        StringToTime StructToCharArray TimeToString
    """,
    "Math": """
        MathAbs MathArccos MathArccosh MathArcsin MathArcsinh MathArctan MathArctan2 MathArctanh
        MathCeil MathClassify MathCos MathCosh MathExp MathExpm1 MathFloor MathIsValidNumber MathLog
        MathLog10 MathLog1p MathMax MathMin MathMod MathPow MathRand MathRound MathSin MathSinh
        MathSqrt MathSrand MathSwap MathTan MathTanh acos acosh asin asinh atan atan2 atanh ceil cos
        cosh exp expm1 fabs floor fmax fmin fmod log log10 log1p pow rand round sin sinh sqrt srand
        tan tanh
    """,
    "String": """
        StringAdd StringBufferLen StringCompare StringConcatenate StringFill StringFind
        StringGetCharacter StringInit StringLen StringReplace StringReserve StringSetCharacter
        StringSetLength StringSplit StringSubstr StringToLower StringToUpper StringTrimLeft
        StringTrimRight
    """,
    "Date and time": """
        StructToTime TimeCurrent TimeDaylightSavings TimeGMT TimeGMTOffset TimeLocal TimeToStruct
        TimeTradeServer
    """,
    "Account and checkup": """
        AccountInfoDouble AccountInfoInteger AccountInfoString Digits GetLastError IsStopped
        MQLInfoInteger MQLInfoString Period Point Symbol TerminalInfoDouble TerminalInfoInteger
        TerminalInfoString UninitializeReason
    """,
    "Event": """
        EventChartCustom EventKillTimer EventSetMillisecondTimer EventSetTimer
    """,
    "Market info": """
        MarketBookAdd MarketBookGet MarketBookRelease SymbolExist SymbolInfoDouble SymbolInfoInteger
        SymbolInfoMarginRate SymbolInfoSessionQuote SymbolInfoSessionTrade SymbolInfoString
        SymbolInfoTick SymbolIsSynchronized SymbolName SymbolSelect SymbolsTotal
    """,
    "Time series": """
        BarsCalculated Bars CopyBuffer CopyClose CopyHigh CopyLow CopyOpen CopyRates CopyRealVolume
        CopySeries CopySpread CopyTicks CopyTicksRange CopyTickVolume CopyTime IndicatorCreate
        IndicatorParameters IndicatorRelease SeriesInfoInteger iBarShift iBars iClose iHigh iHighest
        iLow iLowest iOpen iRealVolume iSpread iTickVolume iTime iVolume
    """,
    "Chart": """
        ChartApplyTemplate ChartClose ChartFirst ChartGetDouble ChartGetInteger ChartGetString
        ChartID ChartIndicatorAdd ChartIndicatorDelete ChartIndicatorGet ChartIndicatorName
        ChartIndicatorsTotal ChartNavigate ChartNext ChartOpen ChartPeriod ChartPriceOnDropped
        ChartRedraw ChartSaveTemplate ChartScreenShot ChartSetDouble ChartSetInteger ChartSetString
        ChartSetSymbolPeriod ChartSymbol ChartTimeOnDropped ChartTimePriceToXY ChartWindowFind
        ChartWindowOnDropped ChartXOnDropped ChartXYToTimePrice ChartYOnDropped
    """,
    "Objects": """
        ObjectCreate ObjectDelete ObjectFind ObjectGetDouble ObjectGetInteger ObjectGetString
        ObjectGetTimeByValue ObjectGetValueByTime ObjectMove ObjectName ObjectSetDouble
        ObjectSetInteger ObjectSetString ObjectsDeleteAll ObjectsTotal TextGetSize TextOut
        TextSetFont ResourceCreate ResourceFree ResourceReadImage ResourceSave
    """,
    "Trade": """
        HistoryDealGetDouble HistoryDealGetInteger HistoryDealGetString HistoryDealGetTicket
        HistoryDealSelect HistoryDealsTotal HistoryOrderGetDouble HistoryOrderGetInteger
        HistoryOrderGetString HistoryOrderGetTicket HistoryOrderSelect HistoryOrdersTotal
        HistorySelect HistorySelectByPosition OrderCalcMargin OrderCalcProfit OrderCheck
        OrderGetDouble OrderGetInteger OrderGetString OrderGetTicket OrderSelect OrderSend
        OrderSendAsync OrdersTotal PositionGetDouble PositionGetInteger PositionGetString
        PositionGetSymbol PositionGetTicket PositionSelect PositionSelectByTicket PositionsTotal
    """,
    "Global variables of the terminal": """
        GlobalVariableCheck GlobalVariableDel GlobalVariableGet GlobalVariableName GlobalVariableSet
        GlobalVariableSetOnCondition GlobalVariableTemp GlobalVariableTime GlobalVariablesDeleteAll
        GlobalVariablesFlush GlobalVariablesTotal
    """,
    "File": """
        FileClose FileCopy FileDelete FileFindClose FileFindFirst FileFindNext FileFlush
        FileGetInteger FileIsEnding FileIsExist FileIsLineEnding FileLoad FileMove FileOpen
        FileReadArray FileReadBool FileReadDatetime FileReadDouble FileReadFloat FileReadInteger
        FileReadLong FileReadNumber FileReadString FileReadStruct FileSave FileSeek FileSelectDialog
        FileSize FileTell FileWrite FileWriteArray FileWriteDouble FileWriteFloat FileWriteInteger
        FileWriteLong FileWriteString FileWriteStruct FolderClean FolderCreate FolderDelete
    """,
    "Network": """
        SocketClose SocketConnect SocketCreate SocketIsConnected SocketIsReadable SocketIsWritable
        SocketRead SocketSend SocketTimeouts SocketTlsCertificate SocketTlsHandshake SocketTlsRead
        SocketTlsReadAvailable SocketTlsSend
    """,
    "ONNX": """
        OnnxCreate OnnxCreateFromBuffer OnnxGetInputCount OnnxGetInputName OnnxGetInputTypeInfo
        OnnxGetOutputCount OnnxGetOutputName OnnxGetOutputTypeInfo OnnxRelease OnnxRun
        OnnxSetInputShape OnnxSetOutputShape
    """,
    "Indicators": """
        iAC iAD iADX iADXWilder iAMA iAO iATR iAlligator iBWMFI iBands iBearsPower iBullsPower iCCI
        iChaikin iCustom iDEMA iDeMarker iEnvelopes iForce iFrAMA iFractals iGator iIchimoku iMA
        iMACD iMFI iMomentum iOBV iOsMA iRSI iRVI iSAR iStdDev iStochastic iTEMA iTriX iVIDyA
        iVolumes iWPR
    """,
}
FUNCTIONS = frozenset(name for names in _FUNCTIONS.values() for name in names.split())

# Functions whose result is a datetime: what prints a time must know one when it sees it.
DATETIME_FUNCTIONS = word_set("""
    TimeCurrent TimeGMT TimeLocal TimeTradeServer StructToTime StringToTime iTime FileReadDatetime
    GlobalVariableTime GlobalVariableSet ObjectGetTimeByValue
    """)

# Functions that write their arguments out as text, each as its type wants it.
PRINTERS = word_set("Alert Comment FileWrite Print StringConcatenate")

# Functions whose result MetaEditor wants to be used.
UNCHECKED_RESULTS = word_set("OrderSend OrderSendAsync")

# Variables that every program has, with their types.
VARIABLES = {
    "_Digits": "int",
    "_LastError": "int",
    "_Period": "ENUM_TIMEFRAMES",
    "_Point": "double",
    "_StopFlag": "bool",
    "_Symbol": "string",
    "_UninitReason": "int",
}

# MQL5's structures and their fields.
STRUCTURES = {
    "MqlDateTime": "year mon day hour min sec day_of_week day_of_year",
    "MqlRates": "time open high low close tick_volume spread real_volume",
    "MqlTick": "time bid ask last volume time_msc flags volume_real",
    "MqlParam": "type integer_value double_value string_value",
    "MqlBookInfo": "type price volume volume_real",
    "MqlTradeRequest": """
        action magic order symbol volume price stoplimit sl tp deviation type type_filling type_time
        expiration comment position position_by
    """,
    "MqlTradeCheckResult": """
        retcode balance equity profit margin margin_free margin_level comment
    """,
    "MqlTradeResult": """
        retcode deal order volume price bid ask comment request_id retcode_external
    """,
    "MqlTradeTransaction": """
        deal order symbol type order_type order_state deal_type time_type time_expiration price
        price_trigger price_sl price_tp volume position position_by
    """,
    "OnnxMapTypeInfo": "key_type value_type",
    "OnnxSequenceTypeInfo": "value_type",
    "OnnxTensorTypeInfo": "data_type dimensions",
    "OnnxTypeInfo": "type tensor map sequence",
}
STRUCTS = frozenset(STRUCTURES)
FIELDS = frozenset(field for fields in STRUCTURES.values() for field in fields.split())
_DATETIME_FIELDS = {
    "MqlRates": ("time",),
    "MqlTick": ("time",),
    "MqlTradeRequest": ("expiration",),
    "MqlTradeTransaction": ("time_expiration",),
}
ENUMS = word_set("""
    ENUM_ACCOUNT_INFO_DOUBLE ENUM_ACCOUNT_INFO_INTEGER ENUM_ACCOUNT_INFO_STRING
    ENUM_ACCOUNT_MARGIN_MODE ENUM_ACCOUNT_STOPOUT_MODE ENUM_ACCOUNT_TRADE_MODE ENUM_ALIGN_MODE
    ENUM_ANCHOR_POINT ENUM_APPLIED_PRICE ENUM_APPLIED_VOLUME ENUM_ARROW_ANCHOR ENUM_BASE_CORNER
    ENUM_BOOK_TYPE ENUM_BORDER_TYPE ENUM_CALENDAR_EVENT_FREQUENCY ENUM_CHART_EVENT ENUM_CHART_MODE
    ENUM_CHART_POSITION ENUM_CHART_PROPERTY_DOUBLE ENUM_CHART_PROPERTY_INTEGER
    ENUM_CHART_PROPERTY_STRING ENUM_CHART_VOLUME_MODE ENUM_COLOR_FORMAT ENUM_CRYPT_METHOD
    ENUM_CUSTOMIND_PROPERTY_DOUBLE ENUM_DATATYPE ENUM_DAY_OF_WEEK ENUM_DEAL_ENTRY
    ENUM_DEAL_PROPERTY_DOUBLE ENUM_DEAL_PROPERTY_INTEGER ENUM_DEAL_PROPERTY_STRING ENUM_DEAL_REASON
    ENUM_DEAL_TYPE ENUM_DRAW_TYPE ENUM_FILE_POSITION ENUM_FILE_PROPERTY_INTEGER ENUM_FP_CLASS
    ENUM_INDEXBUFFER_TYPE ENUM_INDICATOR ENUM_INIT_RETCODE ENUM_LICENSE_TYPE ENUM_LINE_STYLE
    ENUM_MA_METHOD ENUM_MQL_INFO_INTEGER ENUM_MQL_INFO_STRING ENUM_OBJECT
    ENUM_OBJECT_PROPERTY_DOUBLE ENUM_OBJECT_PROPERTY_INTEGER ENUM_OBJECT_PROPERTY_STRING
    ENUM_ONNX_DATA_TYPE ENUM_ONNX_FLAGS ENUM_ONNX_TYPE ENUM_ORDER_PROPERTY_DOUBLE
    ENUM_ORDER_PROPERTY_INTEGER ENUM_ORDER_PROPERTY_STRING ENUM_ORDER_REASON ENUM_ORDER_STATE
    ENUM_ORDER_TYPE ENUM_ORDER_TYPE_FILLING ENUM_ORDER_TYPE_TIME ENUM_POINTER_TYPE
    ENUM_POSITION_PROPERTY_DOUBLE ENUM_POSITION_PROPERTY_INTEGER ENUM_POSITION_PROPERTY_STRING
    ENUM_POSITION_REASON ENUM_POSITION_TYPE ENUM_PROGRAM_TYPE ENUM_SERIESMODE
    ENUM_SERIES_INFO_INTEGER ENUM_STATISTICS ENUM_STO_PRICE ENUM_SYMBOL_CALC_MODE
    ENUM_SYMBOL_CHART_MODE ENUM_SYMBOL_INFO_DOUBLE ENUM_SYMBOL_INFO_INTEGER ENUM_SYMBOL_INFO_STRING
    ENUM_SYMBOL_OPTION_MODE ENUM_SYMBOL_OPTION_RIGHT ENUM_SYMBOL_ORDER_GTC_MODE
    ENUM_SYMBOL_SWAP_MODE ENUM_SYMBOL_TRADE_EXECUTION ENUM_SYMBOL_TRADE_MODE
    ENUM_TERMINAL_INFO_DOUBLE ENUM_TERMINAL_INFO_INTEGER ENUM_TERMINAL_INFO_STRING ENUM_TIMEFRAMES
    ENUM_TRADE_REQUEST_ACTIONS ENUM_TRADE_TRANSACTION_TYPE
    """)


def is_datetime_field(struct: str, field: str) -> bool:
    return field in _DATETIME_FIELDS.get(struct, ())
