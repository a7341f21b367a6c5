//! Carries the packets of a camera to the reader on loopback, and counts them.
//!
//! In: a session that plays, and the door for the reader. Out: nothing but the failure that ends it. Invariant: only packets of the video go
//! on; when the camera ends its stream, so does the reader's.

use std::convert::Infallible;
use std::future::pending;

use bytes::Buf;

use super::connection::Connection;
use super::datagrams::Ports;
use super::door::Door;
use super::flow::{Excess, Flow};
use super::head::Start;
use super::packets::Packets;
use super::session::Session;
use super::wire::{self, Next};

/// More than the longest packet: what has no meaning up to here has none at all.
const LONGEST: usize = 2 * 65_540;

/// Carries packets until it is dropped, or the camera sends too much.
pub(super) async fn carry(session: &mut Session<'_, '_>, door: Door, flow: &Flow) -> Result<Infallible, Excess> {
    // A reader that does not come, or goes, is one that has an end of its own.
    let Ok(mut reader) = door.admit(&session.track).await else { return pending().await };
    let mut packets = Packets::new(&session.track, session.channel);
    let mut out = Vec::new();
    let mut is_open = true;
    sort(&mut session.connection, &mut packets, &mut out).await;
    loop {
        flow.counted(packets.taken, packets.others);
        if reader.send(&out).await.is_err() {
            return pending().await;
        }
        out.clear();
        // Each of them loses nothing when another is faster. What one brings is worked off before any is asked again.
        tokio::select! {
            // The reader says goodbye, and nothing else.
            said = reader.request() => match said {
                Ok(request) => drop(reader.answer(&request, "Session: 1\r\n\r\n").await),
                Err(_gone) => return pending().await,
            },
            came = session.connection.read(), if is_open => match came {
                Ok(bytes) => {
                    flow.took(bytes)?;
                    sort(&mut session.connection, &mut packets, &mut out).await;
                }
                Err(_closed) => {
                    is_open = false;
                    // Datagrams may go on: some cameras close the connection that they do not need.
                    if session.ports.is_none() {
                        let _gone = reader.end().await;
                    }
                }
            },
            datagrams = receive(session.ports.as_mut()) => {
                for mut packet in datagrams {
                    flow.took(packet.len())?;
                    if packets.admit(session.channel, &mut packet) {
                        frame(&packet, &mut out);
                    }
                }
            }
        }
    }
}

/// Takes all packets that came in the connection, and answers what the camera asks between them.
async fn sort(connection: &mut Connection, packets: &mut Packets, out: &mut Vec<u8>) {
    loop {
        match wire::next(&connection.inbox) {
            Next::More => break,
            Next::Junk(length) => connection.inbox.advance(length),
            Next::Packet(channel, at) => {
                let mut packet = connection.inbox.split_to(at.end);
                packet.advance(at.start);
                if packets.admit(channel, &mut packet) {
                    frame(&packet, out);
                }
            }
            Next::Message(head, length) => {
                connection.inbox.advance(length);
                if head.start == Start::Request {
                    // A connection that breaks shows it when it is read.
                    drop(connection.reply(&head).await);
                }
            }
        }
    }
    if connection.inbox.len() > LONGEST {
        connection.inbox.clear();
    }
}

async fn receive(ports: Option<&mut Ports>) -> Vec<Vec<u8>> {
    match ports {
        Some(ports) => ports.receive().await,
        None => pending().await,
    }
}

/// Interleaves a packet on the first channel.
fn frame(packet: &[u8], out: &mut Vec<u8>) {
    let Ok(length) = u16::try_from(packet.len()) else { return };
    out.extend([b'$', 0]);
    out.extend(length.to_be_bytes());
    out.extend(packet);
}
