//! Who may press a button: only a page of ours.
//!
//! Through the ingress neither `Origin` nor `Sec-Fetch-Site` can be relied on: Home Assistant sets `Referrer-Policy:
//! no-referrer`, so forms come with `Origin: null`, and browsers send `Sec-Fetch-Site` only over https. So each form carries a
//! secret of this process, which another site cannot read. Where `Sec-Fetch-Site` is sent it is believed, too.

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rand::RngCore;
use subtle::ConstantTimeEq;
use url::form_urlencoded;

/// The secret in the forms.
#[derive(Clone)]
pub(super) struct Guard {
    secret: String,
}

/// Why a form is not obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// From before a restart, or made up.
    Stale,
    /// From another site.
    Foreign,
}

/// A form that was sent: its fields in order.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// Every value of this field.
    pub(super) fn all(self, name: &str) -> Vec<String> {
        self.0.into_iter().filter(|(key, _)| key == name).map(|(_, value)| value).collect()
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    }
}

impl Guard {
    pub(super) fn new() -> Self {
        let mut bytes = [0; 24];
        rand::rng().fill_bytes(&mut bytes);
        Self { secret: BASE64_URL_SAFE_NO_PAD.encode(bytes) }
    }

    /// For the forms of a page.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn check(&self, headers: &HeaderMap, form: &Form) -> Result<(), Refusal> {
        let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
        if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
            return Err(Refusal::Foreign);
        }
        let ours: bool = form.get("csrf").as_bytes().ct_eq(self.secret.as_bytes()).into();
        if ours { Ok(()) } else { Err(Refusal::Stale) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(site: Option<&str>) -> HeaderMap {
        site.map(|site| ("sec-fetch-site".parse().unwrap(), site.parse().unwrap())).into_iter().collect()
    }

    #[test]
    fn only_a_form_of_ours_passes() {
        let guard = Guard::new();
        let ours = Form::parse(format!("csrf={}", guard.secret()).as_bytes());
        for site in [None, Some("same-origin"), Some("none")] {
            assert_eq!(guard.check(&headers(site), &ours), Ok(()), "{site:?}");
        }
        for site in ["cross-site", "same-site", ""] {
            assert_eq!(guard.check(&headers(Some(site)), &ours), Err(Refusal::Foreign), "{site}");
        }
        let before = Guard::new();
        for body in [String::new(), "csrf=".to_owned(), format!("csrf={}", before.secret()), "\u{0}".to_owned()] {
            assert_eq!(guard.check(&headers(None), &Form::parse(body.as_bytes())), Err(Refusal::Stale), "{body}");
        }
    }

    #[test]
    fn a_field_may_have_many_values() {
        let form = Form::parse(b"topic=a%2Fb&csrf=x&topic=c+d&other=e");
        assert_eq!(form.all("topic"), ["a/b", "c d"]);
    }
}
