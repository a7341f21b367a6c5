//! How the packets of a stream travel (`Transport`, RFC 2326, section 12.39).
//!
//! In: the camera's answer to SETUP. Out: over which channel or from which ports they will come. Invariant: pure.

use super::head::leading_number;

/// What is asked for, and what is agreed upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    /// In the RTSP connection, on this channel.
    Interleaved(u8),
    /// In datagrams, from these ports of the camera when it names them.
    Datagrams(Option<(u16, u16)>),
    /// To a group of receivers.
    Multicast,
}

/// The channel that we ask for.
pub(super) const CHANNEL: u8 = 0;

/// What the camera's answer means. What it does not say is as it was asked for.
pub(super) fn agreed(answer: Option<&str>, asked: Transport) -> Transport {
    let Some(answer) = answer else { return asked };
    let said = answer.to_ascii_lowercase();
    // Of several the first.
    let said = said.split(',').next().unwrap_or_default();
    let field =
        |name: &str| said.split(';').find_map(|part| part.trim().strip_prefix(name)?.trim_start().strip_prefix('='));
    let channel = field("interleaved").and_then(leading_number).and_then(|channel| u8::try_from(channel).ok());
    if let Some(channel) = channel {
        return Transport::Interleaved(channel);
    }
    if said.contains("/tcp") {
        return Transport::Interleaved(CHANNEL);
    }
    if said.contains("multicast") {
        return Transport::Multicast;
    }
    let ports = field("server_port").and_then(pair);
    if ports.is_some() || field("client_port").is_some() || said.contains("/udp") {
        return Transport::Datagrams(ports);
    }
    asked
}

/// `6970-6971`, or the first of them alone.
fn pair(text: &str) -> Option<(u16, u16)> {
    let first = u16::try_from(leading_number(text)?).ok().filter(|port| *port > 0)?;
    let second = text.split('-').nth(1).and_then(leading_number).and_then(|port| u16::try_from(port).ok());
    Some((first, second.filter(|port| *port > 0).unwrap_or(first.wrapping_add(1))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Datagrams, Interleaved, Multicast};

    #[test]
    fn every_answer_to_setup_has_its_meaning() {
        for (answer, expected) in [
            (Some("RTP/AVP/TCP;unicast;interleaved=0-1"), Interleaved(0)),
            (Some("RTP/AVP/TCP;unicast;interleaved=2-3;ssrc=11223344"), Interleaved(2)),
            (Some("RTP/AVP/TCP;interleaved=4"), Interleaved(4)),
            (Some("rtp/avp/tcp; unicast; Interleaved = 6-7"), Interleaved(6)),
            (Some("RTP/AVP;unicast;interleaved=0-1"), Interleaved(0)),
            (Some("RTP/AVP/TCP;unicast"), Interleaved(0)),
            (Some("RTP/AVP;unicast"), Interleaved(0)),
            (Some(""), Interleaved(0)),
            (None, Interleaved(0)),
            (Some("RTP/AVP/TCP;interleaved=x"), Interleaved(0)),
            (Some("RTP/AVP;unicast;client_port=0-1;server_port=6970-6971"), Datagrams(Some((6970, 6971)))),
            (Some("RTP/AVP/UDP;unicast;client_port=5000-5001;server_port=6970"), Datagrams(Some((6970, 6971)))),
            (Some("RTP/AVP/UDP;unicast;server_port=70000"), Datagrams(None)),
            (Some("RTP/AVP;multicast;destination=239.0.0.1;port=5000"), Multicast),
        ] {
            assert_eq!(agreed(answer, Interleaved(CHANNEL)), expected, "{answer:?}");
        }
        assert_eq!(agreed(Some("RTP/AVP;unicast"), Datagrams(None)), Datagrams(None));
    }
}
