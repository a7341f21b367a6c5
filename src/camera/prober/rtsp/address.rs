//! Addresses of a camera: of the stream, of its tracks, and where the camera sends us.
//!
//! In: what the options say and what the camera says. Out: what stands in a request. Invariant: pure; nothing that a camera says gets
//! into a request line but printable characters without spaces, and no redirect leads to another host or from TLS to plain.

use std::net::IpAddr;

use url::Url;

/// The address to ask for. UniFi Protect hands out addresses that end with `?enableSrtp`: with it the packets are encrypted, without it
/// they are not; Home Assistant takes it off as well.
pub(super) fn asked(stream: &Url) -> Url {
    let mut url = stream.clone();
    let pairs = || stream.query().unwrap_or_default().split('&');
    if pairs().any(is_srtp_switch) {
        let kept = pairs().filter(|pair| !is_srtp_switch(pair)).collect::<Vec<_>>().join("&");
        url.set_query(Some(kept.as_str()).filter(|query| !query.is_empty()));
    }
    url.set_fragment(None);
    url
}

fn is_srtp_switch(pair: &str) -> bool {
    pair.split('=').next().is_some_and(|name| name.eq_ignore_ascii_case("enableSrtp"))
}

/// What the tracks' addresses begin with: `Content-Base`, `Content-Location` or what was asked for (RFC 2326, appendix C.1.1).
pub(super) fn base(said: Option<&str>, asked: &Url) -> String {
    let Some(said) = said.map(printable).filter(|said| !said.is_empty()) else { return asked.as_str().to_owned() };
    if is_absolute(&said) {
        return said;
    }
    if said.starts_with('/') {
        return asked.join(&said).map_or_else(|_| asked.as_str().to_owned(), String::from);
    }
    // A host without a scheme (Anjvision), or nothing that can be used.
    let whole = format!("{}://{said}", asked.scheme());
    if said.contains('/') && Url::parse(&whole).is_ok() { whole } else { asked.as_str().to_owned() }
}

/// The address of a track: put behind the base as players do, which is not what RFC 3986 says, but what cameras expect.
pub(super) fn track(base: &str, control: Option<&str>) -> String {
    match control.map(printable).filter(|control| !control.is_empty() && control != "*") {
        None => base.to_owned(),
        Some(control) if is_absolute(&control) => control,
        Some(control) => format!("{}/{}", base.trim_end_matches('/'), control.trim_start_matches('/')),
    }
}

fn is_absolute(address: &str) -> bool {
    let scheme = address.split("://").next().unwrap_or_default();
    address.contains("://") && (scheme.eq_ignore_ascii_case("rtsp") || scheme.eq_ignore_ascii_case("rtsps"))
}

fn printable(said: &str) -> String {
    let said = said.trim().trim_matches(['"', '<', '>']);
    said.chars().filter(char::is_ascii_graphic).collect()
}

/// Where a redirect leads, if it stays with the camera. The camera is who answers at `peer`, under whatever name.
pub(super) fn redirected(from: &Url, location: Option<&str>, peer: IpAddr) -> Option<Url> {
    let mut to = from.join(&printable(location?)).ok()?;
    let same_host = to.host() == from.host()
        || to
            .host_str()?
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|address| address == peer.to_canonical());
    let safe = matches!((from.scheme(), to.scheme()), ("rtsps", "rtsps") | ("rtsp", "rtsp" | "rtsps"));
    // A name and a password in it would be somebody else's choice.
    let _no_login = to.set_username("").and_then(|()| to.set_password(None));
    (same_host && safe).then_some(to)
}

/// Whether two addresses are one to trust with a password: scheme, host and port.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    let port = |url: &Url| url.port().unwrap_or(if url.scheme() == "rtsps" { 322 } else { 554 });
    one.scheme() == other.scheme() && one.host() == other.host() && port(one) == port(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn the_switch_that_encrypts_the_packets_is_taken_off() {
        for (stream, expected) in [
            ("rtsps://h:7441/KEY?enableSrtp", "rtsps://h:7441/KEY"),
            ("rtsps://h:7441/KEY?enableSrtp=1&x=2", "rtsps://h:7441/KEY?x=2"),
            ("rtsp://h/a?b=1&ENABLESRTP&c", "rtsp://h/a?b=1&c"),
            ("rtsp://h/a?channel=1&&subtype=0", "rtsp://h/a?channel=1&&subtype=0"),
            ("rtsp://h/a?b=enableSrtp", "rtsp://h/a?b=enableSrtp"),
            ("rtsp://h/a?", "rtsp://h/a?"),
            ("rtsp://h/a", "rtsp://h/a"),
        ] {
            let asked = asked(&url(stream));
            assert_eq!(asked.as_str(), expected, "{stream}");
        }
    }

    #[test]
    fn a_track_stands_behind_its_base() {
        let asked = url("rtsp://10.0.0.5/live?token=1");
        for (said, control, expected) in [
            (None, Some("track1"), "rtsp://10.0.0.5/live?token=1/track1"),
            (None, None, "rtsp://10.0.0.5/live?token=1"),
            (Some(""), Some("*"), "rtsp://10.0.0.5/live?token=1"),
            (Some("rtsp://10.0.0.5/live/"), Some("track1"), "rtsp://10.0.0.5/live/track1"),
            (Some("rtsp://10.0.0.5/live"), Some("/track1"), "rtsp://10.0.0.5/live/track1"),
            (Some("10.0.0.5:554/live/"), Some("trackID=0"), "rtsp://10.0.0.5:554/live/trackID=0"),
            (Some("/live/"), Some("track1"), "rtsp://10.0.0.5/live/track1"),
            (Some("nonsense"), Some("track1"), "rtsp://10.0.0.5/live?token=1/track1"),
            (None, Some("RTSP://10.0.0.5/x/y"), "RTSP://10.0.0.5/x/y"),
            (Some("rtsp://10.0.0.5/a\r\nX: y/"), Some("b c\u{2028}"), "rtsp://10.0.0.5/aX:y/bc"),
        ] {
            assert_eq!(track(&base(said, &asked), control), expected, "{said:?} {control:?}");
        }
    }

    #[test]
    fn a_redirect_is_followed_to_the_same_host_only() {
        let peer = "10.0.0.5".parse().unwrap();
        for (from, location, expected) in [
            ("rtsp://10.0.0.5/a", "rtsp://10.0.0.5:8554/b", Some("rtsp://10.0.0.5:8554/b")),
            ("rtsp://front.local/a", "rtsp://10.0.0.5/b", Some("rtsp://10.0.0.5/b")),
            ("rtsp://10.0.0.5/a", "/b?c", Some("rtsp://10.0.0.5/b?c")),
            ("rtsp://10.0.0.5/a", "rtsps://10.0.0.5/b", Some("rtsps://10.0.0.5/b")),
            ("rtsp://10.0.0.5/a", "rtsp://user:secret@10.0.0.5/b", Some("rtsp://10.0.0.5/b")),
            ("rtsps://10.0.0.5/a", "rtsp://10.0.0.5/b", None),
            ("rtsp://10.0.0.5/a", "rtsp://10.0.0.6/b", None),
            ("rtsp://10.0.0.5/a", "rtsp://supervisor/b", None),
            ("rtsp://10.0.0.5/a", "rtsp://10.0.0.5@10.0.0.6/b", None),
            ("rtsp://10.0.0.5/a", "http://10.0.0.5/b", None),
            ("rtsp://10.0.0.5/a", "file:///etc/passwd", None),
        ] {
            let to = redirected(&url(from), Some(location), peer);
            assert_eq!(to.as_ref().map(Url::as_str), expected, "{from} {location}");
        }
        assert_eq!(redirected(&url("rtsp://10.0.0.5/a"), None, peer), None);
    }
}
