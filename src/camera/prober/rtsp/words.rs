//! What is said of a camera whose stream does not open: one sentence for each cause, true of the camera, without secrets.

use super::connection::Silence;
use super::description::Unusable;
use super::login::Locked;
use crate::camera::prober::place::Place;
use crate::camera::report::presentable;
use crate::camera::{Failure, Reason};

/// The answer to a request was silence, or something else than RTSP.
pub(super) fn silence(place: &Place, method: &str, silence: &Silence) -> Failure {
    let (reason, what) = match silence {
        Silence::Late => (
            Reason::Timeout,
            format!("accepts connections but does not answer {method}: check the port, restart the camera"),
        ),
        Silence::Closed(false) => (
            Reason::Protocol,
            format!(
                "closes the connection without an answer to {method}: check the port, and whether it serves no more viewers"
            ),
        ),
        Silence::Closed(true) => {
            (Reason::Protocol, format!("breaks off the connection at {method}: check the port, restart the camera"))
        }
        Silence::TooMuch => (
            Reason::Protocol,
            format!("sends more than 1 MiB before it plays ({method}): check the port, restart the camera"),
        ),
        Silence::Http => (
            Reason::Protocol,
            "speaks HTTP on this port, not RTSP: enter the port of its stream, mostly 554".to_owned(),
        ),
    };
    Failure::new(reason, format!("{place} {what}"))
}

/// The camera says no with a status (RFC 2326, section 11.3).
pub(super) fn status(place: &Place, method: &str, status: u16, sent_login: bool) -> Failure {
    let what = match status {
        403 if sent_login => return place.credentials_refused(),
        403 => "forbids this address without asking for a login (RTSP status 403): check the URL, and who may watch"
            .to_owned(),
        404 => return place.unknown_path(),
        // Cameras use both for "all my slots are taken".
        453 | 503 => format!(
            "is busy (RTSP status {status}): it may serve few viewers at a time; close others or use its sub stream"
        ),
        300..=399 => "sends us to another address, which we do not follow: enter that address as stream".to_owned(),
        _ => format!("answers {method} with RTSP status {status}: check the stream's URL"),
    };
    Failure::new(Reason::Protocol, format!("{place} {what}"))
}

/// The camera asks for a login, and there is no way on.
pub(super) fn locked(place: &Place, locked: Locked) -> Failure {
    let what = match locked {
        Locked::Missing => return place.credentials_missing(),
        Locked::Refused => return place.credentials_refused(),
        Locked::Unanswered(unanswered) => return unanswered.failure(place),
        Locked::AsksAgain => "accepts the login and then asks for it again and again: restart the camera",
        Locked::Elsewhere => {
            "sends us to another port that asks for the password in the clear (Basic), so it was not sent: enter that address as stream"
        }
    };
    Failure::new(Reason::Protocol, format!("{place} {what}"))
}

/// The camera describes its stream, and there is nothing in it for us.
pub(super) fn unusable(place: &Place, unusable: &Unusable) -> Failure {
    let what = match unusable {
        Unusable::Empty => {
            "answers DESCRIBE without a description of its stream: check the URL, restart the camera".to_owned()
        }
        Unusable::Unreadable(line, first) => format!(
            "describes its stream in a way that is not understood (line {line}, which begins with \"{}\"): check the URL",
            first.escape_debug()
        ),
        Unusable::NoVideo => "offers no video: set the camera to H.264, H.265 or MJPEG".to_owned(),
        Unusable::Encoding(name) => {
            format!("offers video as {} only: set the camera to H.264, H.265 or MJPEG", presentable(name, 40))
        }
        Unusable::Encrypted => {
            "encrypts its video inside of the stream (SRTP): switch that off, or enter its address for plain RTSP"
                .to_owned()
        }
    };
    Failure::new(Reason::Protocol, format!("{place} {what}"))
}

/// The camera sends its packets in a way that cannot be received.
pub(super) fn no_way(place: &Place, what: &str) -> Failure {
    Failure::new(Reason::Protocol, format!("{place} {what}: allow RTP over RTSP (TCP) in the camera"))
}

/// This machine has no ports to receive with.
pub(super) fn no_ports(place: &Place, error: &std::io::Error) -> Failure {
    Failure::new(Reason::Protocol, format!("No ports are free here to receive UDP of {place}: {error}"))
}
