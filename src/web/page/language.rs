//! Which language a page speaks, by the browser's `Accept-Language`. Pure.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use super::words::{DE, EN, Words};

/// A language that the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// English, also for everybody else.
    English,
    /// German.
    German,
}

impl Language {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language that a browser likes best among ours.
    #[must_use]
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let wishes = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self::from_wishes(wishes)
    }

    fn from_wishes(wishes: &str) -> Self {
        // The first of equals wins, as RFC 9110 leaves it to us and browsers list them in order.
        let mut best = (Self::English, 0.0);
        for wish in wishes.split(',').take(32) {
            let mut parts = wish.split(';');
            let tag = parts.next().unwrap_or_default().trim();
            let weight = parts.find_map(|part| part.trim().strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
            let (Some(language), Some(weight)) = (Self::from_tag(tag), weight) else { continue };
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    fn from_tag(tag: &str) -> Option<Self> {
        match tag.split('-').next()?.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "de" => Some(Self::German),
            _ => None,
        }
    }

    /// For `<html lang>`.
    #[must_use]
    pub(crate) fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    /// Everything that the page says in this language.
    #[must_use]
    pub(crate) fn words(self) -> &'static Words {
        match self {
            Self::English => &EN,
            Self::German => &DE,
        }
    }

    /// A number with this many digits after the decimal sign.
    #[must_use]
    pub(crate) fn number(self, value: f64, digits: usize) -> String {
        let text = format!("{value:.digits$}");
        match self {
            Self::English => text,
            Self::German => text.replace('.', ","),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browser_s_best_wish_that_we_can_fulfil_wins() {
        for (wishes, expected) in [
            ("", Language::English),
            ("de", Language::German),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en-GB,en;q=0.9,de;q=0.8", Language::English),
            ("fr-FR,fr;q=0.9,de;q=0.5,en;q=0.4", Language::German),
            ("fr, es", Language::English),
            ("en;q=0, de;q=0.1", Language::German),
            ("DE-de;q=1.0", Language::German),
            ("de;q=nonsense", Language::English),
            ("*;q=0.1", Language::English),
            ("\u{1}\u{2},,,;;;q=;", Language::English),
        ] {
            assert_eq!(Language::from_wishes(wishes), expected, "{wishes:?}");
        }
    }

    #[test]
    fn numbers_have_the_language_s_decimal_sign() {
        assert_eq!(Language::English.number(1.25, 1), "1.2");
        assert_eq!(Language::German.number(12.5, 1), "12,5");
        assert_eq!(Language::German.number(25.0, 0), "25");
    }
}
