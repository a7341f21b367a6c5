//! What is where, in which language, and with which headers.

use camera_herald::camera::Status;

use super::support::{cameras, header, house, show};

#[tokio::test]
async fn a_page_is_html_without_a_charset_and_nothing_of_it_comes_from_elsewhere() {
    let (_house, browser) = house(cameras(1)).await;
    for path in ["/", "/cameras/cam_0", "/actions/token", "/nowhere", "/cameras/long_gone", "/a/b/c/d"] {
        let page = browser.get(path).await;
        assert_eq!(header(&page, "content-type"), "text/html", "{path}: the ingress takes parameters away");
        let policy = header(&page, "content-security-policy").to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'self'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(header(&page, "x-content-type-options"), "nosniff");
        assert_eq!(header(&page, "cache-control"), "no-store", "{path} holds a secret of ours");
        let html = page.text().await.unwrap();
        assert!(html.contains("<meta charset=\"utf-8\">"), "{path}");
        for inline in [" style=", " onclick=", "<style", "javascript:", "http://", "https://"] {
            let found = html.contains(inline) && !(inline == "http://" && path == "/cameras/cam_0");
            assert!(!found, "{path} holds {inline}");
        }
    }
}

#[tokio::test]
async fn every_address_in_a_page_is_relative_and_leads_somewhere() {
    let (_house, browser) = house(cameras(1)).await;
    for (path, up) in [("/", ""), ("/cameras/cam_0", "../"), ("/a/b/c", "../../")] {
        let html = browser.text(path).await;
        let addresses: Vec<_> = html
            .split(['<', '>'])
            .flat_map(|tag| tag.split_whitespace())
            .filter_map(|word| word.strip_prefix("href=\"").or(word.strip_prefix("src=\"")))
            .filter_map(|rest| rest.split('"').next())
            .filter(|address| !address.starts_with('#'))
            .collect();
        assert!(addresses.len() >= 4, "{path}: {addresses:?}");
        for address in addresses {
            assert!(!address.starts_with('/') && !address.contains("//"), "{path}: {address}");
            if let Some(asset) = address.strip_prefix(up).filter(|rest| rest.starts_with("assets/")) {
                let answer = browser.get(&format!("/{asset}")).await;
                assert_eq!(answer.status(), 200, "{asset}");
                assert!(header(&answer, "cache-control").contains("immutable"), "{asset}");
            }
        }
    }
}

#[tokio::test]
async fn the_language_is_the_browsers() {
    let (house, browser) = house(cameras(2)).await;
    show(&house, "cam_0", Status::Offline);
    for (wish, lang, words) in [
        ("de-DE,de;q=0.9,en;q=0.8", "de", "An ihrer Adresse antwortet niemand"),
        ("fr", "en", "Nothing listens at its address"),
    ] {
        let page = browser.with("/", &[("accept-language", wish)]).await;
        assert_eq!(header(&page, "vary"), "Accept-Language");
        let html = page.text().await.unwrap();
        assert!(html.contains(&format!("<html lang=\"{lang}\"")), "{wish}");
        assert!(html.contains(words), "{wish}: {html}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_words() {
    let (_house, browser) = house(cameras(1)).await;
    for (path, words) in [
        ("/cameras/long_gone", "not there any more"),
        ("/cameras/long_gone/picture.jpg", "not there any more"),
        ("/cameras/cam_0/events/1.jpg", "Nothing is here"),
        ("/cameras/cam_0/events/x.jpg", "Nothing is here"),
        ("/nowhere", "Nothing is here"),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status(), 404, "{path}");
        assert!(page.text().await.unwrap().contains(words), "{path}");
    }
    let wrong_method = browser.get("/actions/announce").await;
    assert_eq!(wrong_method.status(), 404, "a button is no page");
}

#[tokio::test]
async fn the_wall_says_what_needs_somebody_and_filters_without_the_script() {
    let (house, browser) = house(cameras(14)).await;
    for i in 0..14 {
        show(&house, &format!("cam_{i}"), if i == 7 { Status::Offline } else { Status::Online });
    }
    let html = browser.text("/?status=offline").await;
    assert_eq!(html.matches("data-slot").count(), 3 + 14);
    assert_eq!(html.matches("\" hidden><article").count() + html.matches(" hidden>\n<article").count(), 13, "{html}");
    assert!(html.contains("name=\"status\" value=\"offline\""), "a chip for each status that there is");
    assert!(!html.contains("value=\"frozen\""));
    let nothing = browser.text("/?search=nobody").await;
    assert!(nothing.contains("id=\"nothing\">"), "said in words");
}

#[tokio::test]
async fn three_hundred_cameras_are_one_page() {
    let (house, browser) = house(cameras(300)).await;
    for i in 0..300 {
        show(&house, &format!("cam_{i}"), Status::Online);
    }
    let began = std::time::Instant::now();
    let html = browser.text("/").await;
    println!("300 cameras: {} kB, {} ms in this build", html.len() / 1_000, began.elapsed().as_millis());
    assert_eq!(html.matches("<article").count(), 300);
    assert!(html.len() < 700_000, "{} bytes", html.len());
}

#[tokio::test]
async fn a_broker_that_needs_somebody_is_the_headline_with_the_next_step() {
    use camera_herald::broker::{BrokerKind, Cause, LinkState};
    use camera_herald::chain::{Chain, Kind};
    let (house, browser) = house(cameras(1)).await;
    let cause = Cause::broker(BrokerKind::Auth, "the broker refused <b>the user</b>");
    house.link.send_replace(LinkState::Down { cause, since: jiff::Timestamp::now() });
    let mut chain = house.feeds.chain.clone();
    let refused = |chain: &Chain| chain.0.iter().any(|link| link.kind == Some(Kind::Broker(BrokerKind::Auth)));
    tokio::time::timeout(crate::support::herald::PATIENCE, chain.wait_for(refused)).await.unwrap().unwrap();
    let html = browser.text("/").await;
    assert!(html.contains(">The broker needs you</h1>"), "{html}");
    assert!(html.contains("Next step</span> With a broker in the options: correct both."), "{html}");
    assert!(html.contains("&#60;b&#62;the user"), "the exact message is there, as text: {html}");
}
