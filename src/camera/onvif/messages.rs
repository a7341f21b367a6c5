//! Takes the messages of a pull apart while it arrives, so that neither ten thousand of them nor a broken one is a matter of memory.
//!
//! In: bytes. Out: one document for each `NotificationMessage`. Pure. Invariant: at most [`ONE_MESSAGE`] bytes wait for their end.

use memchr::memmem;

/// The largest message. Real ones have a kilobyte.
const ONE_MESSAGE: usize = 256 * 1_024;
/// What an answer without messages, or the part before the first one, may have.
const HEAD: usize = 64 * 1_024;

const NAME: &[u8] = b"NotificationMessage";

/// What has come and was not given away yet.
#[derive(Default)]
pub(super) struct Splitter {
    waiting: Vec<u8>,
    /// The namespaces that were declared before the first message: each message may use them.
    spaces: Option<String>,
}

impl Splitter {
    /// Takes what came.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence that begins with the camera.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        // Chunks are of some kilobytes, so little is kept beyond what a message may have.
        if self.waiting.len() > ONE_MESSAGE + HEAD {
            return Err("sends an event of more than 256 KiB: please report its model");
        }
        self.waiting.extend_from_slice(bytes);
        Ok(())
    }

    /// The next whole message, as a document of its own.
    pub(super) fn next(&mut self) -> Option<String> {
        let (start, _) = tag(&self.waiting, 0, false)?;
        let (_, end) = tag(&self.waiting, start, true)?;
        let spaces = self.spaces.get_or_insert_with(|| namespaces(&String::from_utf8_lossy(&self.waiting[..start])));
        let message = String::from_utf8_lossy(&self.waiting[start..end]);
        let document = format!("<m {spaces}>{message}</m>");
        self.waiting.drain(..end);
        Some(document)
    }

    /// What is left: the whole answer, when there was no message in it.
    pub(super) fn rest(&self) -> String {
        String::from_utf8_lossy(&self.waiting).into_owned()
    }
}

/// Where the first opening or closing tag of a message begins and ends, whatever its prefix.
fn tag(bytes: &[u8], from: usize, closing: bool) -> Option<(usize, usize)> {
    for found in memmem::find_iter(&bytes[from..], NAME) {
        let name = from + found;
        let after = name + NAME.len();
        let start = bytes[..name].iter().rposition(|byte| *byte == b'<')?;
        let prefix = &bytes[start + 1..name];
        let (closes, prefix) = prefix.strip_prefix(b"/").map_or((false, prefix), |rest| (true, rest));
        let is_prefix = prefix.is_empty() || (prefix.ends_with(b":") && !prefix.contains(&b' '));
        let ends = bytes.get(after).is_some_and(|byte| matches!(byte, b'>' | b' ' | b'\r' | b'\n' | b'\t'));
        if is_prefix && ends && closes == closing {
            let end = after + bytes[after..].iter().position(|byte| *byte == b'>')? + 1;
            return Some((start, end));
        }
    }
    None
}

/// Every `xmlns:…="…"` of a text, the last one of a prefix only, as attributes.
fn namespaces(text: &str) -> String {
    let mut spaces: Vec<(&str, &str)> = Vec::new();
    for rest in text.split("xmlns").skip(1).take(200) {
        let Some((prefix, rest)) = rest.split_once('=') else { continue };
        let rest = rest.trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some(uri) = rest[1..].split(quote).next() else { continue };
        let prefix = prefix.trim();
        let is_name = prefix.chars().all(|c| c.is_alphanumeric() || matches!(c, ':' | '_' | '-' | '.'));
        if is_name && !uri.contains(['<', '"', '\'']) {
            spaces.retain(|(known, _)| *known != prefix);
            spaces.push((prefix, uri));
        }
    }
    spaces.iter().map(|(prefix, uri)| format!("xmlns{prefix}=\"{uri}\" ")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::xml;
    use super::*;

    const ANSWER: &str = "<?xml version='1.0'?><s:Envelope xmlns:s='urn:s' xmlns:n=\"urn:n\"><s:Body><PullMessagesResponse \
        xmlns=\"urn:e\"><n:NotificationMessage><a t=\"NotificationMessage\"/></n:NotificationMessage>\
        <n:NotificationMessage ><b/></n:NotificationMessage></PullMessagesResponse></s:Body></s:Envelope>";

    fn messages(answer: &[u8], chunk: usize) -> Vec<String> {
        let mut splitter = Splitter::default();
        let mut messages = Vec::new();
        for bytes in answer.chunks(chunk) {
            splitter.push(bytes).unwrap();
            messages.extend(std::iter::from_fn(|| splitter.next()));
        }
        messages
    }

    #[test]
    fn messages_come_out_whole_however_they_arrive() {
        for chunk in [1, 7, 64, 4_096] {
            let messages = messages(ANSWER.as_bytes(), chunk);
            assert_eq!(messages.len(), 2, "chunks of {chunk}");
            for (message, child) in messages.iter().zip(["a", "b"]) {
                let document = xml::parse(message).unwrap();
                let inside = document.root_element().first_element_child().unwrap();
                assert_eq!(inside.tag_name().namespace(), Some("urn:n"));
                assert!(xml::find(inside, child).is_some());
            }
        }
    }

    #[test]
    fn a_message_without_end_is_refused_before_it_fills_the_memory() {
        let mut splitter = Splitter::default();
        splitter.push(b"<n:NotificationMessage>").unwrap();
        let refused = (0..1_000).find_map(|_| splitter.push(&[b'x'; 4_096]).err());
        assert!(refused.is_some());
        assert!(splitter.waiting.len() < 2 * ONE_MESSAGE);
    }

    #[test]
    fn an_answer_without_messages_is_left_whole() {
        let mut splitter = Splitter::default();
        splitter.push(b"<s:Envelope><PullMessagesResponse/></s:Envelope>").unwrap();
        assert_eq!(splitter.next(), None);
        assert!(splitter.rest().contains("PullMessagesResponse"));
    }
}
