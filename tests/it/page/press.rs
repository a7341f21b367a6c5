//! Buttons: who may press them, and where they lead.

use super::support::{cameras, header, house};

const BUTTONS: [&str; 5] =
    ["/actions/probe", "/actions/announce", "/actions/ghosts", "/actions/token", "/cameras/cam_0/probe"];

#[tokio::test]
async fn a_button_needs_a_form_of_ours() {
    let (house, browser) = house(cameras(1)).await;
    let token = house.feeds.token.get();
    for path in BUTTONS {
        for body in ["", "csrf=", "csrf=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "{\"csrf\":1}"] {
            let answer = browser.post(path, body.to_owned(), &[]).await;
            assert_eq!(answer.status(), 403, "{path} {body}");
            assert!(answer.text().await.unwrap().contains("too old"), "{path} {body}");
        }
    }
    use secrecy::ExposeSecret;
    assert!(house.feeds.token.get().is(token.secret().expose_secret()), "nothing was done");
}

#[tokio::test]
async fn a_form_of_another_site_is_refused_even_with_the_secret() {
    let (_house, browser) = house(cameras(1)).await;
    let csrf = browser.csrf().await;
    for path in BUTTONS {
        let answer = browser.post(path, format!("csrf={csrf}"), &[("sec-fetch-site", "cross-site")]).await;
        assert_eq!(answer.status(), 403, "{path}");
    }
    // As a form comes through Home Assistant: without a referrer, so without an origin.
    let answer = browser.post("/cameras/cam_0/probe", format!("csrf={csrf}"), &[("origin", "null")]).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(header(&answer, "location"), "../cam_0?done=probe", "relative: the prefix is not ours to know");
}

#[tokio::test]
async fn a_new_token_takes_two_steps_and_a_page_shows_it_only_when_asked() {
    let (house, browser) = house(cameras(1)).await;
    let csrf = browser.csrf().await;
    let secret = |house: &crate::port::support::House| {
        use secrecy::ExposeSecret;
        house.feeds.token.get().secret().expose_secret().to_owned()
    };
    let before = secret(&house);
    assert!(browser.text("/actions/token").await.contains("needs the new token"));
    assert_eq!(secret(&house), before, "a look changes nothing");
    assert_eq!(browser.post("/actions/token", format!("csrf={csrf}"), &[]).await.status(), 303);
    let after = secret(&house);
    assert_ne!(after, before);
    let page = browser.text("/cameras/cam_0").await;
    assert!(!page.contains(&after) && page.contains("••••••••"));
    assert!(browser.text("/cameras/cam_0?token=show").await.contains(&format!("token={after}")));
    assert!(!browser.text("/?token=show").await.contains(&after));
}

#[tokio::test]
async fn a_body_that_is_too_large_and_a_camera_that_is_gone_do_no_harm() {
    let (_house, browser) = house(cameras(1)).await;
    let csrf = browser.csrf().await;
    let gone = browser.post("/cameras/long_gone/probe", format!("csrf={csrf}"), &[]).await;
    assert_eq!(gone.status(), 404);
    assert!(gone.text().await.unwrap().contains("not there any more"));
    let large = browser.post("/actions/announce", format!("csrf={csrf}&x={}", "x".repeat(2 << 20)), &[]).await;
    assert_eq!(large.status(), 413);
}
