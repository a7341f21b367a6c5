//! A way to a broker that is cut again and again, as a bad Wi-Fi or a router's table of connections does.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// A proxy before a server. It ends with its owner.
pub(crate) struct Proxy {
    addr: SocketAddr,
    _task: JoinSet<()>,
}

impl Proxy {
    /// Lets each connection to `server` live this long.
    pub(crate) async fn cutting_after(lifetime: Duration, server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("it is bound");
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                connections.spawn(async move {
                    let Ok(mut upstream) = TcpStream::connect(server).await else { return };
                    let _cut_or_ended = timeout(lifetime, copy_bidirectional(&mut client, &mut upstream)).await;
                });
            }
        });
        Self { addr, _task: task }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}
