//! Who pressed a button or took the diagnostics, for the log: the user whom the Supervisor names.
//!
//! In app mode the Supervisor sets these headers itself and takes away what a browser sent (Supervisor, `api/ingress.py`), and nobody
//! else is let in; outside of it nobody vouches for them. Invariant: what comes out fits into a log line, whatever came in.

use std::fmt;

use axum::http::HeaderMap;

/// More than any name that somebody can read at a glance.
const MOST: usize = 64;

/// Somebody at the page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum User {
    /// Home Assistant's user: what it is called, and the id that stays when the name changes.
    Named { name: String, id: String },
    /// The Supervisor did not say.
    Unnamed,
    /// Outside of app mode: whoever sits at this machine.
    Local,
}

impl User {
    pub(crate) fn of(headers: &HeaderMap, app_mode: bool) -> Self {
        if !app_mode {
            return Self::Local;
        }
        let said = |name: &str| headers.get(name).map(|value| clean(value.as_bytes())).filter(|text| !text.is_empty());
        let name = said("x-remote-user-name").or_else(|| said("x-remote-user-display-name"));
        let id = said("x-remote-user-id");
        match (name, id) {
            (None, None) => Self::Unnamed,
            (name, id) => Self::Named { name: name.unwrap_or_default(), id: id.unwrap_or_default() },
        }
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named { name, id } if name.is_empty() => write!(f, "id {id}"),
            Self::Named { name, id } if id.is_empty() => write!(f, "{name:?}"),
            Self::Named { name, id } => write!(f, "{name:?} (id {id})"),
            Self::Unnamed => f.write_str("not named by Home Assistant"),
            Self::Local => f.write_str("on this machine"),
        }
    }
}

/// Letters of any script, digits, and what stands in names; nothing that ends a line, writes backwards or cannot be seen.
fn clean(raw: &[u8]) -> String {
    let stands_in_names = |c: &char| c.is_alphanumeric() || " .-_@+'’".contains(*c);
    String::from_utf8_lossy(raw).chars().filter(stands_in_names).take(MOST).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn said(headers: &[(&'static str, &[u8])], app_mode: bool) -> String {
        let headers =
            headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_bytes(value).unwrap()));
        User::of(&headers.collect(), app_mode).to_string()
    }

    #[test]
    fn the_user_is_named_as_home_assistant_knows_them() {
        let (name, id, display) = ("x-remote-user-name", "x-remote-user-id", "x-remote-user-display-name");
        let jorg = "Jörg".as_bytes();
        for (headers, expected) in [
            (vec![(name, &b"guest"[..]), (id, b"d4e5f6"), (display, b"Guest")], "\"guest\" (id d4e5f6)"),
            (vec![(display, jorg), (id, b"d4")], "\"Jörg\" (id d4)"),
            (vec![(id, b"d4")], "id d4"),
            (vec![(name, b"guest")], "\"guest\""),
            (vec![(name, b"  ")], "not named by Home Assistant"),
            (vec![], "not named by Home Assistant"),
        ] {
            assert_eq!(said(&headers, true), expected);
        }
        assert_eq!(said(&[(name, b"somebody else")], false), "on this machine", "nobody vouches for it");
    }

    #[test]
    fn no_name_writes_a_line_of_its_own_or_a_long_one() {
        let evil =
            "a\u{202e}b\u{2028}c\u{7f}\u{1b}[31m\"=d".as_bytes().iter().copied().filter(|b| *b >= 32 && *b != 127);
        assert_eq!(said(&[("x-remote-user-name", &evil.collect::<Vec<_>>())], true), "\"abc31md\"");
        assert!(said(&[("x-remote-user-id", &[b'x'; 5_000])], true).len() < 80);
        assert_eq!(said(&[("x-remote-user-name", b"\xff\xfeok")], true), "\"ok\"");
    }
}
