//! Style sheet, script and icon: in the program itself, under names that change with their content.

use std::hash::Hasher;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

/// Its address says its content, so it can be kept for ever.
pub(super) const FOR_EVER: &str = "private, max-age=31536000, immutable";

struct Asset {
    name: &'static str,
    content: &'static [u8],
    /// Without a charset: the ingress takes it away, so nothing may depend on it. Texts are ASCII.
    content_type: &'static str,
    path: String,
}

static ASSETS: LazyLock<[Asset; 3]> = LazyLock::new(|| {
    [
        Asset::new("herald.css", include_bytes!("assets/herald.css"), "text/css"),
        Asset::new("live.js", include_bytes!("assets/live.js"), "text/javascript"),
        Asset::new("icon.svg", include_bytes!("assets/icon.svg"), "image/svg+xml"),
    ]
});

/// Changes when any of them does: an open page then loads itself again.
static BUILD: LazyLock<String> = LazyLock::new(|| {
    let paths: Vec<_> = ASSETS.iter().map(|asset| asset.path.as_str()).collect();
    mark(&format!("{}{}", env!("CARGO_PKG_VERSION"), paths.concat()))
});

impl Asset {
    fn new(name: &'static str, content: &'static [u8], content_type: &'static str) -> Self {
        let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
        let path = format!("assets/{stem}.{}.{ending}", mark_of(content));
        Self { name, content, content_type, path }
    }
}

/// A short mark of a text: equal texts have equal marks.
pub(super) fn mark(text: &str) -> String {
    mark_of(text.as_bytes())
}

fn mark_of(content: &[u8]) -> String {
    // Fixed keys: the mark is the same in each run of the same program.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(content);
    format!("{:016x}", hasher.finish())
}

/// The address of an asset, from the root.
pub(super) fn path(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| asset.path.as_str())
}

/// The mark of all of them.
pub(super) fn build() -> &'static str {
    &BUILD
}

/// `GET /assets/{file}`.
pub(super) async fn get(Path(file): Path<String>) -> Response {
    match ASSETS.iter().find(|asset| asset.path.strip_prefix("assets/") == Some(file.as_str())) {
        Some(asset) => ([(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, FOR_EVER)], asset.content).into_response(),
        None => (StatusCode::NOT_FOUND, [(CONTENT_TYPE, "text/plain")], "no such file\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assets_are_ascii_and_small() {
        for asset in ASSETS.iter() {
            assert!(asset.content.is_ascii(), "{} would need a charset", asset.name);
            assert!(asset.content.len() < 32 * 1_024, "{}: {} bytes", asset.name, asset.content.len());
        }
    }

    #[test]
    fn an_address_says_its_content() {
        assert!(path("live.js").starts_with("assets/live.") && path("live.js").ends_with(".js"));
        assert_eq!(path("unknown.js"), "");
        assert_ne!(mark("a"), mark("b"));
        assert_eq!(mark("a"), mark("a"));
    }
}
