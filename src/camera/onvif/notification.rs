//! One message of a camera, as plain words: what it is about, what it says, and whether it is news. Pure.

use jiff::Timestamp;
use roxmltree::Node;

use super::clock::lenient;
use super::xml;

/// Items of one message that are looked at.
const MOST_ITEMS: usize = 32;

/// What a camera told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Notification {
    /// `RuleEngine/CellMotionDetector/Motion`, without the prefixes that each maker chooses.
    pub(crate) topic: String,
    pub(crate) operation: Operation,
    /// When, by the camera's clock.
    pub(crate) at: Option<Timestamp>,
    /// What it is about: name and value.
    pub(crate) source: Vec<(String, String)>,
    /// What it says: name and value.
    pub(crate) data: Vec<(String, String)>,
}

/// What became of the thing that a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// It is so: told after each new subscription and on request, and no news.
    Initialized,
    /// It has become so, or it just happened.
    Changed,
    /// There is nothing more to be told about it.
    Deleted,
}

/// Reads the document of one `NotificationMessage`; `None` when it is broken or names no topic.
pub(super) fn read(message: &str) -> Option<Notification> {
    let document = xml::parse(message).ok()?;
    let root = document.root_element();
    let topic = topic(&xml::text_of(root, "Topic")?)?;
    // `wsnt:Message` around `tt:Message`: the inner one has the time.
    let told = xml::all(root, "Message").last();
    let attribute = |name| told.and_then(|told| xml::attribute(told, name));
    let operation = match attribute("PropertyOperation").as_deref() {
        Some("Initialized") => Operation::Initialized,
        Some("Deleted") => Operation::Deleted,
        _ => Operation::Changed,
    };
    let at = attribute("UtcTime").and_then(|time| lenient(&time));
    let items = |name| told.and_then(|told| xml::find(told, name)).map(items).unwrap_or_default();
    Some(Notification { topic, operation, at, source: items("Source"), data: items("Data") })
}

/// A topic without namespaces, and without the empty parts and dots that some cameras leave in it.
fn topic(told: &str) -> Option<String> {
    let parts = told.split('/').map(|part| part.rsplit(':').next().unwrap_or(part).trim_matches(['.', ' ']));
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

fn items(node: Node<'_, '_>) -> Vec<(String, String)> {
    let item = |item| Some((xml::attribute(item, "Name")?, xml::attribute(item, "Value").unwrap_or_default()));
    xml::all(node, "SimpleItem").filter_map(item).take(MOST_ITEMS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_read_without_what_each_maker_adds() {
        for (told, read) in [
            ("tns1:RuleEngine/CellMotionDetector/Motion", Some("RuleEngine/CellMotionDetector/Motion")),
            (" tns1:RuleEngine/CellMotionDetector/Motion//. ", Some("RuleEngine/CellMotionDetector/Motion")),
            ("tns1:VideoAnalytics/tnshik:MotionAlarm/", Some("VideoAnalytics/MotionAlarm")),
            ("ns0:Device/ns0:Trigger", Some("Device/Trigger")),
            ("//.", None),
        ] {
            assert_eq!(topic(told).as_deref(), read, "{told}");
        }
    }

    #[test]
    fn a_message_is_read_by_names_and_not_by_order() {
        let message = "<m><n:NotificationMessage xmlns:n=\"urn:n\"><n:Topic Dialect=\"urn:d\">tns1:VideoSource/MotionAlarm</n:Topic>\
            <n:Message><tt:Message xmlns:tt=\"urn:tt\" UtcTime=\"2026-11-25T20:00:00Z\" PropertyOperation=\"Changed\">\
            <tt:Source><tt:SimpleItem Name=\"VideoSourceToken\" Value=\"000\"/></tt:Source>\
            <tt:Data><tt:SimpleItem Name=\"Level\" Value=\"7\"/><tt:SimpleItem Name=\"State\" Value=\"true\"/></tt:Data>\
            </tt:Message></n:Message></n:NotificationMessage></m>";
        let read = read(message).unwrap();
        assert_eq!((read.topic.as_str(), read.operation), ("VideoSource/MotionAlarm", Operation::Changed));
        assert_eq!(read.at.unwrap().to_string(), "2026-11-25T20:00:00Z");
        assert_eq!(read.source, [("VideoSourceToken".to_owned(), "000".to_owned())]);
        assert_eq!(read.data[1], ("State".to_owned(), "true".to_owned()));
        assert_eq!(super::read("<m>broken"), None);
    }
}
