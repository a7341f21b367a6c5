//! How we say who we are: WS-Security in the envelope, and HTTP's own way where the camera asks for it. Pure, but for chance.
//!
//! Invariant: the password goes out in clear only to a camera that has refused its digest, and never to one that asked for
//! HTTP Digest.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_auth::{PasswordClient, PasswordParams};
use rand::Rng;
use secrecy::ExposeSecret;
use sha1::{Digest, Sha1};

use super::xml::escape;
use crate::credentials::Credentials;

const TOKENS: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const SECEXT: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const UTILITY: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// A login, and what this camera wants of it.
pub(super) struct Login {
    credentials: Option<Credentials>,
    /// The camera refused the digest.
    in_clear: bool,
    /// What HTTP asked for last.
    http: Option<PasswordClient>,
}

impl Login {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, in_clear: false, http: None }
    }

    pub(super) fn is_known(&self) -> bool {
        self.credentials.is_some()
    }

    /// The header element, with the camera's own time (`Created`).
    pub(super) fn security(&self, created: &str) -> String {
        let Some(known) = &self.credentials else { return String::new() };
        let nonce: [u8; 16] = rand::rng().random();
        let password = known.password.expose_secret();
        let (kind, password) = if self.in_clear {
            ("PasswordText", escape(password))
        } else {
            ("PasswordDigest", digest(&nonce, created, password))
        };
        let (username, nonce) = (escape(&known.username), BASE64_STANDARD.encode(nonce));
        format!(
            "<w:Security xmlns:w=\"{SECEXT}\" s:mustUnderstand=\"1\"><w:UsernameToken>\
             <w:Username>{username}</w:Username><w:Password Type=\"{TOKENS}#{kind}\">{password}</w:Password>\
             <w:Nonce EncodingType=\"{BASE64}\">{nonce}</w:Nonce>\
             <u:Created xmlns:u=\"{UTILITY}\">{created}</u:Created></w:UsernameToken></w:Security>"
        )
    }

    /// The value of HTTP's `Authorization`, once a challenge was seen.
    pub(super) fn authorization(&mut self, uri: &str, body: &[u8]) -> Option<String> {
        let known = self.credentials.as_ref()?;
        let parameters = PasswordParams {
            username: &known.username,
            password: known.password.expose_secret(),
            uri,
            method: "POST",
            body: Some(body),
        };
        self.http.as_mut()?.respond(&parameters).ok()
    }

    /// Takes a challenge (`WWW-Authenticate`, all of them); `true` when there is an answer to it.
    pub(super) fn challenged(&mut self, challenges: &str) -> bool {
        if self.credentials.is_none() {
            return false;
        }
        // ONVIF's HTTP login is Digest (Core Specification, section 5.9.1): Basic would be the password in clear to whoever asks for it.
        let client = PasswordClient::try_from(challenges).ok();
        self.http = client.filter(|client| matches!(client, PasswordClient::Digest(_)));
        self.http.is_some()
    }

    /// The camera has refused the digest; `true` when there is another way to try.
    pub(super) fn refused(&mut self) -> bool {
        let can = self.credentials.is_some() && !self.in_clear && self.http.is_none();
        self.in_clear |= can;
        can
    }

    /// Both ways were refused: the digest is what the next login begins with.
    pub(super) fn begin_again(&mut self) {
        self.in_clear = false;
        self.http = None;
    }
}

/// WS-Security UsernameToken Profile 1.0: base64 of SHA-1 of nonce, time and password.
fn digest(nonce: &[u8], created: &str, password: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(nonce);
    hash.update(created);
    hash.update(password);
    BASE64_STANDARD.encode(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_one_of_the_programmers_guide() {
        // ONVIF Application Programmer's Guide, section 6.1.1.3.
        let nonce = BASE64_STANDARD.decode("LKqI6G/AikKCQrN0zqZFlg==").unwrap();
        assert_eq!(digest(&nonce, "2010-09-16T07:50:45Z", "userpassword"), "tuOSpGlFlIXsozq4HFNeeGeFLEI=");
    }

    #[test]
    fn a_password_goes_out_in_clear_only_where_its_digest_was_refused() {
        let credentials = Credentials { username: "viewer".to_owned(), password: "s<cret".to_owned().into() };
        let mut login = Login::new(Some(credentials));
        assert!(!login.security("2026-11-25T20:00:00Z").contains("s&lt;cret"));
        assert!(login.refused());
        assert!(login.security("2026-11-25T20:00:00Z").contains("s&lt;cret"));
        assert!(!login.refused(), "there is no third way");
        login.begin_again();
        assert!(!login.challenged("Basic realm=\"camera\""));
        assert!(login.challenged("Digest realm=\"camera\", nonce=\"1\", qop=\"auth\""));
        assert!(!login.refused(), "who asks for a digest does not get the password");
        assert_eq!(Login::new(None).security("now"), "");
    }
}
