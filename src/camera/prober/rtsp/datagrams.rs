//! UDP for cameras that have no TCP: a pair of ports, and a way through the NAT between a container and the network.
//!
//! In: the camera's address. Out: the RTP packets that it sends, in order. Invariant: packets of other hosts are not taken.
//!
//! A container's packets leave through the host with another address (masquerade), and only answers find the way back. So we speak first,
//! from both of our ports to both of the camera's: the kernel then takes what comes back from there for an answer.

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::UdpSocket;

use super::ordering::Ordering;

/// How often to look for two ports in a row.
const TRIES: u32 = 20;
/// The largest datagram.
const LARGEST: usize = 65_536;

/// A receiver's report that reports nothing (RFC 3550, section 6.4.2).
const REPORT: [u8; 8] = [0x80, 201, 0, 1, 0, 0, 0, 1];
/// An RTP packet without a payload, of a type that nobody uses: what players send to open the way.
const OPENER: [u8; 12] = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

/// The two ports: packets come on the even one, reports on the next (RFC 3550, section 11).
pub(super) struct Ports {
    packets: UdpSocket,
    reports: UdpSocket,
    camera: IpAddr,
    datagram: Vec<u8>,
    ordering: Ordering,
}

impl Ports {
    /// Opens two ports on the address through which the camera is reached.
    pub(super) async fn open(own: IpAddr, camera: IpAddr) -> io::Result<Self> {
        for _ in 0..TRIES {
            let packets = UdpSocket::bind((own, 0)).await?;
            let port = packets.local_addr()?.port();
            if port % 2 == 0
                && let Some(next) = port.checked_add(1)
                && let Ok(reports) = UdpSocket::bind((own, next)).await
            {
                return Ok(Self {
                    packets,
                    reports,
                    camera,
                    datagram: vec![0; LARGEST],
                    ordering: Ordering::default(),
                });
            }
        }
        Err(io::Error::from(io::ErrorKind::AddrInUse))
    }

    /// The port for packets; the next one is for reports.
    pub(super) fn first(&self) -> io::Result<u16> {
        Ok(self.packets.local_addr()?.port())
    }

    /// Opens the way from these ports of the camera. A datagram that cannot be sent is none that could come back.
    pub(super) async fn speak_first(&self, (packets, reports): (u16, u16)) {
        let _lost = self.packets.send_to(&OPENER, SocketAddr::new(self.camera, packets)).await;
        let _lost = self.reports.send_to(&REPORT, SocketAddr::new(self.camera, reports)).await;
    }

    /// Waits for a datagram, and gives the packets that are in turn by now. Nothing is lost when it is dropped before it is done.
    pub(super) async fn receive(&mut self) -> Vec<Vec<u8>> {
        let mut ready = Vec::new();
        let mut report = [0; 1_500];
        tokio::select! {
            got = self.packets.recv_from(&mut self.datagram) => {
                // An error is that of a datagram we sent: nobody listens there (yet).
                if let Ok((length, from)) = got
                    && from.ip().to_canonical() == self.camera.to_canonical()
                {
                    self.ordering.take(&self.datagram[..length], |packet| ready.push(packet));
                }
            }
            // Taken, so that they do not fill the kernel's memory.
            _report = self.reports.recv_from(&mut report) => {}
        }
        ready
    }
}
