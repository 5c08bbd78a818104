//+------------------------------------------------------------------+
//| EABridge/Zmtp/Channel.mqh                                        |
//| Bodies of messages to and from a daemon.                         |
//+------------------------------------------------------------------+
#ifndef EABRIDGE_ZMTP_CHANNEL_MQH
#define EABRIDGE_ZMTP_CHANNEL_MQH

#include "Deadline.mqh"
#include "Endpoint.mqh"
#include "Session.mqh"
#include "Transport.mqh"

// A connection of a REQ socket, less strict than ZeroMQ's own: it may ask again before it has an
// answer, since a request may be given up. Whose answer comes is for the caller to see.
class CChannel : public CFallible
  {
public:
   virtual          ~CChannel() {}
   virtual bool      Open(const CEndpoint &endpoint, const ulong deadline_us) = 0;
   // Sends body[0] to body[count - 1].
   virtual bool      Request(const uchar &body[], const int count, const ulong deadline_us) = 0;
   // Waits for a reply; puts it into body[0] to body[count - 1], which grows where it must. After
   // FORECAST_TIMEOUT the channel is still open; any other failure has closed it.
   virtual bool      Reply(uchar &body[], int &count, const ulong deadline_us) = 0;
   virtual bool      IsOpen() const = 0;
   virtual void      Close() = 0;
   // What carries it, in a few words.
   virtual string    Name() const = 0;
  };

// A channel that speaks ZMTP by itself.
class CZmtpChannel : public CChannel
  {
private:
   CTransport       *m_transport;    // its own
   CZmtpSession      m_session;

   bool              Concluded(const bool done);

public:
                     CZmtpChannel(CTransport *transport);
   virtual          ~CZmtpChannel();
   virtual bool      Open(const CEndpoint &endpoint, const ulong deadline_us) override;
   virtual bool      Request(const uchar &body[], const int count,
                             const ulong deadline_us) override;
   virtual bool      Reply(uchar &body[], int &count, const ulong deadline_us) override;
   virtual bool      IsOpen() const override { return m_transport.IsOpen(); }
   virtual void      Close() override        { m_transport.Close(); }
   virtual string    Name() const override   { return m_transport.Name(); }
  };

CZmtpChannel::CZmtpChannel(CTransport *transport)
   : m_transport(transport)
  {
  }

CZmtpChannel::~CZmtpChannel()
  {
   delete m_transport;
  }

bool CZmtpChannel::Open(const CEndpoint &endpoint, const ulong deadline_us)
  {
   const uint left_ms = MillisecondsLeft(deadline_us);
   if(left_ms == 0)
      return Fail(FORECAST_TIMEOUT, "");
   if(!m_transport.Open(endpoint.Host(), endpoint.Port(), left_ms))
      return Fail(m_transport.Error(), m_transport.ErrorText());
   const bool begun = m_session.Begin(m_transport, deadline_us);
   if(!begun)
      m_transport.Close();
   return Concluded(begun);
  }

bool CZmtpChannel::Request(const uchar &body[], const int count, const ulong deadline_us)
  {
   if(!IsOpen())
      return Fail(FORECAST_LOST, "");
   return Concluded(m_session.Send(body, count, deadline_us));
  }

bool CZmtpChannel::Reply(uchar &body[], int &count, const ulong deadline_us)
  {
   if(!IsOpen())
      return Fail(FORECAST_LOST, "");
   return Concluded(m_session.Receive(body, count, deadline_us));
  }

bool CZmtpChannel::Concluded(const bool done)
  {
   if(done)
      return Succeed();
   if(m_session.Error() != FORECAST_TIMEOUT)
      m_transport.Close();
   return FailAs(m_session);
  }

#endif
