//! User name and password: from their own keys, or out of a URL, where they are taken away in any case.

use url::Url;

use super::faults::Findings;
use super::reader::Group;
use crate::credentials::Credentials;

/// What stood before the `@` of a URL.
pub(super) struct UrlLogin {
    username: String,
    password: Option<String>,
}

/// Takes user name and password out of a URL, which goes on without them.
pub(super) fn take(url: &mut Url) -> Option<UrlLogin> {
    let login = UrlLogin { username: percent_decoded(url.username()), password: url.password().map(percent_decoded) };
    let had_one = !login.username.is_empty() || login.password.is_some();
    // Both fail for URLs without a host only, and those hold neither.
    let _cleared = (url.set_username(""), url.set_password(None));
    had_one.then_some(login)
}

/// The credentials of a group with `username` and `password`, completed from those found in the URLs of `inside`.
pub(super) fn credentials(
    group: &Group<'_>,
    inside: Vec<(&'static str, UrlLogin)>,
    findings: &mut Findings<'_>,
) -> Option<Credentials> {
    let mut username = group.text("username", findings);
    let mut password = group.text("password", findings);
    for (key, login) in inside {
        let UrlLogin { username: inner, password: secret } = login;
        if username.is_none() && !inner.is_empty() {
            username = Some(inner.clone());
        }
        let same = username.as_deref().unwrap_or_default() == inner;
        if same && password.is_none() {
            password = secret;
        } else if !same || (secret.is_some() && secret != password) {
            let problem = "the user name and password inside it are not used, because others are set; remove them here";
            group.warning(key, problem, findings);
        }
    }
    let broken = |text: &Option<String>| text.as_ref().is_some_and(|text| text.chars().any(char::is_control));
    if broken(&username) || broken(&password) {
        group.fault("username", "user name and password must not contain control characters", findings);
    }
    match (username, password) {
        (Some(username), password) => Some(Credentials { username, password: password.unwrap_or_default().into() }),
        (None, Some(_)) => {
            group.fault("password", "is set without a user name; set username too", findings);
            None
        }
        (None, None) => None,
    }
}

/// `%40` is `@`. A `%` that starts no escape stands for itself: people type passwords, not URLs.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escape = (first == b'%').then(|| after.get(..2)).flatten();
        let byte = escape.and_then(|hex| std::str::from_utf8(hex).ok()).filter(|hex| !hex.starts_with('+'));
        match byte.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_loses_its_user_and_password() {
        let mut url = Url::parse("rtsp://vi%40home:p%C3%A4ss%25@10.0.0.5:554/h264?x=1").unwrap();
        let login = take(&mut url).unwrap();
        assert_eq!((login.username.as_str(), login.password.as_deref()), ("vi@home", Some("päss%")));
        assert_eq!(url.as_str(), "rtsp://10.0.0.5:554/h264?x=1");
        assert!(take(&mut url).is_none());
    }

    #[test]
    fn a_percent_sign_that_starts_no_escape_stands_for_itself() {
        for (text, decoded) in [("100%", "100%"), ("%zz", "%zz"), ("%+1", "%+1"), ("%4", "%4"), ("%41%", "A%")] {
            assert_eq!(percent_decoded(text), decoded);
        }
    }
}
