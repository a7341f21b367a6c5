//! Opening a TCP connection to a name, for brokers and cameras alike.
//!
//! In: a host, a port, a deadline. Out: a connection to the first of its addresses that takes one. Invariant: an address that does not
//! answer takes no time from the others (RFC 8305): a dead IPv6 address must not hide a living IPv4 one, nor the other way round.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How long an address is tried alone before the next is tried beside it (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// Why no connection came to be.
#[derive(Debug)]
pub(crate) enum DialError {
    /// The name does not resolve, or no name server answered in time.
    Dns(io::Error),
    /// Every address said no.
    Connect(io::Error),
    /// At least one address did not say anything.
    Timeout,
}

/// Resolves the name and opens a connection to the first of its addresses that takes one.
pub(crate) async fn dial(host: &str, port: u16, deadline: Instant) -> Result<TcpStream, DialError> {
    connect(&resolve(host, port, deadline).await?, deadline).await
}

/// The addresses of a name, at least one, in the order in which they are to be tried.
pub(crate) async fn resolve(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, DialError> {
    let found = timeout_at(deadline, lookup_host((host, port)))
        .await
        .map_err(|_elapsed| DialError::Dns(io::Error::from(io::ErrorKind::TimedOut)))?
        .map_err(DialError::Dns)?;
    let addresses = in_turn(found.collect());
    if addresses.is_empty() { Err(DialError::Dns(io::Error::from(io::ErrorKind::NotFound))) } else { Ok(addresses) }
}

/// Opens a connection to the first address that takes one.
pub(crate) async fn connect(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, DialError> {
    let mut untried = addresses.iter().copied();
    let mut under_way = FuturesUnordered::new();
    let mut refusal = None;
    loop {
        match untried.next() {
            Some(address) => under_way.push(TcpStream::connect(address)),
            None if under_way.is_empty() => {
                return Err(refusal.map_or(DialError::Timeout, DialError::Connect));
            }
            None => {}
        }
        tokio::select! {
            Some(outcome) = under_way.next() => match outcome {
                Ok(stream) => {
                    let _slower_without = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => refusal = Some(more_telling(refusal, error)),
            },
            // Without news the next address gets its try beside those that are silent.
            () = sleep(HEAD_START), if untried.len() > 0 => {}
            () = sleep_until(deadline) => return Err(DialError::Timeout),
        }
    }
}

/// The families in turn, the resolver's first one first.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().copied() else { return addresses };
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    let mut other = other.into_iter();
    let mut ordered: Vec<_> = one.into_iter().flat_map(|address| [Some(address), other.next()]).flatten().collect();
    ordered.extend(other);
    ordered
}

/// A port that was seen closed tells more than a family that this machine does not have.
fn more_telling(known: Option<io::Error>, fresh: io::Error) -> io::Error {
    match known {
        Some(known) if known.kind() == io::ErrorKind::ConnectionRefused => known,
        _ => fresh,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::task::JoinSet;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    /// An address of this machine that neither takes a connection nor refuses it: its queue is full.
    async fn silent() -> (SocketAddr, TcpListener, JoinSet<io::Result<TcpStream>>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = JoinSet::new();
        while tokio::time::timeout(HEAD_START, TcpStream::connect(address)).await.is_ok_and(|connected| {
            queue.spawn(async { connected });
            true
        }) {}
        (address, listener, queue)
    }

    async fn closed() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
    }

    #[tokio::test]
    async fn an_address_that_is_silent_does_not_hide_one_that_answers() {
        let (silent, ..) = &silent().await;
        let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let began = Instant::now();
        let addresses = [*silent, closed().await, *silent, open.local_addr().unwrap()];
        let stream = connect(&addresses, began + SOON).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open.local_addr().unwrap());
        assert!(began.elapsed() < SOON / 2, "it took {:?}", began.elapsed());
    }

    #[tokio::test]
    async fn all_that_refuse_are_a_refusal_and_one_that_is_silent_is_none() {
        let refused = connect(&[closed().await, closed().await], Instant::now() + SOON).await;
        assert!(matches!(refused, Err(DialError::Connect(error)) if error.kind() == io::ErrorKind::ConnectionRefused));
        let (silent, ..) = &silent().await;
        let began = Instant::now();
        let limit = Duration::from_millis(400);
        let nothing = connect(&[*silent, closed().await], began + limit).await;
        assert!(matches!(nothing, Err(DialError::Timeout)), "{nothing:?}");
        assert!(began.elapsed() >= limit);
    }

    #[test]
    fn the_families_take_turns() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        let (six, other_six, four) = (address("[::1]:1"), address("[::2]:1"), address("1.1.1.1:1"));
        assert_eq!(in_turn(vec![six, other_six, four]), [six, four, other_six]);
        assert_eq!(in_turn(vec![four, six, other_six]), [four, six, other_six]);
        assert_eq!(in_turn(Vec::new()), []);
    }

    #[test]
    fn a_closed_port_tells_more_than_a_family_that_is_not_there() {
        let (refused, unreachable) = (io::ErrorKind::ConnectionRefused, io::ErrorKind::NetworkUnreachable);
        for (known, fresh) in [(unreachable, refused), (refused, unreachable)] {
            assert_eq!(more_telling(Some(known.into()), fresh.into()).kind(), refused);
        }
    }
}
