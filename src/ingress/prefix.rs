//! Where the page is below Home Assistant's address.

use axum::http::HeaderMap;

/// The longest prefix that is taken, in bytes. Home Assistant's has about 65.
const LONGEST: usize = 256;

/// `X-Ingress-Path` when it is a plain absolute path, such as `/api/hassio_ingress/kPz3V0qL`; else an empty text. Never ends with a
/// slash, and holds nothing that could leave an attribute, a URL's path or a header.
///
/// The Supervisor passes on whatever Home Assistant's user sends, so it is not believed blindly, though only its address reaches us.
#[must_use]
pub fn prefix(headers: &HeaderMap) -> String {
    let mut paths = headers.get_all("x-ingress-path").iter();
    let (Some(path), None) = (paths.next(), paths.next()) else { return String::new() };
    let path = path.to_str().unwrap_or_default().trim_end_matches('/');
    if is_plain(path) { path.to_owned() } else { String::new() }
}

fn is_plain(path: &str) -> bool {
    let is_plain = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~'))
            && part != "."
            && part != ".."
    };
    // Two slashes at the beginning would be another host.
    path.len() <= LONGEST && path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for path in paths {
            headers.append("x-ingress-path", path.parse().unwrap());
        }
        prefix(&headers)
    }

    #[test]
    fn home_assistants_own_path_is_taken() {
        assert_eq!(of(&["/api/hassio_ingress/kPz3-V0_qL"]), "/api/hassio_ingress/kPz3-V0_qL");
        assert_eq!(of(&["/api/hassio_ingress/x/"]), "/api/hassio_ingress/x");
    }

    #[test]
    fn anything_that_is_no_plain_path_is_none() {
        let long = format!("/{}", "x".repeat(300));
        for path in [
            "",
            "/",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a\"><script>",
            "/a'b",
            "/a b",
            "/../x",
            "/a/./b",
            "/a%2f",
            "/a?b",
            "/a#b",
            "/a//b",
            &long,
        ] {
            assert_eq!(of(&[path]), "", "{path}");
        }
        assert_eq!(of(&["/a", "/b"]), "", "two of them");
        assert_eq!(of(&[]), "");
    }
}
