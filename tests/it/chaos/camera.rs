//! A camera that serves snapshots, can be switched off, and can freeze.

use std::io::Cursor;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use image::{ImageFormat, Rgb, RgbImage};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

#[derive(Default)]
struct Lens {
    frozen: AtomicBool,
    frame: AtomicU32,
}

/// The camera. Its port stays its own while it is off.
pub(crate) struct SnapshotCamera {
    address: SocketAddr,
    lens: Arc<Lens>,
    server: JoinSet<()>,
}

impl SnapshotCamera {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut camera = Self { address: listener.local_addr().unwrap(), lens: Arc::default(), server: JoinSet::new() };
        camera.serve(listener);
        camera
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/snap.jpg", self.address)
    }

    pub(crate) fn is_on(&self) -> bool {
        !self.server.is_empty()
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.lens.frozen.load(Ordering::Relaxed)
    }

    pub(crate) fn freeze(&self, frozen: bool) {
        self.lens.frozen.store(frozen, Ordering::Relaxed);
    }

    /// Off when it is on, on when it is off.
    pub(crate) async fn turn(&mut self) {
        if self.is_on() {
            self.server.shutdown().await;
        } else {
            let listener = TcpListener::bind(self.address).await.expect("its port is still its own");
            self.serve(listener);
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        let app = Router::new().route("/snap.jpg", get(picture)).with_state(self.lens.clone());
        self.server.spawn(async move { axum::serve(listener, app).await.unwrap_or_default() });
    }
}

/// A bar that moves with each picture, unless it is frozen.
async fn picture(State(lens): State<Arc<Lens>>) -> impl IntoResponse {
    let step = if lens.frozen.load(Ordering::Relaxed) { 0 } else { 40 };
    let left = lens.frame.fetch_add(step, Ordering::Relaxed) % 320;
    let picture = RgbImage::from_fn(320, 180, |x, y| {
        if x.abs_diff(left) < 60 { Rgb([230, 200, 40]) } else { Rgb([(x % 256) as u8, (y % 256) as u8, 90]) }
    });
    let mut jpeg = Cursor::new(Vec::new());
    picture.write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    ([(CONTENT_TYPE, "image/jpeg")], jpeg.into_inner())
}
