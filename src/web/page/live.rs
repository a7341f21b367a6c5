//! The live stream: one for each open page, as server-sent events.
//!
//! A browser says which parts it has, by their marks; it is sent those that are different, now and whenever they change.
//! So nothing is lost or sent twice across reconnects, restarts and sleep. Rendering is done once for all who watch, and
//! not at all while nobody does. Invariant: a change is on its way within a fraction of a second.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::fragments::{Fragments, Gallery};
use super::language::Language;
use super::moment::{self, Moment};
use super::strip::Strip;
use crate::web::feeds::Feeds;

/// Changes that come together are shown together.
const TOGETHER: Duration = Duration::from_millis(120);
/// Something is sent at least this often, so that a dead connection is noticed on both sides.
const BEAT: Duration = Duration::from_secs(10);

/// Where streams get their fragments from. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Viewers {
    sides: [watch::Sender<Arc<Fragments>>; Language::ALL.len()],
    came: Arc<Notify>,
    /// One for each page that is live.
    seats: Arc<Semaphore>,
}

/// The task that renders for all who watch.
pub struct Renderer {
    feeds: Feeds,
    viewers: Viewers,
    galleries: [Gallery; Language::ALL.len()],
}

/// What a browser has.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Have {
    /// Whether it shows the wall, and so wants new cards too.
    #[serde(default)]
    wall: bool,
    /// Ids and marks, in the page's order.
    #[serde(default)]
    have: Vec<(String, String)>,
}

/// One open page.
struct Follower {
    fragments: watch::Receiver<Arc<Fragments>>,
    wall: bool,
    marks: HashMap<String, String>,
    order: Vec<String>,
    waiting: VecDeque<Bytes>,
    stop: CancellationToken,
    _seat: OwnedSemaphorePermit,
}

#[derive(Serialize)]
struct Hello<'a> {
    build: &'a str,
    instance: &'a str,
}

#[derive(Serialize)]
struct Patch<'a> {
    id: &'a str,
    mark: &'a str,
    html: &'a str,
}

impl Viewers {
    /// For so many pages at once.
    pub(super) fn new(most: usize) -> Self {
        let side = |_: Language| watch::channel(Arc::new(Fragments::default())).0;
        Self { sides: Language::ALL.map(side), came: Arc::new(Notify::new()), seats: Arc::new(Semaphore::new(most)) }
    }

    /// The stream for a browser that has this; none while too many pages are open.
    pub(super) fn follow(
        &self,
        language: Language,
        have: Have,
        build: &str,
        instance: &str,
        stop: CancellationToken,
    ) -> Option<impl Stream<Item = Result<Bytes, Infallible>> + use<>> {
        let seat = self.seats.clone().try_acquire_owned().ok()?;
        let fragments = self.sides[language as usize].subscribe();
        // Whatever was rendered last may be old: nobody may have watched.
        self.came.notify_one();
        let cards = have.have.iter().map(|(id, _)| id).filter(|id| id.starts_with("card-"));
        let follower = Follower {
            fragments,
            wall: have.wall,
            order: cards.cloned().collect(),
            marks: have.have.into_iter().collect(),
            waiting: VecDeque::from([message("hello", &Hello { build, instance })]),
            stop,
            _seat: seat,
        };
        Some(stream::unfold(follower, |mut follower| async {
            let next = follower.next().await?;
            Some((Ok(next), follower))
        }))
    }
}

impl Have {
    /// For a client that has nothing, such as an `EventSource`.
    pub(super) fn nothing() -> Self {
        let have = ["verdict", "chain", "filters"].map(|id| (id.to_owned(), String::new()));
        Self { wall: true, have: have.to_vec() }
    }
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(message) = self.waiting.pop_front() {
                return Some(message);
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                rendered = self.fragments.changed() => {
                    rendered.ok()?;
                    let fragments = self.fragments.borrow_and_update().clone();
                    self.compare(&fragments);
                }
                () = sleep(BEAT) => return Some(Bytes::from_static(b": beat\n\n")),
            }
        }
    }

    fn compare(&mut self, fragments: &Fragments) {
        for (id, fragment) in &fragments.all {
            let known = self.marks.get(id);
            if known != Some(&fragment.mark) && (known.is_some() || self.wall && id.starts_with("card-")) {
                let patch = Patch { id, mark: &fragment.mark, html: &fragment.html };
                self.waiting.push_back(message("patch", &patch));
                self.marks.insert(id.clone(), fragment.mark.clone());
            }
        }
        if self.wall && self.order != fragments.order {
            self.waiting.push_back(message("order", &fragments.order));
            self.order.clone_from(&fragments.order);
            self.marks.retain(|id, _| fragments.all.contains_key(id));
        }
    }
}

/// JSON has no line breaks, so one `data` line holds all of it.
fn message(event: &str, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    Bytes::from(format!("event: {event}\ndata: {data}\n\n"))
}

impl Renderer {
    pub(super) fn new(feeds: Feeds, viewers: Viewers) -> Self {
        Self { feeds, viewers, galleries: Language::ALL.map(Gallery::new) }
    }

    /// Renders until told to stop.
    pub async fn run(mut self) {
        let stop = self.feeds.stop.clone();
        let mut feeds = self.feeds.clone();
        let came = self.viewers.came.clone();
        loop {
            let strips_move = Strip::moves_in(jiff::Timestamp::now()).unsigned_abs();
            tokio::select! {
                () = stop.cancelled() => return,
                () = came.notified() => {}
                () = moment::changed(&mut feeds) => {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = sleep_until(Instant::now() + TOGETHER) => {}
                    }
                }
                () = sleep(strips_move) => {}
            }
            self.render();
        }
    }

    fn render(&mut self) {
        let watched = |side: &watch::Sender<_>| side.receiver_count() > 0;
        if !self.viewers.sides.iter().any(watched) {
            return;
        }
        let moment = Moment::of(&self.feeds);
        for (side, gallery) in self.viewers.sides.iter().zip(&mut self.galleries) {
            if watched(side) {
                side.send_replace(Arc::new(gallery.render(&moment)));
            }
        }
    }
}
