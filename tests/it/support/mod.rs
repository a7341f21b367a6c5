//! What several flows need: real parts that are private to a test, fakes on real sockets, and eyes to watch them with.

pub(crate) mod camera;
pub(crate) mod expected;
pub(crate) mod herald;
pub(crate) mod link;
pub(crate) mod mosquitto;
pub(crate) mod proxy;
pub(crate) mod quirky;
pub(crate) mod supervisor;
pub(crate) mod watcher;

/// Publishes one message as a guest, retained unless it is empty or a command, and waits for the acknowledgement.
pub(crate) async fn publish(broker: std::net::SocketAddr, topic: &str, payload: &str) {
    publish_as(broker, None, topic, payload).await;
}

/// The same, with a login.
pub(crate) async fn publish_as(
    broker: std::net::SocketAddr,
    login: Option<watcher::Login>,
    topic: &str,
    payload: &str,
) {
    use rumqttc::{AsyncClient, Event, Packet, QoS};
    let (client, mut event_loop) = AsyncClient::new(watcher::options(broker, login), 4);
    let retain = payload.is_empty() || payload == "theirs";
    client.publish(topic, QoS::AtLeastOnce, retain, payload).await.expect("the queue has room");
    while !matches!(event_loop.poll().await.expect("the broker is up"), Event::Incoming(Packet::PubAck(_))) {}
}

/// Publishes one message that the broker does not keep.
pub(crate) async fn publish_command(broker: std::net::SocketAddr, topic: &str, payload: &str) {
    publish_as(broker, None, topic, payload).await;
}
