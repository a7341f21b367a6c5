//! Who may ask: WS-Security's token and HTTP Digest, checked as the specifications say.

use axum::http::HeaderMap;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_auth::{PasswordClient, PasswordParams};
use jiff::{SignedDuration, Timestamp};
use roxmltree::Node;
use sha1::{Digest, Sha1};

use super::Inside;

/// Without a nonce of the client, so that there is one right answer.
pub(super) const CHALLENGE: &str = "Digest realm=\"camera\", nonce=\"f00d\"";
/// Cameras take a login for so long.
const FRESH: SignedDuration = SignedDuration::from_secs(60);

/// A user of the camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Why a request is not answered.
pub(super) enum Stranger {
    /// HTTP 401 with a challenge.
    Challenged,
    /// A SOAP fault.
    Refused,
}

/// Looks at a request's logins.
pub(super) fn check(
    inside: &mut Inside,
    headers: &HeaderMap,
    root: Node<'_, '_>,
    body: &[u8],
    path: &str,
) -> Result<(), Stranger> {
    let Some(login) = inside.login.clone() else { return Ok(()) };
    if inside.quirks.http_digest {
        let shown = headers.get("authorization").and_then(|value| value.to_str().ok());
        let right = PasswordClient::try_from(CHALLENGE).and_then(|mut client| {
            let Login { username, password } = &login;
            client.respond(&PasswordParams { username, password, uri: path, method: "POST", body: Some(body) })
        });
        if shown.is_none() || shown != right.ok().as_deref() {
            return Err(Stranger::Challenged);
        }
        return Ok(());
    }
    let now = inside.now();
    let told = |name: &str| root.descendants().find(|node| node.tag_name().name() == name);
    let text = |name: &str| told(name).and_then(|node| node.text()).unwrap_or_default().trim().to_owned();
    let kind = told("Password").and_then(|node| node.attribute("Type")).unwrap_or_default().to_owned();
    let in_clear = kind.ends_with("#PasswordText");
    inside.seen.in_clear += usize::from(in_clear);
    let password = if in_clear == inside.quirks.text_password {
        if in_clear { login.password } else { digest(&text("Nonce"), &text("Created"), &login.password) }
    } else {
        return Err(Stranger::Refused);
    };
    let created = text("Created");
    // `+00:00` is UTC, and yet not what cameras read.
    let fresh = created.ends_with('Z')
        && created.parse::<Timestamp>().is_ok_and(|created| created.duration_since(now).abs() <= FRESH);
    let known = text("Username") == login.username && text("Password") == password && fresh;
    if known { Ok(()) } else { Err(Stranger::Refused) }
}

fn digest(nonce: &str, created: &str, password: &str) -> String {
    let nonce = BASE64_STANDARD.decode(nonce).unwrap_or_default();
    let whole = [nonce.as_slice(), created.as_bytes(), password.as_bytes()].concat();
    BASE64_STANDARD.encode(Sha1::digest(whole))
}
