//! Why a message is not let through: one sentence each, which says what to do.

/// Why a message is not an event. Nothing of the message is repeated: it may hold secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// Broken JSON, at this place.
    #[error("the JSON is broken at line {line}, column {column}; send one JSON object in UTF-8")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1; 0 when the text ends too early.
        column: usize,
    },
    /// JSON, but a list or a single value.
    #[error("the JSON is not an object; put the fields between {{ and }}")]
    NotAnObject,
    /// Lists or objects in one another beyond the bound.
    #[error("the JSON is nested too deeply; at most {} levels are taken", super::fields::MAX_DEPTH)]
    TooDeep,
    /// More values than an event can have.
    #[error("the JSON holds too many values; at most {} are taken", super::fields::MAX_VALUES)]
    TooManyValues,
    /// The JSON without its picture is over the limit.
    #[error("the JSON is over 1 MiB; leave something out (a picture in it does not count, and may have 8 MiB)")]
    JsonTooLarge,
    /// The whole body is over the limit.
    #[error("the body is over 12 MiB; send a smaller picture")]
    BodyTooLarge,
    /// The picture's file is over the limit.
    #[error("the picture is over 8 MiB; send a smaller one")]
    PictureTooLarge,
    /// Its header promises more than a picture of a camera has.
    #[error("the picture has too many pixels; at most 8192 on a side and 40 million in all are taken")]
    TooManyPixels,
    /// The picture is something else, or broken.
    #[error("the picture is not a JPEG; send a JPEG, or leave the picture out")]
    NotAJpeg,
    /// The picture's text is not base64.
    #[error("the picture in the JSON is not base64 text; encode the JPEG as base64, or leave the picture out")]
    NotBase64,
    /// The multipart body does not keep to its boundary.
    #[error("the multipart body is broken or cut off; let the HTTP client build it (curl: -F)")]
    BrokenMultipart,
    /// The multipart content type names no boundary.
    #[error("the content type has no boundary; let the HTTP client set it (curl: -F, without -H Content-Type)")]
    NoBoundary,
    /// The multipart body has no JSON.
    #[error("no part of the body holds JSON; add one (curl: -F 'event={{...}};type=application/json')")]
    NoJsonPart,
    /// The id cannot be one.
    #[error("event_id must be text of 1 to 128 characters without control characters; leave it out to get one")]
    EventId,
    /// The time cannot be read.
    #[error(
        "timestamp must be RFC 3339 text such as 2026-05-04T18:30:00+02:00; leave it out to take the time of arrival"
    )]
    Timestamp,
    /// The time can be read, but makes no sense.
    #[error("timestamp is before 2000, after 2099 or more than a day ahead; set the sender's clock, or leave it out")]
    Clock,
    /// Not text.
    #[error("smart_detection_type must be text, such as person")]
    Type,
    /// Not text.
    #[error("description must be text")]
    Description,
    /// Not a yes or no.
    #[error("is_doorbell_ring must be true or false")]
    Ring,
}
