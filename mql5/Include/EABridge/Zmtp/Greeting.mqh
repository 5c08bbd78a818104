//+------------------------------------------------------------------+
//| EABridge/Zmtp/Greeting.mqh                                       |
//| The 64 bytes by which ZeroMQ peers know each other.              |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_GREETING_MQH
#define EABRIDGE_ZMTP_GREETING_MQH

#include "../Fallible.mqh"

// FF, 8 bytes of padding, 7F; the version in two bytes; the mechanism's name in 20, filled up
// with zeros; whether the peer is the server; 31 zeros.
#define EABRIDGE_GREETING_BYTES 64
#define EABRIDGE_GREETING_SIGNATURE_BYTES 10
#define EABRIDGE_GREETING_VERSION_BYTES 12
#define EABRIDGE_GREETING_MECHANISM_BYTES 20

class CGreeting : public CFallible
  {
private:
   bool              NotZmtp(const string what);
   bool              CheckMechanism(const uchar &bytes[]);

public:
   void              Write(uchar &bytes[]) const;
   bool              Check(const uchar &bytes[], const int count);
  };

// ZMTP 3.1 with the mechanism NULL, as a client.
void CGreeting::Write(uchar &bytes[]) const
  {
   ArrayResize(bytes, EABRIDGE_GREETING_BYTES);
   ArrayInitialize(bytes, 0);
   bytes[0] = 0xFF;
   bytes[9] = 0x7F;
   bytes[10] = 3;
   bytes[11] = 1;
   bytes[12] = 'N';
   bytes[13] = 'U';
   bytes[14] = 'L';
   bytes[15] = 'L';
  }

// Judges as much of a peer's greeting as has come: one of another kind is known by its first byte,
// and need not be waited for.
bool CGreeting::Check(const uchar &bytes[], const int count)
  {
   if(count >= 1 && bytes[0] != 0xFF)
      return NotZmtp("does not speak ZeroMQ");
   if(count >= EABRIDGE_GREETING_SIGNATURE_BYTES && (bytes[9] & 1) == 0)
      return NotZmtp("does not speak ZeroMQ");
   if(count > EABRIDGE_GREETING_SIGNATURE_BYTES && bytes[10] < 3)
      return NotZmtp("speaks ZeroMQ as it was before version 4");
   return count < EABRIDGE_GREETING_BYTES || CheckMechanism(bytes);
  }

bool CGreeting::CheckMechanism(const uchar &bytes[])
  {
   string mechanism = "";
   for(int i = 0; i < EABRIDGE_GREETING_MECHANISM_BYTES; i++)
      if(bytes[EABRIDGE_GREETING_VERSION_BYTES + i] != 0)
         mechanism += CharToString(bytes[EABRIDGE_GREETING_VERSION_BYTES + i]);
   if(mechanism == "NULL")
      return Succeed();
   if(mechanism != "CURVE")
      return NotZmtp("asks for a login that no eabridge daemon has");
   return Fail(FORECAST_NOT_ZMTP,
               "The daemon there asks for CURVE keys: define EABRIDGE_LIBZMQ in the program, and " +
               "give it the daemon's public key");
  }

bool CGreeting::NotZmtp(const string what)
  {
   return Fail(FORECAST_NOT_ZMTP,
               "What listens there " + what + ": give the port that eabridge serve names when it " +
               "starts");
  }

#endif
