//! `GET /`: the chain and all cameras at one glance.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::Page;
use super::answer;
use super::filters::Filter;
use super::fragments::{Fragment, Gallery};
use super::frame::{Frame, Visit};
use super::moment::Moment;

#[derive(Template)]
#[template(path = "wall.html")]
struct WallTemplate {
    frame: Frame,
    verdict: Fragment,
    chain: Fragment,
    filters: Fragment,
    cards: Vec<Shown>,
    filter: Filter,
    nothing_matches: bool,
}

struct Shown {
    fragment: Fragment,
    hidden: bool,
}

/// `GET /`.
pub(super) async fn get(State(page): State<Page>, visit: Visit) -> Response {
    // The chain is asked about anew, if what is known of it is old; when asks wait already, one more adds nothing.
    let _asked = page.feeds.look.try_send(());
    let moment = Moment::of(&page.feeds);
    let asked = |name| visit.asks(name).unwrap_or_default().chars().take(80).collect();
    let filter = Filter { status: asked("status"), search: asked("search") };
    let mut fragments = Gallery::new(visit.language).render(&moment);
    let mut take = |id: &str| fragments.all.remove(id).unwrap_or_default();
    let (verdict, chain, filters) = (take("verdict"), take("chain"), take("filters"));
    let cards: Vec<_> = moment
        .inventory
        .iter()
        .map(|camera| {
            let fragment = take(&format!("card-{}", camera.id));
            let status = super::look::Look::new(camera, moment.statuses.get(&camera.id), visit.words()).key;
            let area = camera.area.as_deref().unwrap_or_default();
            let text = format!("{} {} {area}", camera.name, camera.id);
            Shown { fragment, hidden: !filter.shows(status, &text) }
        })
        .collect();
    let nothing_matches = !cards.is_empty() && cards.iter().all(|card| card.hidden);
    let frame = page.frame(&visit);
    answer::page(&WallTemplate { frame, verdict, chain, filters, cards, filter, nothing_matches })
}
