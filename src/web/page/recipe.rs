//! The ready-made addresses for whoever sends events. Pure.

use url::form_urlencoded;

use crate::camera::{Camera, CameraKind};

/// What stands for a token that is not shown.
const HIDDEN: &str = "••••••••";

/// How to send events for one camera.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recipe {
    /// For a camera that can call an address.
    pub(super) url: String,
    /// For everything else.
    pub(super) curl: String,
    /// Whether the token is in it.
    pub(super) shown: bool,
    /// What is to be done first, when nobody can reach the door.
    pub(super) closed: Option<&'static str>,
}

/// Where the door is, as the senders see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    pub(super) host: String,
    pub(super) port: u16,
    /// What is to be done first.
    pub(super) closed: Option<&'static str>,
}

impl Recipe {
    pub(super) fn new(camera: &Camera, door: &Door, token: Option<&str>) -> Self {
        let (kind, text) = match camera.kind {
            CameraKind::Camera => ("motion", "Somebody is in the garden"),
            CameraKind::Doorbell => ("ring", "Somebody is at the door"),
        };
        let address = format!("http://{}:{}/api/v1/cameras/{}", door.host, door.port, camera.id);
        let token_text = token.unwrap_or(HIDDEN);
        // The token needs no escaping: it is made of letters, digits, - and _.
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("type", kind).finish();
        let field = match camera.kind {
            CameraKind::Camera => r#""smart_detection_type": "person""#,
            CameraKind::Doorbell => r#""is_doorbell_ring": true"#,
        };
        Self {
            url: format!("{address}/trigger?{query}&token={token_text}"),
            curl: format!(
                "curl {address}/events \\\n  -H 'Authorization: Bearer {token_text}' \\\n  -H 'Content-Type: application/json' \\\n  \
                 -d '{{{field}, \"description\": \"{text}\"}}'"
            ),
            shown: token.is_some(),
            closed: door.closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::inventory;

    fn camera(kind: CameraKind) -> Camera {
        Camera { kind, ..inventory::tests::camera("front") }
    }

    #[test]
    fn each_kind_of_camera_has_its_own_recipe_and_the_token_is_there_only_when_shown() {
        let door = Door { host: "pi.local".to_owned(), port: 8098, closed: None };
        let shown = Recipe::new(&camera(CameraKind::Doorbell), &door, Some("secret-token"));
        assert_eq!(shown.url, "http://pi.local:8098/api/v1/cameras/front/trigger?type=ring&token=secret-token");
        assert!(shown.curl.contains("Bearer secret-token") && shown.curl.contains("is_doorbell_ring"));
        let hidden = Recipe::new(&camera(CameraKind::Camera), &door, None);
        assert!(hidden.url.contains("type=motion&token=••••••••"), "{}", hidden.url);
        assert!(!hidden.shown && hidden.curl.contains("Bearer ••••••••"));
    }
}
