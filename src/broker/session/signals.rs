//! What rumqttc tells, its events and errors, in the session's words. Pure.

use bytes::Bytes;
use rumqttc::v5::mqttbytes::v5 as p5;
use rumqttc::{self as v4, v5};

use super::error::{Lack, SessionError};

/// What the broker grants in its CONNACK.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Grant {
    pub(super) max_packet: Option<usize>,
    pub(super) in_flight: Option<u16>,
    pub(super) lack: Option<Lack>,
}

/// What the event loop tells.
#[derive(Debug)]
pub(super) enum Signal {
    Connected(Grant),
    /// The oldest handed QoS 1 message went out with this id.
    Sent(u16),
    Acknowledged {
        packet_id: u16,
        refusal: Option<String>,
    },
    Message {
        topic: String,
        payload: Bytes,
        retained: bool,
    },
    SubscriptionRefused,
    /// DISCONNECT went out: the connection is over, on purpose.
    Disconnected,
    /// Nothing that concerns us; the connection is alive.
    Alive,
}

pub(super) fn signal_v4(event: v4::Event) -> Result<Signal, SessionError> {
    use v4::Packet;
    Ok(match event {
        v4::Event::Incoming(Packet::ConnAck(_)) => Signal::Connected(Grant::default()),
        v4::Event::Incoming(Packet::PubAck(ack)) => Signal::Acknowledged { packet_id: ack.pkid, refusal: None },
        v4::Event::Incoming(Packet::Publish(message)) => {
            Signal::Message { topic: message.topic, payload: message.payload, retained: message.retain }
        }
        v4::Event::Incoming(Packet::SubAck(ack)) if ack.return_codes.contains(&v4::SubscribeReasonCode::Failure) => {
            Signal::SubscriptionRefused
        }
        v4::Event::Incoming(Packet::Disconnect) => return Err(SessionError::Broken("the broker ended it".to_owned())),
        v4::Event::Outgoing(outgoing) => return signal_outgoing(&outgoing),
        v4::Event::Incoming(_) => Signal::Alive,
    })
}

pub(super) fn signal_v5(event: v5::Event) -> Result<Signal, SessionError> {
    use p5::{Packet, PubAckReason, SubscribeReasonCode};
    Ok(match event {
        v5::Event::Incoming(Packet::ConnAck(ack)) => {
            let properties = ack.properties.as_ref();
            Signal::Connected(Grant {
                max_packet: properties.and_then(|p| p.max_packet_size).and_then(|size| usize::try_from(size).ok()),
                in_flight: properties.and_then(|p| p.receive_max),
                lack: properties.and_then(lack),
            })
        }
        v5::Event::Incoming(Packet::PubAck(ack)) => {
            let accepted = matches!(ack.reason, PubAckReason::Success | PubAckReason::NoMatchingSubscribers);
            Signal::Acknowledged { packet_id: ack.pkid, refusal: (!accepted).then(|| format!("{:?}", ack.reason)) }
        }
        v5::Event::Incoming(Packet::Publish(message)) => Signal::Message {
            topic: String::from_utf8_lossy(&message.topic).into_owned(),
            payload: message.payload,
            retained: message.retain,
        },
        v5::Event::Incoming(Packet::SubAck(ack))
            if !ack.return_codes.iter().all(|code| matches!(code, SubscribeReasonCode::Success(_))) =>
        {
            Signal::SubscriptionRefused
        }
        v5::Event::Outgoing(outgoing) => return signal_outgoing(&outgoing),
        v5::Event::Incoming(_) => Signal::Alive,
    })
}

/// Absent means that the broker has it.
fn lack(properties: &p5::ConnAckProperties) -> Option<Lack> {
    match (properties.retain_available, properties.max_qos) {
        (Some(0), _) => Some(Lack::Retain),
        (_, Some(0)) => Some(Lack::Qos1),
        _ => None,
    }
}

fn signal_outgoing(outgoing: &v4::Outgoing) -> Result<Signal, SessionError> {
    use v4::Outgoing;
    match outgoing {
        Outgoing::Publish(packet_id) if *packet_id != 0 => Ok(Signal::Sent(*packet_id)),
        // The crate waits for an id to come free, which it may never: a fresh connection is the cure.
        Outgoing::AwaitAck(_) => Err(SessionError::AckOverdue),
        Outgoing::Disconnect => Ok(Signal::Disconnected),
        _ => Ok(Signal::Alive),
    }
}

pub(super) fn error_v4(error: v4::ConnectionError) -> SessionError {
    use v4::{ConnectReturnCode as Code, ConnectionError as E, StateError as S};
    match error {
        E::ConnectionRefused(Code::BadUserNamePassword | Code::NotAuthorized) => SessionError::Credentials,
        E::ConnectionRefused(Code::RefusedProtocolVersion) => SessionError::Protocol { spoken: "3.1.1", instead: "5" },
        E::ConnectionRefused(code) => SessionError::Refused(format!("{code:?}")),
        E::NetworkTimeout | E::FlushTimeout | E::MqttState(S::AwaitPingResp | S::CollisionTimeout) => {
            SessionError::HalfOpen
        }
        E::MqttState(S::ConnectionAborted) => closed(),
        E::MqttState(S::Io(error)) | E::Io(error) => SessionError::Io(error),
        E::MqttState(S::Deserialization(v4::mqttbytes::Error::PayloadSizeLimitExceeded(_))) => {
            SessionError::PacketTooLarge { limit: None }
        }
        other => SessionError::Broken(other.to_string()),
    }
}

pub(super) fn error_v5(error: v5::ConnectionError) -> SessionError {
    use p5::{ConnectReturnCode as Code, DisconnectReasonCode as Reason};
    use v5::{ConnectionError as E, StateError as S};
    match error {
        E::ConnectionRefused(Code::BadUserNamePassword | Code::NotAuthorized) => SessionError::Credentials,
        E::ConnectionRefused(Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion) => {
            SessionError::Protocol { spoken: "5", instead: "auto" }
        }
        E::ConnectionRefused(Code::RetainNotSupported) => SessionError::NoRetain,
        E::ConnectionRefused(Code::QoSNotSupported) => SessionError::NoQos1,
        E::ConnectionRefused(code) => SessionError::Refused(format!("{code:?}")),
        E::Timeout(_) | E::MqttState(S::AwaitPingResp | S::CollisionTimeout) => SessionError::HalfOpen,
        E::MqttState(S::ServerDisconnect { reason_code: Reason::SessionTakenOver, .. }) => SessionError::TakenOver,
        E::MqttState(S::ServerDisconnect { reason_code: Reason::PacketTooLarge, .. }) => {
            SessionError::PacketTooLarge { limit: None }
        }
        E::MqttState(S::OutgoingPacketTooLarge { max, .. }) => {
            SessionError::PacketTooLarge { limit: usize::try_from(max).ok() }
        }
        E::MqttState(S::ServerDisconnect { reason_code, .. }) => {
            SessionError::Broken(format!("the broker ended it: {reason_code:?}"))
        }
        E::MqttState(S::ConnectionAborted) => closed(),
        E::MqttState(S::Io(error)) | E::Io(error) => SessionError::Io(error),
        other => SessionError::Broken(other.to_string()),
    }
}

fn closed() -> SessionError {
    SessionError::Broken("the broker closed it".to_owned())
}
