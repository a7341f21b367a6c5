//! Simulated cameras: each answers HTTP with a picture that moves, on a loopback port of its own, as each camera of
//! a home has an address of its own. Invariant: an unplugged camera keeps its port, and refuses every connection.

mod picture;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};

pub(crate) use picture::Scene;

/// The clock in the pictures goes round once in this time.
const TURN_MILLIS: i64 = 60_000;
/// How many connections may wait.
const BACKLOG: u32 = 16;
/// The pause before a port that was ours is asked for again.
const PORT_PAUSE: Duration = Duration::from_millis(200);

/// A running camera. Dropping it ends it.
pub(crate) struct Camera {
    scene: Scene,
    addr: SocketAddr,
    power: watch::Sender<bool>,
    _task: JoinSet<()>,
}

impl Camera {
    /// Starts it, with power.
    pub(crate) fn start(scene: Scene) -> io::Result<Self> {
        let socket = reserve((Ipv4Addr::LOCALHOST, 0).into())?;
        let addr = socket.local_addr()?;
        let (power, has_power) = watch::channel(true);
        let mut task = JoinSet::new();
        task.spawn(live(scene, addr, socket, has_power));
        Ok(Self { scene, addr, power, _task: task })
    }

    /// Where its picture is, as long as it has power.
    pub(crate) fn url(&self) -> String {
        format!("http://{}{}", self.addr, path(self.scene))
    }

    /// What it sees now; nothing without power.
    pub(crate) async fn picture(&self) -> Option<Vec<u8>> {
        let scene = self.scene;
        if *self.power.borrow() { spawn_blocking(move || picture::jpeg(scene, turn())).await.ok() } else { None }
    }

    /// Gives it power, or takes it away.
    pub(crate) fn power(&self, on: bool) {
        self.power.send_replace(on);
    }
}

fn path(scene: Scene) -> &'static str {
    match scene {
        Scene::FrontDoor => "/front_door.jpg",
        Scene::Garden => "/garden.jpg",
    }
}

/// A port of our own on which nothing listens yet: the system refuses connections to it.
fn reserve(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}

/// One camera, through all its power cuts.
async fn live(scene: Scene, addr: SocketAddr, mut socket: TcpSocket, mut power: watch::Receiver<bool>) {
    let app = Router::new().route(path(scene), get(move || snapshot(scene)));
    loop {
        if has(&mut power, true).await.is_none() {
            return;
        }
        if let Ok(listener) = socket.listen(BACKLOG) {
            tokio::select! {
                () = serve(listener, app.clone()) => {}
                gone = has(&mut power, false) => if gone.is_none() { return },
            }
        }
        socket = loop {
            match reserve(addr) {
                Ok(socket) => break socket,
                Err(_taken) => tokio::time::sleep(PORT_PAUSE).await,
            }
        };
    }
}

async fn serve(listener: TcpListener, app: Router) {
    let _it_only_ends_when_it_is_dropped = axum::serve(listener, app).await;
}

/// Waits for power, or for none. `None` when the camera is never switched again.
async fn has(power: &mut watch::Receiver<bool>, on: bool) -> Option<()> {
    power.wait_for(|now| *now == on).await.ok().map(|_| ())
}

/// Where the hand of the clock is, from 0 to 1.
fn turn() -> f32 {
    Timestamp::now().as_millisecond().rem_euclid(TURN_MILLIS) as f32 / TURN_MILLIS as f32
}

async fn snapshot(scene: Scene) -> Result<impl IntoResponse, StatusCode> {
    // Drawing takes a while in a debug build, and the service is on the same threads.
    let picture = spawn_blocking(move || picture::jpeg(scene, turn())).await;
    let picture = picture.map_err(|_panicked| StatusCode::INTERNAL_SERVER_ERROR)?;
    let headers = [
        (header::CONTENT_TYPE, "image/jpeg"),
        (header::CACHE_CONTROL, "no-store"),
        // A connection that was kept open would go on working without power.
        (header::CONNECTION, "close"),
    ];
    Ok((headers, picture))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpStream;
    use tokio::time::{sleep, timeout};

    async fn until(addr: SocketAddr, answers: bool) {
        let become_so = async {
            while TcpStream::connect(addr).await.is_ok() != answers {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(5), become_so).await.expect("the power is switched");
    }

    #[tokio::test]
    async fn a_camera_without_power_refuses_connections_and_comes_back_at_its_old_address() {
        let camera = Camera::start(Scene::Garden).unwrap();
        until(camera.addr, true).await;
        camera.power(false);
        until(camera.addr, false).await;
        camera.power(true);
        until(camera.addr, true).await;
    }
}
