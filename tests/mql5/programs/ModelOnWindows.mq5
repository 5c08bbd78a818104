//+------------------------------------------------------------------+
//|                                               ModelOnWindows.mq5 |
//| The host has no ONNX Runtime for Windows, and says so.           |
//+------------------------------------------------------------------+
void OnStart()
  {
   uchar bytes[4];
   ArrayInitialize(bytes, 1);
   const long model = OnnxCreateFromBuffer(bytes, ONNX_USE_CPU_ONLY);
   Print(model, " ", GetLastError());
  }
