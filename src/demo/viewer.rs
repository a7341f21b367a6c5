//! What Home Assistant would see: a subscriber that says in lines what the messages mean to it.
//!
//! In: an MQTT connection of its own. Out: lines on the screen, and Home Assistant's birth message once it has taken everything in. Invariant: it knows nothing of the program but what came
//! over the broker.

mod home;

use std::net::SocketAddr;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, SubscribeFilter};
use tokio::time::sleep;

use super::screen::Screen;
use home::Home;

/// The broker says here that the show is over: whatever was said before it has been seen.
pub(crate) const END: &str = "demo/end";

/// Larger than any discovery message.
const MAX_PACKET: usize = 1 << 20;
/// The pause before the broker is tried again. Short: Home Assistant is to be there when the cameras are announced.
const PAUSE: Duration = Duration::from_millis(20);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Requests of our own that wait for the connection: there are two.
const REQUESTS: usize = 4;

/// Watches until [`END`], and says on the topic `birth` that it is there.
pub(crate) async fn watch(broker: SocketAddr, filters: Vec<String>, birth: String, screen: Screen) {
    while session(broker, &filters, &birth, screen).await.is_err() {
        sleep(PAUSE).await;
    }
}

/// One connection. What was seen on another one is not known any more: a broker that lost its store has it no more.
async fn session(
    broker: SocketAddr,
    filters: &[String],
    birth: &str,
    screen: Screen,
) -> Result<(), rumqttc::ConnectionError> {
    let mut options = MqttOptions::new("demoviewer", broker.ip().to_string(), broker.port());
    options.set_max_packet_size(MAX_PACKET, MAX_PACKET).set_keep_alive(KEEP_ALIVE);
    let (client, mut event_loop) = AsyncClient::new(options, REQUESTS);
    let mut home = Home::default();
    let mut born = false;
    loop {
        match event_loop.poll().await? {
            Event::Incoming(Packet::ConnAck(_)) => {
                let filters = filters.iter().map(String::as_str).chain([END]);
                let filters = filters.map(|path| SubscribeFilter::new(path.to_owned(), QoS::AtLeastOnce));
                let _the_queue_is_empty = client.try_subscribe_many(filters);
            }
            Event::Incoming(Packet::Publish(message)) if message.topic == END => return Ok(()),
            Event::Incoming(Packet::Publish(message)) => {
                if let Some(news) = home.hear(&message.topic, &message.payload) {
                    screen.seen(&news.name, &news.event, news.tone, &news.details);
                }
                // Home Assistant says it some seconds after it has taken in what it found.
                if !born && home.is_furnished() {
                    born = client.try_publish(birth, QoS::AtLeastOnce, false, "online").is_ok();
                }
            }
            _ => {}
        }
    }
}
