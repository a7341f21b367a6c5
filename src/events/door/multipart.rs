//! `multipart/form-data` in one piece (RFC 7578, RFC 2046 section 5.1), without copies.
//!
//! The body is bounded and at hand as a whole before it comes here, so a stream parser would bring nothing.

use bytes::Bytes;
use memchr::memmem;

use super::Reject;

/// A form has two parts; a camera's may have some more.
const MAX_PARTS: usize = 32;
/// The header lines of one part.
const MAX_HEAD: usize = 8 * 1_024;

/// One part.
#[derive(Debug, PartialEq)]
pub(super) struct Part {
    /// In lower case, without parameters; empty when the part does not say.
    pub(super) content_type: String,
    /// What is in it.
    pub(super) content: Bytes,
}

/// The boundary that a content type names.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1);
    let value =
        parameters.filter_map(|one| one.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("boundary"));
    let value = value?.1.trim();
    let value = value.strip_prefix('"').and_then(|quoted| quoted.strip_suffix('"')).unwrap_or(value);
    // RFC 2046, section 5.1.1.
    (1..=70).contains(&value.len()).then_some(value)
}

/// A content type without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// All parts of the body.
pub(super) fn parts(boundary: &str, body: &Bytes) -> Result<Vec<Part>, Reject> {
    // The line end before a delimiter belongs to it; the first one may stand at the very beginning.
    let delimiter = format!("\r\n--{boundary}");
    let first = &delimiter.as_bytes()[2..];
    let mut at = if body.starts_with(first) {
        first.len()
    } else {
        memmem::find(body, delimiter.as_bytes()).ok_or(Reject::BrokenMultipart)? + delimiter.len()
    };
    let mut parts = Vec::new();
    loop {
        let rest = &body[at..];
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let padding = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if !rest[padding..].starts_with(b"\r\n") || parts.len() == MAX_PARTS {
            return Err(Reject::BrokenMultipart);
        }
        // The line end stays: a part without header lines begins with the empty line.
        let start = at + padding;
        let length = memmem::find(&body[start + 2..], delimiter.as_bytes()).map(|found| found + 2);
        // An empty part: the line end after its head belongs to the next delimiter.
        let end = start + length.ok_or(Reject::BrokenMultipart)?;
        parts.push(part(body.slice(start..end))?);
        at = end + delimiter.len();
    }
}

fn part(bytes: Bytes) -> Result<Part, Reject> {
    let head = memmem::find(&bytes[..bytes.len().min(MAX_HEAD)], b"\r\n\r\n").ok_or(Reject::BrokenMultipart)?;
    let content_type = String::from_utf8_lossy(&bytes[..head])
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("content-type"))
        .map(|(_, value)| essence(value))
        .unwrap_or_default();
    Ok(Part { content_type, content: bytes.slice(head + 4..) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, Reject> {
        let parts = parts("b", &Bytes::copy_from_slice(text.as_bytes()))?;
        let text = |part: Part| (part.content_type, String::from_utf8(part.content.to_vec()).unwrap());
        Ok(parts.into_iter().map(text).collect())
    }

    fn pair(content_type: &str, content: &str) -> (String, String) {
        (content_type.to_owned(), content.to_owned())
    }

    #[test]
    fn parts_are_found_between_their_delimiters() {
        let body = "preamble\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\ncontent-type: Application/JSON; charset=utf-8\
                    \r\n\r\n{}\r\n--b \t\r\n\r\nbare\r\n\r\n--b\r\nA: b\r\n\r\n\r\n--b--\r\nepilogue";
        assert_eq!(read(body), Ok(vec![pair("application/json", "{}"), pair("", "bare\r\n"), pair("", "")]));
        assert_eq!(read("--b--"), Ok(Vec::new()));
    }

    #[test]
    fn a_broken_body_is_refused() {
        for body in [
            "",
            "--b",
            "--b\r\n",
            "--b\r\nA: b",
            "--b\r\nA: b\r\n--b--",
            "--b\r\n\r\ncut off",
            "--bx\r\n\r\n\r\n--b--",
            "--b\n\nx\n--b--",
        ] {
            assert_eq!(read(body), Err(Reject::BrokenMultipart), "{body:?}");
        }
        assert_eq!(read(&format!("{}--b--", "--b\r\n\r\nx\r\n".repeat(33))), Err(Reject::BrokenMultipart));
    }

    #[test]
    fn the_boundary_is_found_in_the_content_type() {
        assert_eq!(boundary("multipart/form-data; boundary=abc"), Some("abc"));
        assert_eq!(boundary("multipart/form-data; charset=x; Boundary=\"a b\" ; x=y"), Some("a b"));
        for none in ["multipart/form-data", "multipart/form-data; boundary=", "x; boundary=\"\""] {
            assert_eq!(boundary(none), None, "{none}");
        }
        assert_eq!(boundary(&format!("x; boundary={}", "b".repeat(71))), None);
    }
}
