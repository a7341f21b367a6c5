//! A history that cannot be read.

use rusqlite::Connection;
use tokio::time::{Instant, sleep};

use crate::support::herald::{Herald, PATIENCE, Setup, push_cameras};
use crate::support::mosquitto::{Config, Mosquitto};

#[tokio::test]
async fn a_history_that_cannot_be_read_is_said_and_the_rest_of_the_page_stays() {
    camera_herald::tls::install_provider();
    let broker = Mosquitto::start(Config::default()).await;
    let herald = Herald::start(Setup::with_broker(broker.addr(), push_cameras(1))).await;
    let port = herald.page();
    herald.announced(1).await;
    let page =
        || async { Some(reqwest::get(format!("http://{port}/cameras/cam_0")).await.ok()?.text().await.unwrap()) };
    let whole = page().await.expect("the page is there");
    assert!(whole.contains("No event has come from this camera."), "{whole}");

    let database = Connection::open(herald.dir().path().join("herald.db")).unwrap();
    database.execute_batch("ALTER TABLE events RENAME TO events_away").unwrap();
    let deadline = Instant::now() + PATIENCE;
    let broken = loop {
        let html = page().await.expect("the page is there");
        if html.contains("The history cannot be read just now") {
            break html;
        }
        assert!(Instant::now() < deadline, "{html}");
        sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(
        broken.contains("What Home Assistant was told")
            && broken.contains("homeassistant/device/camera_herald-cam_0/config")
    );
}
