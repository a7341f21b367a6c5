//! Addresses of cameras as people type them, before anything takes them apart. Pure.

/// Whether a password that was typed as it is has ended the address's authority: what an address parser would call host and port is then
/// the user name and the beginning of the password.
///
/// An `@` after the authority gives it away: there a password ends. Where the authority names an address of numbers, it is a real host, and
/// the `@` belongs to the path.
pub(super) fn holds_a_raw_password(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    // However many slashes there are: `http:host` is `http://host` to the web.
    let rest = rest.trim_start_matches(['/', '\\']);
    // For the schemes of the web a backslash is a slash (WHATWG URL, "special scheme").
    let ends: &[char] =
        if scheme.trim().to_ascii_lowercase().starts_with("http") { &['/', '?', '#', '\\'] } else { &['/', '?', '#'] };
    let Some((authority, after)) = rest.find(ends).map(|end| rest.split_at(end)) else { return false };
    let host = authority.rsplit_once('@').map_or(authority, |(_login, host)| host);
    // A user name alone is no login that somebody types: without a colon, this is a host.
    after.contains('@') && authority.contains(':') && !is_of_numbers(host)
}

/// `10.0.0.5`, `10.0.0.5:554`, `[fd00::5]:554`.
fn is_of_numbers(host: &str) -> bool {
    let address = host
        .rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(address, _)| address);
    match address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => address.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_ends_the_authority_is_noticed() {
        for secret in [
            "2024#cam",
            "1234/5678",
            "99?x",
            "#x",
            "/x",
            "?",
            "1/2@3",
            "p@ss/word",
            "p@1234/x",
            "a/b#c?d",
            "65535/",
            "7#@",
            "ä/ö",
            "pa ss/x",
        ] {
            for scheme in ["rtsp", "rtsps", "http", "https", "RTSP"] {
                for host in ["10.0.0.5", "10.0.0.5:8554", "[fd00::5]:554", "front.local"] {
                    let address = format!("{scheme}://admin:{secret}@{host}/live?channel=1");
                    assert!(holds_a_raw_password(&address), "{address}");
                }
            }
        }
        for address in
            ["http://admin:12\\34@10.0.0.5/snap.jpg", "http:admin:1#2@10.0.0.5/", "http:\\\\admin:1#2@10.0.0.5/"]
        {
            assert!(holds_a_raw_password(address), "{address}");
        }
    }

    #[test]
    fn an_address_that_means_what_it_says_is_none() {
        for address in [
            "rtsp://10.0.0.5/live",
            "rtsp://admin:P@ssword@10.0.0.5/live",
            "rtsp://admin:a\\b@10.0.0.5/live",
            "rtsp://admin:pa:ss@front.local:554/live",
            "rtsp://admin:secret@10.0.0.5:554/user@home/live",
            "rtsp://10.0.0.5:554/user=me@home&password=x",
            "http://[fd00::5]:8080/snap.jpg?user=me@home",
            "http://front.local/snap.jpg?user=me@home",
            "rtsp://viewer@10.0.0.5/a@b",
            "http://front.local:8080/snap.jpg?size=1",
            "rtsp://front.local",
            "",
        ] {
            assert!(!holds_a_raw_password(address), "{address}");
        }
    }
}
