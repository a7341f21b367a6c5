//! The addresses that cameras give for their services, streams and pictures. Pure.
//!
//! Behind a router, in a container or after a change of network they name a host that nobody reaches: `0.0.0.0`, an inner address,
//! a wrong port, a port twice. What reached the camera once is right: host and port come from there.

use url::Url;

/// A service's or a subscription's address by way of the host that answered.
pub(super) fn reachable(told: &str, reached: &Url) -> Option<Url> {
    let mut url = reached.clone();
    let (path, query) = path_and_query(told)?;
    url.set_path(path);
    url.set_query(query);
    Some(url)
}

/// A stream's or a picture's address: the host that answered, with the port and scheme that the camera names, since these are other
/// services than the one that was reached. A login inside is dropped: ours is used.
pub(super) fn of_media(told: &str, reached: &Url) -> Option<Url> {
    let told = one_port(told.trim());
    let mut url = Url::parse(&told).ok()?;
    if !matches!(url.scheme(), "rtsp" | "rtsps" | "http" | "https") {
        return None;
    }
    // Both fail for addresses without a host only.
    let _without_login = (url.set_username(""), url.set_password(None));
    url.set_host(reached.host_str()).ok()?;
    Some(url)
}

/// From a whole address, or from a path alone. `urn:uuid:…` has neither.
fn path_and_query(told: &str) -> Option<(&str, Option<&str>)> {
    let told = told.trim();
    let path = match told.split_once("://") {
        Some((scheme, rest)) if scheme.starts_with("http") => rest.find('/').map_or("/", |at| &rest[at..]),
        None if told.starts_with('/') => told,
        _ => return None,
    };
    let path = path.split('#').next().unwrap_or(path);
    Some(path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query))))
}

/// `host:8106:8106` was seen: the port once is enough.
fn one_port(told: &str) -> String {
    let Some((scheme, rest)) = told.split_once("://") else { return told.to_owned() };
    let (place, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (login, place) = place.rsplit_once('@').map_or(("", place), |(login, place)| (login, place));
    let parts: Vec<&str> = place.split(':').collect();
    let place = match parts.as_slice() {
        [host, first, .., last] if first == last && !host.starts_with('[') => format!("{host}:{first}"),
        _ => place.to_owned(),
    };
    let at = if login.is_empty() { "" } else { "@" };
    format!("{scheme}://{login}{at}{place}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reached_the_camera_once_reaches_it_again() {
        let reached = Url::parse("http://10.0.0.5:8000/onvif/device_service").unwrap();
        for told in [
            "http://192.168.1.108/onvif/event_service?sub=1",
            "http://0.0.0.0:80/onvif/event_service?sub=1",
            "http://127.0.0.1:8106:8106/onvif/event_service?sub=1",
            "https://camera.local/onvif/event_service?sub=1#x",
            "/onvif/event_service?sub=1",
        ] {
            let url = reachable(told, &reached).unwrap();
            assert_eq!(url.as_str(), "http://10.0.0.5:8000/onvif/event_service?sub=1", "{told}");
        }
        assert_eq!(reachable("urn:uuid:b5f5", &reached), None);
        assert_eq!(reachable("", &reached), None);
    }

    #[test]
    fn a_stream_keeps_its_own_port_and_loses_its_login() {
        let reached = Url::parse("http://10.0.0.5:8000/onvif/device_service").unwrap();
        for (told, url) in [
            ("rtsp://admin:secret@192.168.1.108:554/live?ch=1", "rtsp://10.0.0.5:554/live?ch=1"),
            ("rtsp://0.0.0.0/live", "rtsp://10.0.0.5/live"),
            ("http://127.0.0.1:8106:8106/snap.jpg", "http://10.0.0.5:8106/snap.jpg"),
        ] {
            assert_eq!(of_media(told, &reached).unwrap().as_str(), url, "{told}");
        }
        assert_eq!(of_media("ftp://10.0.0.5/a", &reached), None);
        assert_eq!(of_media("no address", &reached), None);
    }
}
