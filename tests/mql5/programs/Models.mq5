//+------------------------------------------------------------------+
//|                                                       Models.mq5 |
//| Models inside the terminal. mixed.onnx takes a table of doubles |
//| with any number of rows of three, and a vector of two longs; it  |
//| gives the table doubled as floats, and the sum of the longs.    |
//+------------------------------------------------------------------+
#include <Expect.mqh>

long Opened(const string name)
  {
   ResetLastError();
   return OnnxCreate(name, ONNX_DEFAULT);
  }

void Shapes(const long model)
  {
   const long rows_of_three[] = {2, 3};
   const long rows_of_four[] = {2, 4};
   const ulong two[] = {2};
   const long one[] = {1};
   ExpectTrue("a shape that does not fit", !OnnxSetInputShape(model, 0, rows_of_four));
   ExpectError("a shape that does not fit", ERR_ONNX_INVALID_PARAMETER);
   ExpectTrue("no such input", !OnnxSetInputShape(model, 2, two));
   ExpectError("no such input", ERR_ONNX_INVALID_PARAMETER);
   ExpectTrue("first input", OnnxSetInputShape(model, 0, rows_of_three));
   ExpectTrue("second input", OnnxSetInputShape(model, 1, two));
   ExpectTrue("first output", OnnxSetOutputShape(model, 0, rows_of_three));
   ExpectTrue("second output", OnnxSetOutputShape(model, 1, one));
  }

void Describe(const long model)
  {
   OnnxTypeInfo info;
   ExpectLong("inputs", OnnxGetInputCount(model), 2);
   ExpectLong("outputs", OnnxGetOutputCount(model), 2);
   ExpectText("input's name", OnnxGetInputName(model, 1), "counts");
   ExpectText("output's name", OnnxGetOutputName(model, 0), "doubled");
   ExpectTrue("input's type", OnnxGetInputTypeInfo(model, 0, info));
   ExpectLong("a tensor", info.type, ONNX_TYPE_TENSOR);
   ExpectLong("of doubles", info.tensor.data_type, ONNX_DATA_TYPE_DOUBLE);
   ExpectLong("in two dimensions", ArraySize(info.tensor.dimensions), 2);
   ExpectLong("the first one open", info.tensor.dimensions[0], -1);
   ExpectLong("the second one not", info.tensor.dimensions[1], 3);
   ExpectTrue("output's type", OnnxGetOutputTypeInfo(model, 0, info));
   ExpectLong("of floats", info.tensor.data_type, ONNX_DATA_TYPE_FLOAT);
  }

void Run(const long model)
  {
   double table[2][3];
   long counts[2];
   float doubled[2][3];
   long sum[1];
   double flat[6];
   double doubled_wide[];
   double too_few[5];
   for(int i = 0; i < 6; i++)
     {
      flat[i] = 0.5 * i;
      table[i / 3][i % 3] = 0.5 * i;
     }
   counts[0] = 40;
   counts[1] = 2;
   ExpectTrue("run", OnnxRun(model, ONNX_NO_CONVERSION, table, counts, doubled, sum));
   ExpectDouble("first", doubled[0][1], 1.0);
   ExpectDouble("last", doubled[1][2], 5.0);
   ExpectLong("sum", sum[0], 42);
   ArrayResize(doubled_wide, 6);
   ExpectTrue("flat and converted", OnnxRun(model, ONNX_DEFAULT, flat, counts, doubled_wide, sum));
   ExpectDouble("as a double", doubled_wide[5], 5.0);
   ExpectTrue("not converted", !OnnxRun(model, ONNX_NO_CONVERSION, flat, counts, doubled_wide, sum));
   ExpectError("not converted", ERR_ONNX_INVALID_PARAMETER_TYPE);
   ExpectTrue("too few elements", !OnnxRun(model, ONNX_DEFAULT, too_few, counts, doubled, sum));
   ExpectError("too few elements", ERR_ONNX_INVALID_PARAMETER_SIZE);
   ExpectTrue("too few arguments", !OnnxRun(model, ONNX_DEFAULT, table, counts, doubled));
   ExpectError("too few arguments", ERR_ONNX_INVALID_PARAMETERS_COUNT);
  }

void WhatCannotBe()
  {
   uchar bytes[4];
   ArrayInitialize(bytes, 1);
   ExpectLong("no model", OnnxCreateFromBuffer(bytes, ONNX_DEFAULT), INVALID_HANDLE);
   ExpectError("no model", ERR_ONNX_INTERNAL);
   ExpectLong("no file", Opened("missing.onnx"), INVALID_HANDLE);
   ExpectTrue("no handle", !OnnxRelease(77));
   ExpectError("no handle", ERR_ONNX_NOT_INITIALIZED);
  }

void OnStart()
  {
   double table[2][3];
   long counts[2];
   float doubled[2][3];
   long sum[1];
   ArrayInitialize(table, 0.0);
   ArrayInitialize(counts, 0);
   const long model = Opened("mixed.onnx");
   ExpectTrue("a model", model != INVALID_HANDLE);
   ExpectTrue("sizes that are open", !OnnxRun(model, ONNX_DEFAULT, table, counts, doubled, sum));
   ExpectError("sizes that are open", ERR_ONNX_WRONG_DIMENSION);
   Describe(model);
   Shapes(model);
   Run(model);
   ExpectTrue("released", OnnxRelease(model));
   ExpectTrue("only once", !OnnxRelease(model));
   ExpectError("only once", ERR_ONNX_NOT_INITIALIZED);
   WhatCannotBe();
   ExpectEnd();
  }
