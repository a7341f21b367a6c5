//! Sessions that the broker closes soon after they began, again and again. Pure.
//!
//! A second copy with our client id looks like that, and so do a network that cuts every connection and a broker that restarts. So nothing
//! is concluded from the closures alone: from the second on a `witness` stands by.

/// Closures since a session lasted from which on it is worth finding out.
const DOUBTFUL: u32 = 2;

/// How often it happened since a session lasted.
#[derive(Debug, Default)]
pub(super) struct EarlyClosures(u32);

impl EarlyClosures {
    /// A session ended. What ended otherwise tells nothing of either.
    pub(super) fn see(&mut self, closed_early: bool, lasted: bool) {
        if lasted {
            self.0 = 0;
        } else if closed_early {
            self.0 = self.0.saturating_add(1);
        }
        if self.0 == DOUBTFUL && closed_early {
            tracing::info!(
                "The broker closes our sessions soon after they begin: its log says why. Perhaps it restarts, the network \
                 cuts connections, or a second copy of Camera Herald uses the same client id"
            );
        }
    }

    /// Somebody may be taking our sessions over.
    pub(super) fn is_doubtful(&self) -> bool {
        self.0 >= DOUBTFUL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closures_in_a_row_are_doubtful_until_a_session_lasts() {
        let mut closures = EarlyClosures::default();
        closures.see(true, false);
        assert!(!closures.is_doubtful(), "once is nothing");
        closures.see(false, false);
        closures.see(true, false);
        assert!(closures.is_doubtful());
        closures.see(false, true);
        assert!(!closures.is_doubtful());
    }
}
