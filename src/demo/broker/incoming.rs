//! The packets of one client, in order. Invariant: nothing larger than the limit is ever held.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use rumqttc::mqttbytes::v4::{Connect, ConnectReturnCode, Packet};
use rumqttc::mqttbytes::{self, Error};
use tokio::io::AsyncReadExt;
use tokio::net::tcp::OwnedReadHalf;

use super::faults::Gate;

/// Read at once; small enough that the subscribers' queues keep pace with one buffer of small messages.
const CHUNK: usize = 16 * 1024;

/// Why a connection ends.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ending {
    #[error("the client said goodbye")]
    Goodbye,
    #[error("the client went away")]
    Gone,
    #[error("nothing came within one and a half keep alives")]
    Silent,
    #[error("a packet was malformed or too large: {0}")]
    Malformed(#[from] Error),
    #[error("the client speaks protocol level {0}")]
    Protocol(u8),
    #[error("the client broke the protocol: {0}")]
    Violation(&'static str),
    #[error("the client was refused: {0:?}")]
    Refused(ConnectReturnCode),
    #[error("a fault was asked for")]
    Fault,
}

pub(super) struct Incoming {
    half: OwnedReadHalf,
    buffer: BytesMut,
    gate: Gate,
    max_packet_size: usize,
    patience: Option<Duration>,
}

impl Incoming {
    pub(super) fn new(half: OwnedReadHalf, gate: Gate, max_packet_size: usize, patience: Duration) -> Self {
        Incoming { half, buffer: BytesMut::new(), gate, max_packet_size, patience: Some(patience) }
    }

    /// From now on the client may be silent this long; without a limit for ever.
    pub(super) fn expect_within(&mut self, patience: Option<Duration>) {
        self.patience = patience;
    }

    /// The packet that opens a connection.
    pub(super) async fn connect(&mut self) -> Result<Connect, Ending> {
        while let Err(Error::InsufficientBytes(_)) = mqttbytes::check(self.buffer.iter(), self.max_packet_size) {
            self.fill().await?;
        }
        // The codec reads level 5 as if it were level 4, so the level is looked at first.
        if let Some(level) = protocol_level(&self.buffer).filter(|level| *level != 4) {
            return Err(Ending::Protocol(level));
        }
        match self.next().await? {
            Packet::Connect(connect) => Ok(connect),
            _ => Err(Ending::Violation("the first packet is not CONNECT")),
        }
    }

    pub(super) async fn next(&mut self) -> Result<Packet, Ending> {
        loop {
            match Packet::read(&mut self.buffer, self.max_packet_size) {
                Ok(packet) => return Ok(packet),
                Err(Error::InsufficientBytes(_)) => self.fill().await?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn fill(&mut self) -> Result<(), Ending> {
        self.buffer.reserve(CHUNK);
        loop {
            let rate = self.gate.now().read_bytes_per_second;
            let chunk = rate.map_or(CHUNK, |rate| (rate / 20).max(1) as usize);
            let mut space = (&mut self.buffer).limit(chunk);
            tokio::select! {
                biased;
                () = self.gate.stalled() => {}
                read = self.half.read_buf(&mut space) => {
                    return match read {
                        Ok(0) | Err(_) => Err(Ending::Gone),
                        Ok(count) => { rest(count, rate).await; Ok(()) }
                    };
                }
                () = sleep(self.patience) => return Err(Ending::Silent),
            }
            self.gate.healed().await;
        }
    }
}

/// The pause that keeps reading at its rate.
async fn rest(read: usize, bytes_per_second: Option<u32>) {
    if let Some(rate) = bytes_per_second {
        let seconds = read as f64 / f64::from(rate.max(1));
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    }
}

async fn sleep(duration: Option<Duration>) {
    match duration {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// The protocol level of a complete CONNECT, of whatever version.
fn protocol_level(frame: &[u8]) -> Option<u8> {
    let (first, rest) = frame.split_first()?;
    if first >> 4 != 1 {
        return None;
    }
    let length_bytes = rest.iter().position(|byte| byte & 0x80 == 0)? + 1;
    let body = rest.get(length_bytes..)?;
    let name_length = u16::from_be_bytes([*body.first()?, *body.get(1)?]);
    body.get(2 + usize::from(name_length)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_level_is_read_from_a_connect_of_any_version() {
        assert_eq!(protocol_level(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x05\x00\x00"), Some(4));
        assert_eq!(protocol_level(b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x00"), Some(5));
        assert_eq!(protocol_level(b"\x10\x0e\x00\x06MQIsdp\x03\x02\x00\x05\x00\x00"), Some(3));
        assert_eq!(protocol_level(b"\xc0\x00"), None);
        assert_eq!(protocol_level(b"\x10\x02\x00\xff"), None);
    }
}
