//! What can go wrong between us and a camera's ONVIF, sorted by what is to be done next. Pure.

use roxmltree::Node;

use super::xml;
use crate::camera::prober::place::Place;
use crate::camera::{Failure, Reason};

/// What is to be done next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nobody answers there, or not yet: try later.
    Unreachable,
    /// The user has to look at the password.
    Refused,
    /// The camera cannot do this.
    NotOffered,
    /// The camera has no place left.
    Busy,
    /// The camera closed the connection without an answer. Some do so with each pull after ten seconds.
    Closed,
    /// The camera does not know what we speak of, or says no.
    Fault,
    /// The answer is no ONVIF, or larger than allowed.
    Broken,
}

/// Why an answer did not come.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    /// For the user.
    pub(crate) failure: Failure,
}

impl Trouble {
    pub(super) fn broken(place: &Place, what: &str) -> Self {
        Self { kind: Kind::Broken, failure: Failure::new(Reason::Protocol, format!("{place} {what}")) }
    }

    pub(super) fn closed(place: &Place) -> Self {
        let detail = format!("{place} closes the connection without an answer: restart the camera if that goes on");
        Self { kind: Kind::Closed, failure: Failure::new(Reason::Protocol, detail) }
    }

    pub(super) fn unreachable(failure: Failure) -> Self {
        Self { kind: Kind::Unreachable, failure }
    }

    pub(super) fn refused(place: &Place, has_login: bool) -> Self {
        let failure = if has_login {
            Failure::new(
                Reason::Auth,
                format!(
                    "{place} refuses the user name or the password for ONVIF: check both; many cameras have users of their own for ONVIF"
                ),
            )
        } else {
            place.credentials_missing()
        };
        Self { kind: Kind::Refused, failure }
    }

    pub(super) fn not_offered(place: &Place, what: &str) -> Self {
        let detail = format!("{place} offers no {what} by ONVIF: switch it on in the camera, or set events to off");
        Self { kind: Kind::NotOffered, failure: Failure::new(Reason::NotFound, detail) }
    }

    /// From a SOAP fault. Its texts are the camera's own, so they are looked at without case and spaces.
    pub(super) fn of_fault(place: &Place, fault: Node<'_, '_>, has_login: bool) -> Self {
        let texts: Vec<String> = fault.descendants().filter_map(xml::text).collect();
        // The names of elements in the detail are codes, too: wsnt:SubscribeCreationFailedFault.
        let names = fault.descendants().map(|node| node.tag_name().name());
        let said: String = texts.iter().map(String::as_str).chain(names).collect::<Vec<_>>().join(" ");
        let flat: String = said.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        let has = |words: &[&str]| words.iter().any(|word| flat.contains(word));
        if has(&["notauthorized", "failedauthentication", "unauthorized", "invalidsecurity", "authorityfailure"]) {
            return Self::refused(place, has_login);
        }
        let own = texts.iter().max_by_key(|text| text.len()).map_or("no reason", String::as_str);
        let own: String = own.chars().take(120).collect();
        if has(&["subscribecreationfailed", "maximum", "toomany", "maxpullpoint", "limitreached", "noresource"]) {
            let detail = format!(
                "{place} has no place left for a listener ({own}): let fewer programs listen to it, or restart the camera"
            );
            return Self { kind: Kind::Busy, failure: Failure::new(Reason::Refused, detail) };
        }
        if has(&["actionnotsupported", "notimplemented", "optionalactionnot", "methodnotfound", "nosuchservice"]) {
            return Self::not_offered(place, "events");
        }
        let detail = format!("{place} answers with an error ({own}): restart the camera if that goes on");
        Self { kind: Kind::Fault, failure: Failure::new(Reason::Protocol, detail) }
    }
}
