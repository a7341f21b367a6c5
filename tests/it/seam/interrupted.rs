//! `camera-herald announce` that is killed: what it left on the broker is known to the next start.

use std::process::Stdio;

use camera_herald::demo::broker::{self, Broker};
use serde_json::json;
use tokio::time::{Duration, Instant, sleep};

use crate::support::expected::{push_camera_ids, topics};
use crate::support::herald::{Herald, PATIENCE, Setup, command, push_cameras, write_options};

async fn until(broker: &Broker, what: &str, wanted: impl Fn(&[String]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let retained: Vec<String> = broker.retained().into_keys().collect();
        if wanted(&retained) {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {retained:#?}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_a_killed_announce_left_is_cleared_by_the_next_start_although_it_has_another_base() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    // It never hears that its messages have come.
    broker.fault(|faults| faults.delay_acks = Some(Duration::from_secs(60)));
    let dir = std::sync::Arc::new(tempfile::tempdir().unwrap());
    let mut setup = Setup::with_broker(broker.addr(), push_cameras(2));
    write_options(dir.path(), &setup.options);
    let mut announce = command(dir.path(), &setup);
    let mut announce = announce.arg("announce").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(&broker, "never announced", |retained| retained.len() == 3).await;
    announce.kill().await.unwrap();
    broker.heal();

    // Nothing but what was written down leads to the topics of the old base.
    setup.options["topics"] = json!({ "base": "other" });
    let _herald = Herald::start_in(dir, setup).await;
    let expected = topics("other", &push_camera_ids(2));
    until(&broker, "not what is wanted", |retained| retained.iter().eq(&expected)).await;
}
