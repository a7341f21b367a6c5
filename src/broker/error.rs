//! What can go wrong for those who publish.

/// Why a message was not acknowledged. The variants are the caller's next move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PublishError {
    /// The link went down before the acknowledgement: say it again in the next epoch.
    #[error("the link to the broker is down")]
    LinkDown,
    /// The message does not fit the broker's packet limit: make it smaller.
    #[error("{topic}: {size} bytes are more than the broker takes ({limit})")]
    TooLarge {
        /// Where it was to go.
        topic: String,
        /// The packet's size in bytes.
        size: usize,
        /// The broker's limit in bytes.
        limit: usize,
    },
    /// The broker's access rules forbid the topic; only MQTT 5 tells.
    #[error("{topic}: the broker refused it ({reason}); allow Camera Herald's user to write there")]
    Refused {
        /// Where it was to go.
        topic: String,
        /// The broker's reason code in words.
        reason: String,
    },
}
