//! Who may send: the token as Bearer, as Basic password, in a header of its own, or in the URL.

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;

use super::{EventToken, query, trigger};

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token was given.
    Missing,
    /// Another one, or in a form that nobody understands.
    Wrong,
}

/// Lets those in who know the token. A header decides alone: a right query does not mend a wrong header, or a
/// forgotten URL would hide that the header is wrong.
pub(super) fn check(token: &EventToken, request: &Parts) -> Result<(), Refusal> {
    let mut headers = request.headers.get_all(AUTHORIZATION).iter();
    let right = match (headers.next(), headers.next()) {
        (Some(header), None) => header.to_str().is_ok_and(|header| is_header(token, header)),
        (Some(_), Some(_)) => false,
        (None, _) => {
            let query = request.uri.query().unwrap_or_default();
            let in_query = query::pairs(query).filter(|(name, _)| name == "token").map(|(_, text)| text);
            let mut given = own_headers(request).chain(in_query).peekable();
            if given.peek().is_none() {
                return Err(Refusal::Missing);
            }
            given.all(|text| token.is(&text))
        }
    };
    if right { Ok(()) } else { Err(Refusal::Wrong) }
}

/// What stands in headers that are made for a token, such as `X-Token` and `X-Api-Key`.
fn own_headers(request: &Parts) -> impl Iterator<Item = String> {
    let named = request.headers.iter().filter(|(name, _)| {
        let name = name.as_str();
        name.starts_with("x-") && (name.ends_with("token") || name.ends_with("key"))
    });
    named.filter_map(|(_, value)| value.to_str().ok()).map(|text| text.trim().to_owned())
}

/// Lets those in whose body says the token, as some senders put everything there that stood in the address.
pub(super) fn check_body(token: &EventToken, content_type: &str, body: &Bytes) -> Result<(), Refusal> {
    match trigger::token(content_type, body) {
        Some(text) if token.is(&text) => Ok(()),
        Some(_) => Err(Refusal::Wrong),
        None => Err(Refusal::Missing),
    }
}

/// RFC 9110, section 11.4: the scheme's case does not matter. RFC 7617: the user ends at the first colon.
fn is_header(token: &EventToken, header: &str) -> bool {
    let Some((scheme, rest)) = header.trim().split_once(' ') else { return false };
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return token.is(rest);
    }
    let login = scheme.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(rest).ok()).flatten();
    let login = login.and_then(|bytes| String::from_utf8(bytes).ok());
    login.as_deref().and_then(|login| login.split_once(':')).is_some_and(|(_user, password)| token.is(password))
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn check(headers: &[&str], query: &str) -> Result<(), Refusal> {
        let mut request = Request::builder().uri(format!("/x{query}"));
        for header in headers {
            request = request.header("authorization", *header);
        }
        super::check(&EventToken::new(TOKEN), &request.body(()).unwrap().into_parts().0)
    }

    fn basic(login: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(login))
    }

    #[test]
    fn every_form_lets_in_with_the_token() {
        let bearer = format!("Bearer {TOKEN}");
        let query = format!("?a=b&token={TOKEN}");
        for header in
            [&bearer, &format!("bearer  {TOKEN}"), &basic(&format!("any:{TOKEN}")), &basic(&format!(":{TOKEN}"))]
        {
            assert_eq!(check(&[header], ""), Ok(()), "{header}");
            assert_eq!(check(&[header], "?token=wrong"), Ok(()), "{header}");
        }
        assert_eq!(check(&[], &query), Ok(()));
        assert_eq!(check(&[], "?token=%30123456789abcdef"), Ok(()));
        assert_eq!(check(&[], &format!("?type=person&amp;token={TOKEN}")), Ok(()));
        assert_eq!(check(&[], &format!("?token={TOKEN}?type=person")), Ok(()));
    }

    #[test]
    fn a_header_of_its_own_lets_in_and_one_of_another_program_does_not() {
        let check = |name: &str, text: &str| {
            let request = Request::builder().uri("/x").header(name, text).body(()).unwrap().into_parts().0;
            super::check(&EventToken::new(TOKEN), &request)
        };
        for name in ["X-Token", "x-api-key", "X-Event-Token", "X-Auth-Token"] {
            assert_eq!(check(name, TOKEN), Ok(()), "{name}");
            assert_eq!(check(name, "wrong"), Err(Refusal::Wrong), "{name}");
        }
        assert_eq!(check("X-Forwarded-For", TOKEN), Err(Refusal::Missing));
    }

    #[test]
    fn nothing_else_does() {
        assert_eq!(check(&[], ""), Err(Refusal::Missing));
        assert_eq!(check(&[], "?other=x"), Err(Refusal::Missing));
        let (right, query) = (format!("Bearer {TOKEN}"), format!("?token={TOKEN}"));
        for wrong in [
            "",
            "Bearer",
            "Bearer x",
            TOKEN,
            "Digest x",
            "Basic x",
            &basic(TOKEN),
            &basic(&format!("{TOKEN}:x")),
            "Bearer \u{e4}",
        ] {
            assert_eq!(check(&[wrong], ""), Err(Refusal::Wrong), "{wrong}");
            assert_eq!(check(&[wrong], &query), Err(Refusal::Wrong), "{wrong} is not mended by the query");
            assert_eq!(check(&[wrong, &right], ""), Err(Refusal::Wrong), "{wrong} beside the right one");
        }
        assert_eq!(check(&[], "?token="), Err(Refusal::Wrong));
        assert_eq!(check(&[], &format!("?token=x&token={TOKEN}")), Err(Refusal::Wrong));
    }
}
