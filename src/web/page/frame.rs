//! What every page has in common, and what a request says about itself. Invariant: nothing of a request is repeated
//! but what was recognised, so that no header and no address can write into a page.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use url::form_urlencoded;

use super::assets;
use super::language::Language;
use super::words::{Words, fill};

/// A request, as far as pages care.
#[derive(Debug, Clone)]
pub(super) struct Visit {
    pub(super) language: Language,
    /// From the requested page to the root, by relative steps: the prefix that a proxy took away need not be known.
    pub(super) root: String,
    /// The name under which the browser reached Home Assistant, or us.
    pub(super) host: Option<String>,
    query: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Self {
            language: Language::of(&parts.headers),
            root: "../".repeat(parts.uri.path().bytes().skip(1).filter(|byte| *byte == b'/').count().min(8)),
            host: ["x-forwarded-host", HOST.as_str()]
                .iter()
                .find_map(|name| host_name(parts.headers.get(*name)?.to_str().ok()?)),
            query: form_urlencoded::parse(query.as_bytes()).into_owned().take(16).collect(),
        })
    }
}

impl Visit {
    /// A parameter of the address.
    pub(super) fn asks(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn words(&self) -> &'static Words {
        self.language.words()
    }
}

/// The name without the port, if it can be one.
fn host_name(host: &str) -> Option<String> {
    let first = host.split(',').next()?.trim();
    let name = match first.strip_prefix('[') {
        Some(ip) => format!("[{}]", ip.split(']').next()?.parse::<std::net::Ipv6Addr>().ok()?),
        None => first.split(':').next()?.to_owned(),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'[' | b']' | b':');
    (!name.is_empty() && name.len() <= 253 && name.bytes().all(plain)).then_some(name)
}

/// What the layout shows around each page.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) language: &'static str,
    pub(super) w: &'static Words,
    pub(super) root: String,
    pub(super) build: &'static str,
    pub(super) instance: String,
    pub(super) csrf: String,
    pub(super) css: &'static str,
    pub(super) js: &'static str,
    pub(super) icon: &'static str,
    pub(super) version: String,
    pub(super) notice: Option<&'static str>,
}

impl Frame {
    pub(super) fn new(visit: &Visit, csrf: String, instance: String) -> Self {
        let w = visit.words();
        Self {
            language: visit.language.tag(),
            w,
            root: visit.root.clone(),
            build: assets::build(),
            instance,
            csrf,
            css: assets::path("herald.css"),
            js: assets::path("live.js"),
            icon: assets::path("icon.svg"),
            version: fill(w.version, &[&env!("CARGO_PKG_VERSION")]),
            notice: visit.asks("done").and_then(|done| notice(done, w)),
        }
    }
}

fn notice(done: &str, words: &Words) -> Option<&'static str> {
    Some(match done {
        "probe" => words.done_probe,
        "probe_all" => words.done_probe_all,
        "announce" => words.done_announce,
        "ghosts" => words.done_ghosts,
        "token" => words.done_token,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    async fn visit(path: &str, headers: &[(&str, &str)]) -> Visit {
        let mut request = Request::get(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        let Ok(visit) = Visit::from_request_parts(&mut parts, &()).await;
        visit
    }

    #[tokio::test]
    async fn the_root_is_as_many_steps_up_as_the_page_is_deep() {
        for (path, root) in [("/", ""), ("/cameras/front", "../"), ("/a/b/c?x=/y/z", "../../"), ("/x", "")] {
            assert_eq!(visit(path, &[]).await.root, root, "{path}");
        }
        assert_eq!(visit(&"/x".repeat(100), &[]).await.root.len(), 24, "bounded");
    }

    #[tokio::test]
    async fn only_what_can_be_a_host_is_taken_for_one() {
        for (host, name) in [
            ("homeassistant.local:8123", Some("homeassistant.local")),
            ("10.0.0.2", Some("10.0.0.2")),
            ("[fd00::1]:8123", Some("[fd00::1]")),
            ("a.example, b.example", Some("a.example")),
            ("<script>", None),
            ("", None),
            ("[::1", Some("[::1]")),
            ("[evil]", None),
        ] {
            assert_eq!(visit("/", &[("x-forwarded-host", host)]).await.host.as_deref(), name, "{host}");
        }
        assert_eq!(visit("/", &[("x-forwarded-host", "\"><"), ("host", "pi")]).await.host.as_deref(), Some("pi"));
    }

    #[tokio::test]
    async fn a_notice_is_one_of_ours() {
        let frame = |visit: &Visit| Frame::new(visit, String::new(), String::new()).notice;
        assert!(frame(&visit("/?done=announce", &[]).await).is_some());
        assert_eq!(frame(&visit("/?done=%3Cscript%3E", &[]).await), None);
    }
}
