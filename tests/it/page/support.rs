//! A page to ask, with cameras that are as the test says.

use camera_herald::camera::{Camera, CameraId, CameraState, Failure, Reason, Status};
use camera_herald::options::Options;
use camera_herald::web::port::Access;
use jiff::Timestamp;
use reqwest::{Response, redirect};

use crate::port::support::{House, options};
use crate::support::camera::camera;

/// Asks as the ingress does: without a prefix, and with a language.
pub(crate) struct Browser {
    http: reqwest::Client,
    root: String,
}

pub(crate) async fn house(cameras: Vec<Camera>) -> (House, Browser) {
    camera_herald::tls::install_provider();
    let house = House::with(Access::new(false), Options { cameras, ..options() }, None).await;
    let http = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let browser = Browser { http, root: format!("http://{}", house.addr) };
    (house, browser)
}

/// Cameras with a snapshot: `cam_0`, `cam_1` …
pub(crate) fn cameras(count: usize) -> Vec<Camera> {
    (0..count).map(|i| camera(&format!("cam_{i}"), "http://127.0.0.1:9/snapshot.jpg")).collect()
}

/// A camera becomes this.
pub(crate) fn show(house: &House, id: &str, status: Status) {
    let failure = (status == Status::Offline)
        .then(|| Failure { reason: Reason::Refused, detail: "Nothing listens on 127.0.0.1:9".to_owned() });
    house.statuses.send_modify(|statuses| {
        let mut state = CameraState::unknown(Timestamp::now());
        state.status = status;
        state.reason = failure.as_ref().map(|failure| failure.reason);
        state.detail = failure.map(|failure| failure.detail.into());
        statuses.insert(CameraId::new(id).unwrap(), state);
    });
}

impl Browser {
    pub(crate) async fn get(&self, path: &str) -> Response {
        self.with(path, &[]).await
    }

    pub(crate) async fn with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = self.http.get(format!("{}{path}", self.root));
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        self.get(path).await.text().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: String, headers: &[(&str, &str)]) -> Response {
        let request = self.http.post(format!("{}{path}", self.root)).body(body);
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
    }

    /// The secret in the forms.
    pub(crate) async fn csrf(&self) -> String {
        let page = self.text("/").await;
        let after = page.split("name=\"csrf\" value=\"").nth(1).expect("a form with a secret");
        after.split('"').next().expect("its end").to_owned()
    }
}

/// One header of an answer.
pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}
