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
    /// With its parameters, as it was sent.
    pub(super) whole_type: String,
    /// As which field of a form it comes, when it is none of a file.
    pub(super) name: Option<String>,
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
    Ok(with_head(&bytes[..head], bytes.slice(head + 4..)))
}

fn with_head(head: &[u8], content: Bytes) -> Part {
    let head = String::from_utf8_lossy(head);
    let value_of = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    };
    let whole_type = value_of("content-type").unwrap_or_default();
    let disposition = value_of("content-disposition").unwrap_or_default();
    let parameter = |wanted: &str| {
        let parameters = disposition.split(';').filter_map(|one| one.split_once('='));
        let mut found = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
        found.next().map(|(_, value)| value.trim().trim_matches('"').to_owned())
    };
    let name = if parameter("filename").is_some() { None } else { parameter("name") };
    Part { content_type: essence(&whole_type), whole_type, name, content }
}

/// The parts of a body that is put together in whatever way: with the boundary that its type names, with or without its dashes, or
/// with the one that it begins with; with line feeds only; broken off. What comes before the first delimiter is passed over.
pub(super) fn loose_parts(content_type: &str, body: &Bytes) -> Vec<Part> {
    let without_dashes = |boundary: &str| boundary.trim_start_matches('-').to_owned();
    let named = boundary(content_type).map(without_dashes);
    let begun = || {
        let line = body.trim_ascii_start().split(|b| *b == b'\n').next()?;
        std::str::from_utf8(line).ok()?.trim().strip_prefix("--").map(without_dashes)
    };
    let delimiters = [named, begun()]
        .into_iter()
        .flatten()
        .map(|boundary| delimiters(&boundary, body))
        .find(|found| !found.is_empty());
    let mut delimiters = delimiters.unwrap_or_default();
    delimiters.push(body.len()..body.len());
    delimiters.windows(2).filter_map(|pair| loose_part(&body.slice(pair[0].end..pair[1].start))).collect()
}

/// Where the boundary stands at the beginning of a line, with two dashes or more before it.
fn delimiters(boundary: &str, body: &Bytes) -> Vec<std::ops::Range<usize>> {
    if boundary.is_empty() {
        return Vec::new();
    }
    let found = memmem::find_iter(body, boundary.as_bytes()).filter_map(|at| {
        let dashes = body[..at].iter().rev().take_while(|b| **b == b'-').count();
        let start = at - dashes;
        let begins_a_line = start == 0 || body[start - 1] == b'\n';
        (dashes >= 2 && begins_a_line).then_some(start..at + boundary.len())
    });
    found.take(MAX_PARTS + 1).collect()
}

/// A piece between two delimiters.
fn loose_part(piece: &Bytes) -> Option<Part> {
    // The rest of the delimiter's own line; `--` there is the end of all parts.
    let line = memmem::find(piece, b"\n")?;
    if piece.starts_with(b"--") {
        return None;
    }
    let piece = piece.slice(line + 1..);
    let start = &piece[..piece.len().min(MAX_HEAD)];
    let (head, content) = if start.starts_with(b"\r\n") {
        (0, 2)
    } else if start.starts_with(b"\n") {
        (0, 1)
    } else {
        let lines = memmem::find(start, b"\r\n\r\n").map(|at| (at, at + 4));
        lines.or_else(|| memmem::find(start, b"\n\n").map(|at| (at, at + 2)))?
    };
    let mut end = piece.len();
    for sign in [b'\n', b'\r'] {
        if end > content && piece[end - 1] == sign {
            end -= 1;
        }
    }
    Some(with_head(&piece[..head], piece.slice(content..end)))
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
