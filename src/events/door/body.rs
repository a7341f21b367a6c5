//! The body of a request: read within bounds of size, time and memory, or thrown away without keeping it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Reject;
use super::message::MAX_BODY;
use super::problem::Problem;

/// One permit of the room is this many bytes.
pub(super) const UNIT: usize = 1_024;

/// What a sender puts into a form or a JSON, without a picture.
const SHORT: usize = 16 * 1_024;

/// A body, and its share of the memory that all bodies together may take.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Whether a body comes, and is so short that it may be read before it is known who sends it.
pub(super) fn is_short(headers: &HeaderMap) -> bool {
    announced(headers).is_some_and(|length| (1..=SHORT).contains(&length))
}

/// Reads a body as a whole.
pub(super) async fn read(
    headers: &HeaderMap,
    body: &mut BodyDataStream,
    room: &Arc<Semaphore>,
    patience: Duration,
) -> Result<Held, Problem> {
    if announced(headers).is_some_and(|length| length > MAX_BODY) {
        return Err(Reject::BodyTooLarge.into());
    }
    timeout(patience, collect(body, room)).await.unwrap_or_else(|_elapsed| Err(Problem::slow()))
}

async fn collect(body: &mut BodyDataStream, room: &Arc<Semaphore>) -> Result<Held, Problem> {
    let mut bytes = Vec::new();
    let mut taken = take(room, 1)?;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_cut_off| Problem::cut_off())?;
        let length = bytes.len() + chunk.len();
        if length > MAX_BODY {
            return Err(Reject::BodyTooLarge.into());
        }
        // A vector that grows takes up to twice what is in it.
        let missing = (2 * length).div_ceil(UNIT).saturating_sub(taken.num_permits());
        taken.merge(take(room, missing)?);
        bytes.extend_from_slice(&chunk);
    }
    Ok(Held { bytes: bytes.into(), _room: taken })
}

/// Never waits: many half-read bodies that wait for one another's room would wait for ever.
fn take(room: &Arc<Semaphore>, permits: usize) -> Result<OwnedSemaphorePermit, Problem> {
    let permits = u32::try_from(permits).map_err(|_too_many| Problem::busy())?;
    room.clone().try_acquire_many_owned(permits).map_err(|_full| Problem::busy())
}

/// Reads on and throws away, so that a sender in the middle of its body sees our answer and not a cut connection
/// (RFC 9112, section 9.6). One that waits for our `100 Continue` sends nothing anyway.
pub(super) async fn drain(headers: &HeaderMap, body: &mut BodyDataStream, patience: Duration) {
    if headers.contains_key(EXPECT) || announced(headers).is_some_and(|length| length > 2 * MAX_BODY) {
        return;
    }
    let mut left = 2 * MAX_BODY;
    let rest = async {
        while let Some(Ok(chunk)) = body.next().await {
            let Some(less) = left.checked_sub(chunk.len()) else { return };
            left = less;
        }
    };
    // Late or not, the answer follows.
    let _in_time = timeout(patience, rest).await;
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
