//! The writer of one connection. Invariant: it writes what the mailbox gives, in that order, and nothing while the
//! broker is stalled.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::{Instant, sleep_until};

use super::faults::Gate;
use super::mailbox::{Mailbox, Next};

/// Runs until everything is written and nothing more will come, or the connection is broken.
pub(super) async fn write(mut half: OwnedWriteHalf, mailbox: &Mailbox, mut gate: Gate) -> io::Result<()> {
    let mut bytes = BytesMut::new();
    loop {
        match mailbox.take(&mut bytes) {
            Next::Write => write_all(&mut half, &mut bytes, &mut gate).await?,
            Next::Wait(due) => {
                tokio::select! {
                    () = mailbox.changed() => {}
                    () = until(due) => {}
                }
            }
            Next::Finished => return half.shutdown().await,
        }
    }
}

async fn write_all(half: &mut OwnedWriteHalf, bytes: &mut BytesMut, gate: &mut Gate) -> io::Result<()> {
    while bytes.has_remaining() {
        tokio::select! {
            biased;
            () = gate.stalled() => {}
            written = half.write_buf(bytes) => {
                if written? == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                continue;
            }
        }
        gate.healed().await;
    }
    Ok(())
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
