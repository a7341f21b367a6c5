//! The query of an address as people write it into a camera.

use url::form_urlencoded;

/// Names and values, decoded. `&amp;` stands for `&`, as in a page that the address was copied from, and a second `?` for it as well, because
/// the camera put one in itself.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let query = query.replace("&amp;", "&");
    let pieces: Vec<String> = query.split('&').flat_map(pieces).map(str::to_owned).collect();
    pieces.into_iter().flat_map(|piece| form_urlencoded::parse(piece.as_bytes()).into_owned().collect::<Vec<_>>())
}

/// A pair, or several that are joined by a `?` before a name.
fn pieces(pair: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = pair;
    while let Some(at) = rest.rfind('?') {
        let begins_a_pair = rest[at + 1..]
            .split_once('=')
            .is_some_and(|(name, _)| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'));
        if !begins_a_pair {
            break;
        }
        pieces.push(&rest[at + 1..]);
        rest = &rest[..at];
    }
    pieces.push(rest);
    pieces.reverse();
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_meant() {
        let read = |query: &str| pairs(query).map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        for (query, expected) in [
            ("a=1&b=2", vec!["a=1", "b=2"]),
            ("a=1&amp;b=2", vec!["a=1", "b=2"]),
            ("a=1?b=2", vec!["a=1", "b=2"]),
            ("?a=1", vec!["a=1"]),
            ("a=who?&b=x?y", vec!["a=who?", "b=x?y"]),
            ("a=at%20the+door%3F", vec!["a=at the door?"]),
            ("a", vec!["a="]),
            ("", vec![]),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
    }
}
