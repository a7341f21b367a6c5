//! Connections that break, again and again.

use std::collections::BTreeSet;
use std::time::Duration;

use camera_herald::broker::{LinkLost, LinkState, Message};
use camera_herald::demo::broker::{self, Broker, Cut};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::herald::PATIENCE;
use crate::support::link::{self, Link, quick, settings};
use crate::support::mosquitto::{Config, Mosquitto, Store};

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test]
async fn a_thousand_reconnects_leave_one_session_no_task_and_no_file_behind() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    let mut epoch = link.up().await.epoch;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let files = open_files();
    for round in 0..1_000 {
        if round % 20 == 0 {
            broker.crash().await;
            broker.open().await.unwrap();
        } else {
            broker.drop_connections();
        }
        let next = link.up_after(epoch).await.epoch;
        assert!(next > epoch);
        epoch = next;
        assert!(broker.connections() <= 3, "the old connection, the new one and its witness at most");
    }
    link.publish(Message::retained("t/a", "still here")).await.unwrap();
    assert!(epoch > 1_000);
    let deadline = Instant::now() + PATIENCE;
    while broker.clients() != ["link"] {
        assert!(Instant::now() < deadline, "one session, and no witness of it for long: {:?}", broker.clients());
        sleep(quick().look).await;
    }
    assert!(tokio::runtime::Handle::current().metrics().num_alive_tasks() <= tasks + 2);
    // Other tests of this process open files, too; a leak would be a thousand.
    assert!(open_files() < files + 200, "{} open files, {files} before", open_files());
}

#[tokio::test]
async fn a_quick_down_and_up_is_another_epoch_for_a_reader_that_looks_late() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    let mut late = link.handle.link();
    let first = link.up().await.epoch;
    assert_eq!(late.borrow_and_update().epoch(), Some(first));
    broker.drop_connections();
    broker.forget();
    link.up_after(first).await;
    assert!(late.has_changed().unwrap());
    assert_ne!(late.borrow_and_update().epoch(), Some(first), "the broker may have lost everything in between");
}

#[tokio::test]
async fn the_session_runs_on_another_thread_and_runtime_and_its_state_crosses() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let settings = settings(&link::options(broker.addr()), quick());
    let (session, handle, _inbound) = link::session(settings, "elsewhere");
    let elsewhere = std::thread::spawn(move || {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(session.run());
    });
    let mut state = handle.link();
    timeout(PATIENCE, state.wait_for(|state| state.epoch().is_some())).await.unwrap().unwrap();
    handle.lease().unwrap().publish(Message::retained("t/a", "from here")).await.unwrap();
    assert_eq!(broker.retained()["t/a"], "from here");
    // A plain thread without any runtime may watch, too.
    let watched = std::thread::spawn(move || state.borrow().epoch()).join().unwrap();
    assert_eq!(watched, Some(1));
    drop(handle);
    tokio::task::spawn_blocking(|| elsewhere.join()).await.unwrap().unwrap();
}

#[tokio::test]
async fn subscriptions_are_back_after_every_reconnect() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    let mut epoch = link.up().await.epoch;
    for round in 0..5 {
        link.publish(Message { topic: "in/fence".into(), payload: "x".into(), retain: false }).await.unwrap();
        let news = format!("in/news/{round}");
        broker.publish(&news, "x", false);
        while !timeout(PATIENCE, link.inbox.next())
            .await
            .expect("it comes in time")
            .iter()
            .any(|incoming| incoming.topic == news)
        {}
        broker.drop_connections();
        epoch = link.up_after(epoch).await.epoch;
    }
}

#[tokio::test]
async fn a_reader_that_does_not_read_does_not_stop_the_session() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    link.up().await;
    for flood in 0..5_000 {
        broker.publish(&format!("in/flood/{flood}"), "x", false);
        broker.publish("in/flood", vec![b'x'; 1_000], false);
    }
    for i in 0..100 {
        broker.publish(&format!("in/more/{i}"), "x", false);
        link.publish(Message::retained(format!("t/{i}"), "x")).await.unwrap();
    }
    assert_eq!(link.up().await.epoch, 1);
}

/// Publishes each topic until it is acknowledged, and says in which epoch that was.
async fn publish_all(link: &Link, count: usize) -> Vec<u64> {
    let mut callers = JoinSet::new();
    for i in 0..count {
        let handle = link.handle.clone();
        callers.spawn(async move {
            let mut state = handle.link();
            loop {
                let epoch = state.wait_for(|state| state.epoch().is_some()).await.unwrap().epoch().unwrap();
                let Some(lease) = handle.lease() else { continue };
                match lease.publish(Message::retained(format!("t/{i}"), format!("{i}"))).await {
                    Ok(_) => return epoch,
                    Err(LinkLost) => tokio::task::yield_now().await,
                }
            }
        });
    }
    let mut epochs = Vec::new();
    while let Some(epoch) = callers.join_next().await {
        epochs.push(epoch.unwrap());
    }
    epochs
}

#[tokio::test]
async fn what_was_acknowledged_is_on_the_broker_through_cuts_in_the_middle() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    link.up().await;
    broker.fault(|faults| faults.cut = Some(Cut { after: 700, repeat: true }));
    let epochs = publish_all(&link, 5_000).await;
    let there: BTreeSet<_> = broker.retained().into_keys().filter(|topic| topic != "t/status").collect();
    assert_eq!(there, (0..5_000).map(|i| format!("t/{i}")).collect());
    assert!(epochs.iter().max().unwrap() > &3, "the connection was cut several times");
}

#[tokio::test]
async fn what_was_acknowledged_in_the_last_epoch_is_on_a_broker_that_was_killed_in_the_middle() {
    let mut broker = Mosquitto::start(Config::default()).await;
    let link = Link::with(broker.addr());
    let first = link.up().await.epoch;
    let (epochs, ()) = tokio::join!(publish_all(&link, 20_000), async {
        tokio::time::sleep(Duration::from_millis(60)).await;
        broker.kill9().await;
        broker.restart(Store::Emptied).await;
    });
    let last = link.up_after(first).await.epoch;
    // Everybody whose message was acknowledged before the kill says it again in the new epoch, as the mirror does.
    let again = publish_all(&link, 20_000).await;
    assert!(again.iter().all(|epoch| *epoch == last));
    drop(epochs);
    let there = Mosquitto::retained(&broker, "t/+").await;
    assert_eq!(there.len(), 20_000 + usize::from(there.contains_key("t/status")));
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_session_acknowledged_and_without_its_will() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    let link = Link::with(broker.addr());
    link.up().await;
    let mut acks = Vec::new();
    for i in 0..300 {
        acks.push(link.send(Message::retained(format!("t/{i}"), "x")).await.unwrap());
    }
    link.stop().await;
    for ack in acks {
        ack.acknowledged().await.unwrap();
    }
    assert_eq!(broker.retained().len(), 300, "all of them, and no will");
}

#[tokio::test]
async fn a_session_that_cannot_connect_ends_as_soon_as_its_last_handle_is_dropped() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.close().await;
    let link = Link::with(broker.addr());
    link.down_because("refused").await;
    assert!(matches!(*link.handle.link().borrow(), LinkState::Down { .. }));
    assert_eq!(link.publish(Message::retained("t/a", "x")).await, Err(LinkLost));
    link.stop().await;
}
