//+------------------------------------------------------------------+
//| EABridge/Zmtp/Transport.mqh                                      |
//| Bytes to and from another program, whatever carries them.        |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_TRANSPORT_MQH
#define EABRIDGE_ZMTP_TRANSPORT_MQH

#include "../Fallible.mqh"

// No call waits longer than its time-out, which is never 0. Why Open failed is in Error and
// ErrorText; Send and Receive fail for one reason, that the connection has ended.
class CTransport : public CFallible
  {
public:
   virtual          ~CTransport() {}

   // Connects.
   virtual bool      Open(const string host, const ushort port, const uint timeout_ms) = 0;

   // Sends data[0] to data[count - 1]: all of them, else the connection is of no more use.
   virtual bool      Send(const uchar &data[], const int count, const uint timeout_ms) = 0;

   // Puts what arrives into data[at] and on, which the caller has made room for: waits until at
   // least `least` bytes are there or the time is up, and takes no more than `most`. How many
   // came: fewer than `least`, or 0, when the time was up; -1 when the connection ended.
   virtual int       Receive(uchar &data[], const int at, const int least, const int most,
                             const uint timeout_ms) = 0;

   virtual bool      IsOpen() const = 0;
   virtual void      Close() = 0;
   // What it is, in a few words.
   virtual string    Name() const = 0;
  };

#endif
