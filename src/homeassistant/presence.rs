//! Whether Home Assistant is there, as far as it can be heard. Pure.
//!
//! Its birth and its will are not kept by the broker, so before the first sign nothing is known, and after a new connection nothing
//! is known any more: it may have gone while nobody listened.

use jiff::Timestamp;

/// What is known of Home Assistant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Presence {
    /// No sign since the link to the broker is up.
    #[default]
    Unknown,
    /// It is there.
    Here {
        /// Since the first sign.
        since: Timestamp,
        /// The first sign.
        sign: Sign,
    },
    /// It said that it goes, or the broker said so for it.
    Gone {
        /// Since then.
        since: Timestamp,
    },
}

/// What shows that Home Assistant is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Its birth message.
    Birth,
    /// Somebody pressed a button of ours in it.
    Command,
    /// Somebody looked at our page through it.
    Page,
}

impl Presence {
    /// A sign of life, or none any more. Returns whether that is news.
    pub fn hear(&mut self, sign: Option<Sign>, now: Timestamp) -> bool {
        let news = match (*self, sign) {
            (Self::Here { .. }, Some(Sign::Command | Sign::Page)) | (Self::Gone { .. }, None) => return false,
            // Its MQTT integration has gone; a page says nothing about that.
            (Self::Gone { .. }, Some(Sign::Page)) => return false,
            (_, Some(sign)) => Self::Here { since: now, sign },
            (_, None) => Self::Gone { since: now },
        };
        *self = news;
        true
    }

    /// Another connection. Returns whether that is news.
    pub fn forget(&mut self) -> bool {
        std::mem::take(self) != Self::Unknown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_sign_counts_and_a_birth_counts_always() {
        let mut presence = Presence::default();
        assert!(presence.hear(Some(Sign::Command), at(1)));
        assert!(!presence.hear(Some(Sign::Page), at(2)));
        assert_eq!(presence, Presence::Here { since: at(1), sign: Sign::Command });
        assert!(presence.hear(Some(Sign::Birth), at(3)));
        assert_eq!(presence, Presence::Here { since: at(3), sign: Sign::Birth });
    }

    #[test]
    fn who_has_gone_comes_back_by_a_birth_or_a_command_only() {
        let mut presence = Presence::default();
        assert!(presence.hear(None, at(1)));
        assert!(!presence.hear(None, at(2)));
        assert!(!presence.hear(Some(Sign::Page), at(3)));
        assert_eq!(presence, Presence::Gone { since: at(1) });
        assert!(presence.hear(Some(Sign::Command), at(4)));
        assert!(presence.forget());
        assert!(!presence.forget());
    }
}
