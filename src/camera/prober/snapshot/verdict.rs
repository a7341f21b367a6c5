//! What a camera sent in place of a picture, in words for a user. Pure.

use memchr::memmem;

use super::answer::{Answer, Ending};
use super::body::MOST;
use crate::camera::Reason;

/// As far as a page or a message is read to find out what it is.
const READ: usize = 64 * 1_024;

/// Words by which pages and messages of cameras speak of a login.
const LOGIN: [&str; 11] = [
    "login",
    "log in",
    "logon",
    "sign in",
    "signin",
    "password",
    "unauthorized",
    "not authorized",
    "authenticat",
    "anmelden",
    "passwort",
];

/// How the beginning of a file names its kind: at which byte, which bytes.
const VIDEOS: [(usize, &[u8]); 7] = [
    (4, b"ftyp"),
    (0, b"FLV"),
    (0, b"\x1a\x45\xdf\xa3"),
    (0, b"\0\0\0\x01"),
    (0, b"\0\0\x01"),
    (0, b"#EXTM3U"),
    (8, b"AVI "),
];
const PICTURES: [(usize, &[u8]); 5] = [(0, b"GIF8"), (8, b"WEBP"), (0, b"BM"), (0, b"II*\0"), (4, b"ftypavif")];

/// Why there is no picture, and what to say after the place's name.
pub(super) fn no_picture(answer: &Answer) -> (Reason, &'static str) {
    let bytes = answer.body.carried();
    if answer.has_begun {
        return unfinished(answer.ending);
    }
    match answer.ending {
        Ending::TooMuch => {
            return (Reason::Protocol, "sends more than 8 MiB without a picture: is the URL a snapshot, or a video?");
        }
        Ending::OutOfTime if bytes.is_empty() => return (Reason::Timeout, SILENT),
        _ => {}
    }
    let what = what(bytes, &answer.head.word("content-type"));
    match (what, answer.head.is_http) {
        (What::Unknown | What::Nothing, false) if bytes.is_empty() => (
            Reason::Protocol,
            "closes the connection without an answer: check the port, and whether it is http or https",
        ),
        (What::Unknown, false) if bytes.starts_with(&[0x15, 0x03]) => {
            (Reason::Protocol, "speaks TLS at this port: use https:// in place of http://")
        }
        (What::Unknown, false) => {
            (Reason::Protocol, "does not speak HTTP as expected, or breaks off: check the port and the URL")
        }
        (What::Login, _) => (
            Reason::Protocol,
            "sends what looks like a login page or message in place of a picture: check the snapshot's URL, the user name and the \
             password (some cameras want them in the URL)",
        ),
        (What::Page, _) => (Reason::Protocol, "sends a web page in place of a picture: check the snapshot's URL"),
        (What::Message, _) => (
            Reason::Protocol,
            "sends a message (JSON or XML) in place of a picture: check the snapshot's URL and what the user may do in the camera",
        ),
        (What::Video, _) => (
            Reason::Protocol,
            "sends a video in place of a picture: look up the camera's snapshot URL (an rtsp:// address is a stream)",
        ),
        (What::OtherPicture, _) => (
            Reason::Protocol,
            "sends a picture that is neither JPEG nor PNG: choose JPEG in the camera, or another snapshot URL",
        ),
        (What::Nothing, _) => (
            Reason::Protocol,
            "answers, but with nothing in place of a picture: check the snapshot's URL, restart the camera",
        ),
        (What::Unknown, _) => (Reason::Protocol, NO_IMAGE),
    }
}

/// Also for a picture whose header cannot be read.
pub(super) const NO_IMAGE: &str = "sends something that is no JPEG or PNG image: check the snapshot's URL";
/// Nothing came.
pub(super) const SILENT: &str = "accepts connections but sends no picture in 10 s: check the port, restart the camera";

fn unfinished(ending: Ending) -> (Reason, &'static str) {
    match ending {
        Ending::OutOfTime => (
            Reason::Timeout,
            "has sent a part of a picture in 10 s, but not all of it: check its network, or choose a smaller picture in the camera",
        ),
        Ending::TooMuch => (
            Reason::Protocol,
            "sends a picture of more than 8 MiB: choose a smaller picture in the camera, or its sub stream's",
        ),
        Ending::Said => (
            Reason::Protocol,
            "sends a picture without its end, and says that this is all: restart the camera, update its software",
        ),
        Ending::Closed => (Reason::Protocol, "breaks off in the middle of a picture: check the camera's network"),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Nothing,
    Login,
    Page,
    Message,
    Video,
    OtherPicture,
    Unknown,
}

fn what(bytes: &[u8], content_type: &str) -> What {
    let is_of = |kinds: &[(usize, &[u8])]| {
        kinds.iter().any(|(at, sign)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(sign)))
    };
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(READ)]).to_lowercase();
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let is_page =
        text.starts_with('<') && (text.contains("<html") || text.contains("<!doctype") || text.contains("<head"));
    let is_message = text.starts_with(['{', '[']) || text.starts_with("<?xml") || text.starts_with('<');
    let is_text = is_page || is_message || content_type.starts_with("text/") || content_type.contains("json");
    if text.is_empty() {
        What::Nothing
    } else if is_text && LOGIN.iter().any(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some()) {
        What::Login
    } else if is_page {
        What::Page
    } else if is_message {
        What::Message
    } else if is_of(&PICTURES) {
        What::OtherPicture
    } else if is_of(&VIDEOS)
        || content_type.starts_with("video/")
        || content_type.contains("mpegurl")
        || is_transport(bytes)
    {
        What::Video
    } else {
        What::Unknown
    }
}

/// MPEG-TS: packets of 188 bytes (ISO/IEC 13818-1).
fn is_transport(bytes: &[u8]) -> bool {
    [0, 188, 376].iter().all(|at| bytes.get(*at) == Some(&0x47))
}

const _: () = assert!(MOST == 8 << 20, "the sentences say 8 MiB");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_place_of_a_picture_is_told() {
        let mut transport = vec![0; 400];
        for at in [0, 188, 376] {
            transport[at] = 0x47;
        }
        for (bytes, content_type, expected) in [
            (&b""[..], "image/jpeg", What::Nothing),
            (b" \r\n", "", What::Nothing),
            (b"<html><form><input type=password></form></html>", "text/html", What::Login),
            (b"\xef\xbb\xbf<!DOCTYPE html><title>Sign in</title>", "", What::Login),
            (b"[{\"cmd\":\"Snap\",\"error\":{\"detail\":\"please login first\"}}]", "text/html", What::Login),
            (b"{\"error\":\"Unauthorized\"}", "application/json", What::Login),
            (b"Please log in", "text/plain", What::Login),
            (b"<?xml version=\"1.0\"?><ResponseStatus><statusString>notAuthenticated</statusString></ResponseStatus>", "", What::Login),
            (b"<html><body>404</body></html>", "image/jpeg", What::Page),
            (b"{\"code\": 7}", "", What::Message),
            (b"<ResponseStatus/>", "application/xml", What::Message),
            (b"\0\0\0\x20ftypisom", "", What::Video),
            (b"FLV\x01", "", What::Video),
            (b"\0\0\0\x01\x67", "", What::Video),
            (b"#EXTM3U", "", What::Video),
            (b"anything", "video/mp4", What::Video),
            (&transport, "", What::Video),
            (b"GIF89a", "image/gif", What::OtherPicture),
            (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", What::OtherPicture),
            (b"\x01\x02", "image/jpeg", What::Unknown),
            (b"SSH-2.0-OpenSSH", "", What::Unknown),
        ] {
            assert_eq!(what(bytes, content_type), expected, "{}", String::from_utf8_lossy(bytes));
        }
    }
}
