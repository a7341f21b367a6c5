//! Clients to drive a broker with: one of rumqttc, and one that says exactly what it is told, right or wrong.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{Connect, LastWill, Packet, PubAck};
use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, QoS};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::support::watcher;

pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

/// A well-behaved client. Dropping it cuts its connection.
pub(crate) struct Guest {
    client: AsyncClient,
    news: watch::Receiver<News>,
    _task: JoinSet<()>,
}

#[derive(Default, Clone)]
pub(crate) struct News {
    pub(crate) acks: Vec<u16>,
    pub(crate) ended: bool,
}

impl Guest {
    pub(crate) async fn enter(addr: SocketAddr) -> Guest {
        Guest::try_enter(watcher::options(addr, None)).await.expect("the broker lets the guest in")
    }

    pub(crate) async fn with_will(addr: SocketAddr, will: LastWill) -> Guest {
        let mut options = watcher::options(addr, None);
        options.set_last_will(will);
        Guest::try_enter(options).await.expect("the broker lets the guest in")
    }

    pub(crate) async fn try_enter(options: MqttOptions) -> Result<Guest, ConnectionError> {
        let (client, mut event_loop) = AsyncClient::new(options, 10);
        while !matches!(event_loop.poll().await?, Event::Incoming(Packet::ConnAck(_))) {}
        let (sender, news) = watch::channel(News::default());
        let mut task = JoinSet::new();
        task.spawn(live(event_loop, sender));
        Ok(Guest { client, news, _task: task })
    }

    /// Publishes with QoS 1 and does not wait for the broker.
    pub(crate) async fn send(&self, topic: &str, payload: &str, retain: bool) {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await.expect("the guest is connected");
    }

    /// Publishes with QoS 1 and waits for all acknowledgements.
    pub(crate) async fn publish(&self, topic: &str, payload: &str, retain: bool) {
        let before = self.news.borrow().acks.len();
        self.send(topic, payload, retain).await;
        self.wait(|news| news.acks.len() > before).await;
    }

    pub(crate) async fn wait(&self, wanted: impl Fn(&News) -> bool) -> News {
        let mut news = self.news.clone();
        timeout(PATIENCE, news.wait_for(|news| wanted(news))).await.expect("it comes in time").expect("or ever").clone()
    }

    pub(crate) fn news(&self) -> News {
        self.news.borrow().clone()
    }

    /// Ends with DISCONNECT.
    pub(crate) async fn goodbye(self) {
        self.client.disconnect().await.expect("the guest is connected");
        self.wait(|news| news.ended).await;
    }
}

async fn live(mut event_loop: EventLoop, news: watch::Sender<News>) {
    while let Ok(event) = event_loop.poll().await {
        if let Event::Incoming(Packet::PubAck(PubAck { pkid })) = event {
            news.send_modify(|news| news.acks.push(pkid));
        }
    }
    drop(event_loop);
    news.send_modify(|news| news.ended = true);
}

/// A client that sends what it is told and reads when it is told.
pub(crate) struct Raw {
    stream: TcpStream,
    buffer: BytesMut,
}

impl Raw {
    pub(crate) async fn dial(addr: SocketAddr) -> Raw {
        Raw { stream: TcpStream::connect(addr).await.expect("the broker listens"), buffer: BytesMut::new() }
    }

    /// Connects and reads the CONNACK.
    pub(crate) async fn enter(addr: SocketAddr, connect: Connect) -> Raw {
        let mut raw = Raw::dial(addr).await;
        raw.send(Packet::Connect(connect)).await;
        assert!(matches!(raw.receive().await, Some(Packet::ConnAck(_))));
        raw
    }

    pub(crate) async fn send(&mut self, packet: Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, usize::MAX).expect("a packet of the codec's");
        self.send_bytes(&bytes).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        // A broker may have closed the connection already; what it does next is what counts.
        let _ = self.stream.write_all(bytes).await;
    }

    /// The next packet, or none when the broker has closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Packet> {
        timeout(PATIENCE, self.read()).await.expect("the broker sends or closes in time")
    }

    /// Whether the broker stays silent, but open, for this long.
    pub(crate) async fn hears_nothing_for(&mut self, duration: Duration) -> bool {
        timeout(duration, self.read()).await.is_err()
    }

    async fn read(&mut self) -> Option<Packet> {
        loop {
            if let Ok(packet) = Packet::read(&mut self.buffer, usize::MAX) {
                return Some(packet);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
