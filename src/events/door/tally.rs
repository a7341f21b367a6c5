//! What came to the doors since the start: numbers for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

use super::Accepted;

/// Every status that a refusal has.
const REFUSALS: [StatusCode; 10] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::NOT_FOUND,
    StatusCode::METHOD_NOT_ALLOWED,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// Counts of events at the doors. Everybody may read them at any time.
#[derive(Debug, Default)]
pub struct Tally {
    accepted: AtomicU64,
    duplicates: AtomicU64,
    refused: [AtomicU64; REFUSALS.len()],
}

impl Tally {
    /// Events that were accepted for the first time.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Events that were there before.
    #[must_use]
    pub fn duplicates(&self) -> u64 {
        self.duplicates.load(Ordering::Relaxed)
    }

    /// Refusals by the status that was answered.
    pub fn refused(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = self.refused.iter().map(|count| count.load(Ordering::Relaxed));
        REFUSALS.iter().map(StatusCode::as_u16).zip(counts)
    }

    pub(super) fn accept(&self, accepted: Accepted) {
        let count = match accepted {
            Accepted::New => &self.accepted,
            Accepted::Duplicate => &self.duplicates,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refuse(&self, status: StatusCode) {
        if let Some(at) = REFUSALS.iter().position(|known| *known == status) {
            self.refused[at].fetch_add(1, Ordering::Relaxed);
        }
    }
}
