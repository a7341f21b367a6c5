//! Names, headers and paths that are up to no good.

use camera_herald::camera::{Camera, Status};

use super::support::{cameras, header, house, show};

const NASTY: &str = "</title><script>alert(1)</script>\"' onmouseover=x &amp; {{ csrf }} \u{202e}\u{0}";

#[tokio::test]
async fn a_name_is_text_wherever_it_stands() {
    let mut camera: Camera = cameras(1).remove(0);
    camera.name = NASTY.to_owned();
    camera.area = Some(NASTY.to_owned());
    let (house, browser) = house(vec![camera]).await;
    show(&house, "cam_0", Status::Offline);
    for path in ["/", "/cameras/cam_0", "/?search=%3Cscript%3E&status=%22%3E%3Cscript%3E", "/?done=%3Cscript%3E"] {
        let html = browser.text(path).await;
        assert_eq!(html.matches("<script").count(), 1, "{path}: only ours");
        assert!(!html.contains("</title><script"), "{path}");
        // Within an attribute a quote would end it.
        assert!(!html.contains("\"' onmouseover"), "{path}");
    }
}

#[tokio::test]
async fn headers_write_nothing_into_a_page() {
    let (_house, browser) = house(cameras(1)).await;
    let plain = browser.text("/").await;
    for (name, value) in [
        ("x-ingress-path", "/x\"><script>alert(1)</script>"),
        ("x-ingress-path", "//evil.example/x"),
        ("x-forwarded-host", "evil.example\"><script>"),
        ("x-forwarded-proto", "javascript"),
        ("x-remote-user-name", "<script>alert(1)</script>"),
        ("accept-language", "de\"><script>;q=1"),
        ("cookie", "ingress_session=planted"),
    ] {
        let html = browser.with("/", &[(name, value)]).await.text().await.unwrap();
        assert_eq!(html.matches("<script").count(), plain.matches("<script").count(), "{name}");
        assert!(!html.contains("evil") && !html.contains("planted"), "{name}: {html}");
        let camera = browser.with("/cameras/cam_0?token=show", &[(name, value)]).await.text().await.unwrap();
        assert_eq!(camera.matches("<script").count(), 1, "{name}");
    }
}

#[tokio::test]
async fn no_path_leads_out_of_the_assets() {
    let (house, browser) = house(cameras(1)).await;
    for path in [
        "/assets/../Cargo.toml",
        "/assets/%2e%2e/Cargo.toml",
        "/assets/..%2f..%2fetc%2fpasswd",
        "/assets/herald.css",
        "/assets/",
        "/assets/%00",
        "/assets//etc/passwd",
        "/cameras/..%2f..%2factions/picture.jpg",
        "/cameras/%3Cscript%3E",
        "/cameras/cam_0/events/..%2f1.jpg",
        "/cameras/cam_0/events/-1.jpg",
        "/cameras/cam_0/events/99999999999999999999.jpg",
    ] {
        let answer = house
            .raw(
                crate::port::support::HERE,
                &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
            )
            .await;
        assert_eq!(crate::port::support::status(&answer), 404, "{path}: {answer}");
        assert!(!answer.contains("root:") && !answer.contains("[package]"), "{path}");
    }
    let script = browser.get("/assets/").await;
    assert_eq!(header(&script, "x-content-type-options"), "nosniff");
}
