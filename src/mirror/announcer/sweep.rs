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

    pub(super) async fn clear_with_a_word(&mut self, leftovers: Vec<String>) -> Result<(), PublishError> {
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
    let found = retained(delivery).await?;
    delivery.clear_with_a_word(found.into_iter().filter(|topic| !desired.contains(topic)).collect()).await
}

/// Every retained topic of our node and base on the broker.
pub(super) async fn retained(delivery: &Delivery) -> Result<BTreeSet<String>, PublishError> {
    let mut all = BTreeSet::new();
    for filter in delivery.topics.own_filters() {
        // The configs of all programs come by one filter.
        all.extend(delivery.handle.scan(filter).await?.into_iter().filter(|topic| delivery.topics.is_own(topic)));
    }
    // The configs of other programs were among them.
    all.retain(|topic| delivery.topics.is_own(topic));
    Ok(all)
}
