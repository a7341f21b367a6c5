//! What cameras, doorbells and recorders send when something happens: nobody can change how they say it, so it is taken as it comes.
//!
//! In: a body of any type, and the address's query. Out: a message whose known fields are right, or that nothing happened. Invariant: never
//! refuses; what is not understood is passed over, and the call itself says that something moved.

mod body;
mod loose;
mod state;
mod words;
mod xml;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::message::Message;

/// What a call of the trigger means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Told {
    /// Something happened.
    Event(Message),
    /// A sign of life, or the end of what was told before: why it is no event.
    Nothing(&'static str),
}

/// Takes what came. `query` is the address's, as it was sent.
#[must_use]
pub(crate) fn told(content_type: &str, body: &Bytes, query: &str, received: Timestamp) -> Told {
    let content = body::read(content_type, body);
    let query = Message::from_query(query).fields;
    let facts = words::facts(content.fields.iter().chain(&query));
    if let Some(nothing) = state::nothing(&facts, &content.text) {
        return Told::Nothing(nothing);
    }
    // The address is what the user wrote for this very camera: it is right where the two contradict one another.
    let kind = words::kind_of_query(&query).or_else(|| words::kind(&facts));
    let mut fields: Map<String, Value> = content.fields.into_iter().chain(query).collect();
    fields.remove("token");
    if let Some(kind) = kind {
        fields.insert("smart_detection_type".to_owned(), kind.into());
    }
    Told::Event(Message { fields: loose::known(fields, received), picture: content.picture })
}

/// The token in a body: some senders put everything there that the user wrote into the address.
pub(super) fn token(content_type: &str, body: &Bytes) -> Option<String> {
    let token = body::read(content_type, body).fields.remove("token")?;
    Some(token.as_str()?.trim().to_owned())
}

#[cfg(test)]
mod tests;
