//! The live stream: what differs, now and whenever it changes.

use std::time::Duration;

use camera_herald::camera::Status;
use reqwest::Response;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::support::{Browser, cameras, header, house, show};
use crate::support::herald::PATIENCE;

/// A stream that is read message by message.
struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(browser: &Browser, have: &Value) -> Self {
        let accept = [("accept", "application/octet-stream")];
        let response = browser.post("/live", have.to_string(), &accept).await;
        assert_eq!(response.status(), 200);
        let mut stream = Self { response, text: String::new() };
        assert_eq!(stream.next().await.expect("a message").0, "hello");
        stream
    }

    /// The next message: its name and data. `None` at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let found = field("event: ").zip(field("data: "));
                self.text = rest.to_owned();
                match found {
                    Some((event, data)) => return Some((event, serde_json::from_str(&data).unwrap())),
                    None => continue,
                }
            }
            let chunk = timeout(PATIENCE, self.response.chunk()).await.expect("something comes in time");
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    /// The next patch of this part.
    async fn patch(&mut self, id: &str) -> String {
        loop {
            let (event, data) = self.next().await.expect("the stream goes on");
            if event == "patch" && data["id"] == id {
                return data["html"].as_str().unwrap().to_owned();
            }
        }
    }
}

/// What the wall says that it has.
fn have(html: &str) -> Value {
    let slots = html.split("data-slot data-mark=\"").collect::<Vec<_>>();
    let pairs: Vec<_> = slots
        .windows(2)
        .map(|pair| {
            let id = pair[0].rsplit("id=\"").next().unwrap().split('"').next().unwrap();
            (id.to_owned(), pair[1].split('"').next().unwrap().to_owned())
        })
        .collect();
    json!({ "wall": true, "have": pairs })
}

#[tokio::test]
async fn a_change_is_sent_and_what_the_page_has_is_not() {
    let (house, browser) = house(cameras(3)).await;
    for id in ["cam_0", "cam_1", "cam_2"] {
        show(&house, id, Status::Online);
    }
    let mut stream = Stream::open(&browser, &have(&browser.text("/").await)).await;
    let began = std::time::Instant::now();
    show(&house, "cam_1", Status::Offline);
    let mut patched = Vec::new();
    while patched.len() < 2 {
        let (event, data) = stream.next().await.expect("the stream goes on");
        assert_eq!(event, "patch");
        patched.push(data["id"].as_str().unwrap().to_owned());
    }
    println!("the change was there after {} ms", began.elapsed().as_millis());
    assert_eq!(patched, ["card-cam_1", "verdict"], "and nothing else");
}

#[tokio::test]
async fn who_comes_back_is_sent_only_what_changed_meanwhile() {
    let (house, browser) = house(cameras(3)).await;
    for id in ["cam_0", "cam_1", "cam_2"] {
        show(&house, id, Status::Online);
    }
    let before = have(&browser.text("/").await);
    show(&house, "cam_2", Status::Frozen);
    let mut stream = Stream::open(&browser, &before).await;
    let (event, data) = stream.next().await.unwrap();
    assert_eq!((event.as_str(), &data["id"]), ("patch", &json!("card-cam_2")));
    assert!(data["html"].as_str().unwrap().contains("Frozen"));
}

#[tokio::test]
async fn changes_that_come_together_are_sent_together() {
    let (house, browser) = house(cameras(1)).await;
    show(&house, "cam_0", Status::Online);
    let mut stream = Stream::open(&browser, &have(&browser.text("/").await)).await;
    for _ in 0..50 {
        show(&house, "cam_0", Status::Offline);
        show(&house, "cam_0", Status::Frozen);
    }
    let mut patches = 0;
    loop {
        patches += 1;
        if stream.patch("card-cam_0").await.contains("Frozen") {
            break;
        }
    }
    assert!(patches <= 3, "{patches} patches for 100 changes");
}

#[tokio::test]
async fn a_client_that_has_nothing_gets_everything_as_events() {
    let (_house, browser) = house(cameras(2)).await;
    let response = browser.with("/live", &[("accept", "text/event-stream"), ("accept-language", "de")]).await;
    assert_eq!(header(&response, "content-type"), "text/event-stream");
    assert_eq!(header(&response, "x-accel-buffering"), "no");
    let mut stream = Stream { response, text: String::new() };
    let mut ids = Vec::new();
    while let Some((event, data)) = stream.next().await {
        match event.as_str() {
            "patch" => ids.push(data["id"].as_str().unwrap().to_owned()),
            "order" => {
                assert_eq!(data, json!(["card-cam_0", "card-cam_1"]));
                break;
            }
            _ => {}
        }
    }
    assert_eq!(ids, ["card-cam_0", "card-cam_1", "chain", "filters", "verdict"]);
}

#[tokio::test]
async fn a_page_of_one_camera_hears_of_that_camera_only() {
    let (house, browser) = house(cameras(2)).await;
    let mut stream = Stream::open(&browser, &json!({ "have": [["card-cam_0", "-"], ["look-cam_0", "-"]] })).await;
    stream.patch("look-cam_0").await;
    show(&house, "cam_1", Status::Online);
    show(&house, "cam_0", Status::Offline);
    let (event, data) = stream.next().await.unwrap();
    assert_eq!((event.as_str(), &data["id"]), ("patch", &json!("card-cam_0")));
}

#[tokio::test]
async fn a_stream_ends_at_a_stop_and_nonsense_opens_none() {
    let (house, browser) = house(cameras(1)).await;
    for nonsense in ["", "nonsense", "{\"have\":7}"] {
        assert_eq!(browser.post("/live", nonsense.to_owned(), &[]).await.status(), 400, "{nonsense}");
    }
    let mut stream = Stream::open(&browser, &json!({ "have": [] })).await;
    assert!(house.stop().await < Duration::from_secs(5));
    assert_eq!(stream.next().await, None);
}
