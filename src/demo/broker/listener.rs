//! The door of the broker. Invariant: it opens on loopback only, and a closed door is really closed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::connection;
use super::shared::Shared;

pub(super) struct Door {
    close: CancellationToken,
    task: JoinHandle<()>,
}

impl Door {
    /// Binds and accepts from now on; the address is that of the bound socket.
    pub(super) fn open(addr: SocketAddr, shared: &Arc<Shared>) -> io::Result<(Self, SocketAddr)> {
        let listener = bind(addr, shared.config.receive_buffer)?;
        let addr = listener.local_addr()?;
        let close = shared.stop.child_token();
        let accepting = accept(listener, shared.clone());
        let closed = close.clone();
        let task = shared.tasks.spawn(async move {
            closed.run_until_cancelled(accepting).await;
        });
        Ok((Door { close, task }, addr))
    }

    /// Returns when nothing listens any more. Connections stay.
    pub(super) async fn close(self) {
        self.close.cancel();
        // The task only ends early when the runtime ends, and the listener with it.
        let _ = self.task.await;
    }
}

fn bind(addr: SocketAddr, receive_buffer: Option<u32>) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    if let Some(size) = receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    socket.bind(addr)?;
    socket.listen(1024)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let cut = shared.cut_token();
                shared.tasks.spawn(connection::serve(stream, shared.clone(), cut));
            }
            // Out of file descriptors, say: it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
