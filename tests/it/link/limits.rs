//! Messages that are too large, for us or for the broker.

use camera_herald::broker::{LinkLost, Message};
use camera_herald::demo::broker::{self, Broker};
use camera_herald::options::Protocol;

use crate::support::link::Link;
use crate::support::mosquitto::{Config, Mosquitto};

fn message(bytes: usize) -> Message {
    Message { topic: "t/large".to_owned(), payload: vec![7; bytes].into(), retain: false }
}

#[tokio::test]
async fn large_retained_messages_on_a_subscribed_topic_do_not_end_the_connection() {
    let broker = Broker::start(broker::Config::default()).unwrap();
    broker.publish("in/twenty", vec![b'x'; 20 * 1_024], true);
    broker.publish("in/million", vec![b'x'; 1_000_000], true);
    let link = Link::with(broker.addr());
    link.up().await;
    assert_eq!(link.publish(message(100)).await, Ok(true));
    assert_eq!(link.up().await.epoch, 1);
}

#[tokio::test]
async fn a_limit_that_the_broker_tells_is_kept_before_sending() {
    let broker =
        Mosquitto::start(Config { extra: vec!["max_packet_size 30000".to_owned()], ..Config::default() }).await;
    for protocol in [Protocol::Auto, Protocol::V5] {
        let link = Link::speaking(broker.addr(), protocol);
        assert_eq!(link.up().await.max_packet, 30_000);
        link.publish(message(29_000)).await.unwrap();
        let refused = link.publish(message(31_000)).await;
        assert_eq!((refused, link.lease().unwrap().untaken()), (Ok(false), 1));
        assert_eq!(link.up().await.epoch, 1, "the connection does not pay for it");
        link.stop().await;
    }
}

#[tokio::test]
async fn a_limit_that_the_broker_does_not_tell_is_learned_from_how_it_closes() {
    let broker = Broker::start(broker::Config { max_packet_size: 100_000, ..broker::Config::default() }).unwrap();
    // With 3.1.1 forced there is no look at the limit before.
    for protocol in [Protocol::Auto, Protocol::V311] {
        let link = Link::speaking(broker.addr(), protocol);
        let mut epoch = link.up().await.epoch;
        for _ in 0..2 {
            assert_eq!(link.publish(message(150_000)).await, Err(LinkLost));
            epoch = link.up_after(epoch).await.epoch;
        }
        let refused = link.publish(message(150_000)).await;
        assert_eq!(refused, Ok(false));
        link.publish(message(50_000)).await.unwrap();
        assert_eq!(link.up().await.epoch, epoch);
        // What was learned outlives an outage, in which everything else is looked up again.
        broker.crash().await;
        link.down_because("refused").await;
        broker.open().await.unwrap();
        assert!(link.up_after(epoch).await.max_packet < 150_000);
        link.stop().await;
    }
}
