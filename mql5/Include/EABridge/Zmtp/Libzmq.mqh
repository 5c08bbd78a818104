//+------------------------------------------------------------------+
//| EABridge/Zmtp/Libzmq.mqh                                         |
//| ZeroMQ's own library, for CURVE to a daemon on another machine.  |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_LIBZMQ_MQH
#define EABRIDGE_ZMTP_LIBZMQ_MQH

#include "Channel.mqh"

#define EABRIDGE_ZMQ_DEALER 5
#define EABRIDGE_ZMQ_RCVMORE 13
#define EABRIDGE_ZMQ_LINGER 17
#define EABRIDGE_ZMQ_MAXMSGSIZE 22
#define EABRIDGE_ZMQ_RCVTIMEO 27
#define EABRIDGE_ZMQ_SNDTIMEO 28
#define EABRIDGE_ZMQ_IMMEDIATE 39
#define EABRIDGE_ZMQ_CURVE_PUBLICKEY 48
#define EABRIDGE_ZMQ_CURVE_SECRETKEY 49
#define EABRIDGE_ZMQ_CURVE_SERVERKEY 50
#define EABRIDGE_ZMQ_SNDMORE 2
#define EABRIDGE_ZMQ_EAGAIN 11

#define EABRIDGE_ZMQ_MOST_BYTES 1048576
#define EABRIDGE_Z85_KEY_LETTERS 40

#import "libzmq.dll"
ulong zmq_ctx_new();
int zmq_ctx_term(ulong context);
ulong zmq_socket(ulong context, int type);
int zmq_close(ulong handle);
int zmq_setsockopt(ulong handle, int option, const uchar &value[], ulong size);
int zmq_getsockopt(ulong handle, int option, uchar &value[], ulong &size);
int zmq_connect(ulong handle, const uchar &endpoint[]);
int zmq_send(ulong handle, const uchar &data[], ulong count, int flags);
int zmq_recv(ulong handle, uchar &data[], ulong count, int flags);
int zmq_errno();
int zmq_curve_keypair(uchar &public_key[], uchar &secret_key[]);
#import

// Keys in Z85, 40 letters each. With an empty server key the connection is open, as that to a
// daemon on this computer is. Without a pair of its own a program makes one for as long as it runs;
// a daemon lets in the keys alone that it was told to allow (`eabridge keys allow`), and not those.
class CCurveKeys
  {
public:
   string            server_key;
   string            public_key;
   string            secret_key;

                     CCurveKeys();
   void              Set(const string server, const string own_public, const string own_secret);
   bool              AreSound() const;
   bool              MakePair();

private:
   bool              IsKey(const string key) const;
  };

CCurveKeys::CCurveKeys()
   : server_key(""),
     public_key(""),
     secret_key("")
  {
  }

void CCurveKeys::Set(const string server, const string own_public, const string own_secret)
  {
   server_key = server;
   public_key = own_public;
   secret_key = own_secret;
  }

bool CCurveKeys::AreSound() const
  {
   if(public_key == "" && secret_key == "")
      return server_key == "" || IsKey(server_key);
   return IsKey(server_key) && IsKey(public_key) && IsKey(secret_key);
  }

bool CCurveKeys::IsKey(const string key) const
  {
   return StringLen(key) == EABRIDGE_Z85_KEY_LETTERS;
  }

// Makes a pair where none was given. False where this libzmq.dll was built without CURVE.
bool CCurveKeys::MakePair()
  {
   if(public_key != "")
      return true;
   uchar public_text[EABRIDGE_Z85_KEY_LETTERS + 1];
   uchar secret_text[EABRIDGE_Z85_KEY_LETTERS + 1];
   ArrayInitialize(public_text, 0);
   ArrayInitialize(secret_text, 0);
   if(zmq_curve_keypair(public_text, secret_text) != 0)
      return false;
   public_key = CharArrayToString(public_text, 0, EABRIDGE_Z85_KEY_LETTERS, CP_UTF8);
   secret_key = CharArrayToString(secret_text, 0, EABRIDGE_Z85_KEY_LETTERS, CP_UTF8);
   return true;
  }

// A DEALER that writes REQ's envelope: unlike a REQ socket it may ask again without having been
// answered. Every wait ends by the socket's own time-outs, and nothing lingers: the context can
// be given up at once, and the terminal closes without waiting for the network.
class CLibzmqChannel : public CChannel
  {
private:
   ulong             m_context;
   ulong             m_socket;
   CCurveKeys        m_keys;
   uchar             m_option[];
   uchar             m_empty[1];

   bool              Connect(const CEndpoint &endpoint);
   bool              UseKeys();
   bool              SetKey(const int option, const string key);
   bool              SetInt(const int option, const int value);
   void              WriteInteger(const long value, const int width, uchar &bytes[]) const;
   bool              Receive(uchar &part[], int &count, const ulong deadline_us);
   bool              IsMoreToCome();
   bool              Broken();

public:
                     CLibzmqChannel(const CCurveKeys &keys);
   virtual          ~CLibzmqChannel();
   virtual bool      Open(const CEndpoint &endpoint, const ulong deadline_us) override;
   virtual bool      Request(const uchar &body[], const int count,
                             const ulong deadline_us) override;
   virtual bool      Reply(uchar &body[], int &count, const ulong deadline_us) override;
   virtual bool      IsOpen() const override { return m_socket != 0; }
   virtual void      Close() override;
   virtual string    Name() const override
     {
      return m_keys.server_key == "" ? "libzmq" : "CURVE";
     }
  };

CLibzmqChannel::CLibzmqChannel(const CCurveKeys &keys)
   : m_context(0),
     m_socket(0)
  {
   m_keys.Set(keys.server_key, keys.public_key, keys.secret_key);
   m_empty[0] = 0;
  }

CLibzmqChannel::~CLibzmqChannel()
  {
   Close();
  }

// Libzmq connects by itself, whenever it can, so this cannot tell whether anybody is there: the
// first request does.
bool CLibzmqChannel::Open(const CEndpoint &endpoint, const ulong deadline_us)
  {
   Close();
   if(!m_keys.AreSound())
      return Fail(FORECAST_BAD_ENDPOINT,
                  "A CURVE key has 40 letters: give the daemon's public key, and your own public " +
                  "and secret key or neither of them");
   m_context = zmq_ctx_new();
   m_socket = m_context == 0 ? 0 : zmq_socket(m_context, EABRIDGE_ZMQ_DEALER);
   if(m_socket != 0 && Connect(endpoint))
      return Succeed();
   const int error = zmq_errno();
   Close();
   return Fail(FORECAST_NO_DAEMON,
               StringFormat("libzmq.dll cannot connect to %s (error %d): see that the address is " +
                            "right, and that this libzmq.dll was built with CURVE", endpoint.Text(),
                            error));
  }

// Sends the delimiter and the body once there is a connection: until then libzmq has nowhere to
// put them, and says so when the time is up.
bool CLibzmqChannel::Request(const uchar &body[], const int count, const ulong deadline_us)
  {
   if(!IsOpen())
      return Fail(FORECAST_LOST, "");
   SetInt(EABRIDGE_ZMQ_SNDTIMEO, (int)MillisecondsLeft(deadline_us));
   if(zmq_send(m_socket, m_empty, 0, EABRIDGE_ZMQ_SNDMORE) == 0 &&
      zmq_send(m_socket, body, (ulong)count, 0) == count)
      return Succeed();
   Close();
   string advice = "No connection within the time limit: start the daemon with eabridge serve";
   if(m_keys.server_key != "")
      advice += ", and see that the CURVE keys are right";
   return Fail(FORECAST_NO_DAEMON, advice);
  }

bool CLibzmqChannel::Reply(uchar &body[], int &count, const ulong deadline_us)
  {
   if(!IsOpen())
      return Fail(FORECAST_LOST, "");
   if(ArraySize(body) < EABRIDGE_ZMQ_MOST_BYTES)
      ArrayResize(body, EABRIDGE_ZMQ_MOST_BYTES);
   if(!Receive(body, count, deadline_us))
      return false;
   if(count != 0 || !IsMoreToCome())
      return Broken();
   // The parts of a message arrive together: the second is there.
   if(!Receive(body, count, deadline_us))
      return false;
   return IsMoreToCome() ? Broken() : Succeed();
  }

void CLibzmqChannel::Close()
  {
   if(m_socket != 0)
      zmq_close(m_socket);
   if(m_context != 0)
      zmq_ctx_term(m_context);
   m_socket = 0;
   m_context = 0;
  }

bool CLibzmqChannel::Connect(const CEndpoint &endpoint)
  {
   uchar address[];
   uchar most[];
   StringToCharArray("tcp://" + endpoint.Text(), address, 0, WHOLE_ARRAY, CP_UTF8);
   WriteInteger(EABRIDGE_ZMQ_MOST_BYTES, 8, most);
   return SetInt(EABRIDGE_ZMQ_LINGER, 0) && SetInt(EABRIDGE_ZMQ_IMMEDIATE, 1) &&
          zmq_setsockopt(m_socket, EABRIDGE_ZMQ_MAXMSGSIZE, most, 8) == 0 &&
          (m_keys.server_key == "" || UseKeys()) && zmq_connect(m_socket, address) == 0;
  }

bool CLibzmqChannel::UseKeys()
  {
   return m_keys.MakePair() && SetKey(EABRIDGE_ZMQ_CURVE_SERVERKEY, m_keys.server_key) &&
          SetKey(EABRIDGE_ZMQ_CURVE_PUBLICKEY, m_keys.public_key) &&
          SetKey(EABRIDGE_ZMQ_CURVE_SECRETKEY, m_keys.secret_key);
  }

// A key as text, with the zero behind it that libzmq wants.
bool CLibzmqChannel::SetKey(const int option, const string key)
  {
   uchar text[];
   const int size = StringToCharArray(key, text, 0, WHOLE_ARRAY, CP_UTF8);
   return zmq_setsockopt(m_socket, option, text, (ulong)size) == 0;
  }

bool CLibzmqChannel::SetInt(const int option, const int value)
  {
   WriteInteger(value, 4, m_option);
   return zmq_setsockopt(m_socket, option, m_option, 4) == 0;
  }

// Options are passed as the bytes of a C integer.
void CLibzmqChannel::WriteInteger(const long value, const int width, uchar &bytes[]) const
  {
   ArrayResize(bytes, width);
   for(int i = 0; i < width; i++)
      bytes[i] = (uchar)((value >> (8 * i)) & 0xFF);
  }

bool CLibzmqChannel::IsMoreToCome()
  {
   WriteInteger(0, 4, m_option);
   ulong size = 4;
   return zmq_getsockopt(m_socket, EABRIDGE_ZMQ_RCVMORE, m_option, size) == 0 && m_option[0] != 0;
  }

// One part of a message.
bool CLibzmqChannel::Receive(uchar &part[], int &count, const ulong deadline_us)
  {
   SetInt(EABRIDGE_ZMQ_RCVTIMEO, (int)MillisecondsLeft(deadline_us));
   count = zmq_recv(m_socket, part, EABRIDGE_ZMQ_MOST_BYTES, 0);
   if(count >= 0)
      return Succeed();
   if(zmq_errno() == EABRIDGE_ZMQ_EAGAIN)
      return Fail(FORECAST_TIMEOUT, "");
   Close();
   return Fail(FORECAST_LOST, "");
  }

bool CLibzmqChannel::Broken()
  {
   Close();
   return Fail(FORECAST_BAD_REPLY, "");
  }

#endif
