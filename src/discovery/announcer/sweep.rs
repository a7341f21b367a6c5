//! Leftovers: retained topics of ours that nobody wants any more.

use std::collections::BTreeSet;

use super::run::Delivery;
use crate::broker::PublishError;

impl Delivery {
    /// Clears what the ledger knows and the plan does not: removed and renamed cameras, an earlier base or prefix.
    ///
    /// # Errors
    /// [`PublishError::LinkDown`] when the link went down in between.
    pub async fn clear_known_leftovers(&mut self, desired: &BTreeSet<String>) -> Result<(), PublishError> {
        let leftovers: Vec<String> = self.ledger.topics().filter(|topic| !desired.contains(*topic)).cloned().collect();
        self.clear_with_a_word(leftovers).await
    }

    async fn clear_with_a_word(&mut self, leftovers: Vec<String>) -> Result<(), PublishError> {
        let devices = leftovers.iter().filter(|topic| self.topics.config_owner(topic).is_some()).count();
        let topics = leftovers.len();
        if topics > 0 {
            self.clear(leftovers).await?;
            tracing::info!(devices, topics, "Took what is no longer wanted out of Home Assistant");
        }
        Ok(())
    }
}

/// Looks through the retained topics of our node and base on the broker and clears what is not desired.
///
/// # Errors
/// [`PublishError::LinkDown`] when the link went down in between.
pub async fn clear_leftovers(delivery: &mut Delivery, desired: &BTreeSet<String>) -> Result<(), PublishError> {
    let mut leftovers = Vec::new();
    for filter in delivery.topics.own_filters() {
        let found = delivery.handle.scan(filter).await?;
        let ours = |topic: &String| delivery.topics.is_own(topic);
        leftovers.extend(found.into_iter().filter(|topic| ours(topic) && !desired.contains(topic)));
    }
    delivery.clear_with_a_word(leftovers).await
}
