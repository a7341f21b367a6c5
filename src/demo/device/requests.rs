//! One request: what is asked, and what the camera does about it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use roxmltree::{Document, Node};
use tokio::time::{Instant, timeout_at};

use super::answers::{self, fault};
use super::clients::{CHALLENGE, Stranger, check};
use super::{Inside, Shared, Subscription};

/// What nobody has to log in for (ONVIF Core Specification, section 5.9.4.3).
const OPEN: [&str; 4] = ["GetSystemDateAndTime", "GetCapabilities", "GetServices", "GetServiceCapabilities"];

/// Answers one request.
pub(super) async fn answer(State(shared): State<Arc<Shared>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body).into_owned();
    let Ok(document) = Document::parse(&text) else { return StatusCode::NOT_FOUND.into_response() };
    let root = document.root_element();
    let Some(operation) = operation(root) else { return StatusCode::BAD_REQUEST.into_response() };
    let asked = Asked::new(operation, root, &uri);
    // It must not live across a wait.
    drop(document);
    let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    if let Some(refusal) = refusal(&shared, &headers, &text, &path, &asked) {
        return refusal;
    }
    if asked.operation == "PullMessages" {
        return pull(&shared, &asked).await;
    }
    respond(react(&shared, &asked))
}

/// What of a request matters here.
struct Asked {
    operation: String,
    /// `ver20` of media.
    second: bool,
    /// The subscription, by the path, by the query or by the header.
    subscription: Option<u64>,
    by_reference: bool,
    addressed: bool,
    timeout: Option<Duration>,
    term: Option<String>,
    profile: Option<String>,
}

fn operation(root: Node<'_, '_>) -> Option<String> {
    let body = root.descendants().find(|node| node.tag_name().name() == "Body")?;
    Some(body.first_element_child()?.tag_name().name().to_owned())
}

impl Asked {
    fn new(operation: String, root: Node<'_, '_>, uri: &Uri) -> Self {
        let node = |name: &str| root.descendants().find(|node| node.tag_name().name() == name);
        let text = |name: &str| node(name).and_then(|node| node.text()).map(|text| text.trim().to_owned());
        let referred = text("SubscriptionId").and_then(|id| id.parse().ok());
        let in_path = uri.path().strip_prefix("/onvif/subscription/").and_then(|id| id.parse().ok());
        let body = node("Body").and_then(|body| body.first_element_child());
        Self {
            operation,
            second: body.and_then(|body| body.tag_name().namespace()).is_some_and(|uri| uri.contains("ver20/media")),
            subscription: referred.or(in_path),
            by_reference: referred.is_some(),
            addressed: node("Action").is_some() && node("MessageID").is_some(),
            timeout: text("Timeout").and_then(|text| seconds(&text)),
            term: text("InitialTerminationTime").or_else(|| text("TerminationTime")),
            profile: text("ProfileToken"),
        }
    }
}

/// `PT60S`, `PT1M`.
fn seconds(text: &str) -> Option<Duration> {
    let length: jiff::Span = text.parse().ok()?;
    Duration::try_from(length.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok()?).ok()
}

/// The door: who may come in, and what cameras refuse before they look at it.
fn refusal(shared: &Shared, headers: &HeaderMap, text: &str, path: &str, asked: &Asked) -> Option<Response> {
    let mut inside = shared.inside();
    *inside.seen.operations.entry(asked.operation.clone()).or_default() += 1;
    let quirks = inside.quirks;
    if quirks.bomb {
        return Some(respond(Ok(answers::bomb())));
    }
    let open = OPEN.contains(&asked.operation.as_str()) && !(quirks.locked_clock && asked.operation == OPEN[0]);
    if !open {
        let Ok(document) = Document::parse(text) else { return Some(StatusCode::BAD_REQUEST.into_response()) };
        if let Err(stranger) = check(&mut inside, headers, document.root_element(), text.as_bytes(), path) {
            inside.seen.refused += 1;
            return Some(match stranger {
                Stranger::Challenged => {
                    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, CHALLENGE)]).into_response()
                }
                Stranger::Refused => respond(Err(fault("ter:NotAuthorized", "Sender not authorized"))),
            });
        }
    }
    if quirks.needs_addressing && !asked.addressed {
        return Some(respond(Err(fault("wsa:MessageAddressingHeaderRequired", "Action and MessageID are required"))));
    }
    None
}

fn respond(outcome: Result<String, String>) -> Response {
    let (status, xml) = match outcome {
        Ok(xml) => (StatusCode::OK, xml),
        Err(fault) => (StatusCode::INTERNAL_SERVER_ERROR, fault),
    };
    (status, [(header::CONTENT_TYPE, "application/soap+xml; charset=utf-8")], xml).into_response()
}

/// Everything that is answered at once.
fn react(shared: &Shared, asked: &Asked) -> Result<String, String> {
    let mut inside = shared.inside();
    inside.forget_old();
    match asked.operation.as_str() {
        "GetSystemDateAndTime" => Ok(answers::clock(inside.now())),
        "GetServices" => Ok(answers::services(inside.quirks, shared.addr)),
        "GetCapabilities" => Ok(answers::capabilities(inside.quirks, shared.addr)),
        "GetDeviceInformation" => Ok(answers::information(inside.quirks)),
        "GetNetworkInterfaces" if !inside.quirks.no_interfaces => Ok(answers::interfaces()),
        "GetProfiles" if asked.second && inside.quirks.no_media2 => Err(not_there()),
        "GetProfiles" => Ok(answers::profiles(&inside.media, asked.second)),
        "GetVideoSources" => Ok(answers::video_sources(&inside.media)),
        "GetStreamUri" => media_address(asked, inside.media.stream.clone(), asked.second),
        "GetSnapshotUri" if !inside.quirks.no_snapshot => {
            media_address(asked, inside.media.snapshot.clone(), asked.second)
        }
        "GetServiceCapabilities" => Ok(answers::event_capabilities(inside.quirks)),
        "GetEventProperties" => Ok(answers::event_properties()),
        "CreatePullPointSubscription" => subscribe(&mut inside, shared, asked),
        "Renew" if inside.quirks.no_renew => Err(fault("wsnt:UnacceptableTerminationTimeFault", "No renewal")),
        "Renew" => {
            let ends_at = ends_at(&inside, asked);
            let subscription = known(&mut inside, asked)?;
            subscription.ends_at = ends_at;
            Ok(answers::renewed(inside.now(), ends_at))
        }
        "Unsubscribe" => {
            known(&mut inside, asked)?;
            inside.subscriptions.remove(&asked.subscription.unwrap_or_default());
            Ok(answers::empty("wsnt", "UnsubscribeResponse"))
        }
        "SetSynchronizationPoint" => {
            let states = if inside.quirks.mute { Default::default() } else { inside.states() };
            known(&mut inside, asked)?.queue.extend(states);
            drop(inside);
            shared.news.notify_waiters();
            Ok(answers::empty("tev", "SetSynchronizationPointResponse"))
        }
        _ => Err(not_there()),
    }
}

fn not_there() -> String {
    fault("ter:ActionNotSupported", "Optional action not implemented")
}

fn media_address(asked: &Asked, address: Option<String>, second: bool) -> Result<String, String> {
    let profile = asked.profile.as_deref().unwrap_or_default();
    let address = address.ok_or_else(not_there)?.replace("{}", profile);
    Ok(answers::media_address(&asked.operation, &address, second))
}

fn subscribe(inside: &mut Inside, shared: &Shared, asked: &Asked) -> Result<String, String> {
    let quirks = inside.quirks;
    if quirks.no_events {
        return Err(not_there());
    }
    if quirks.needs_termination && asked.term.is_none() {
        return Err(fault("env:Receiver", "Internal error"));
    }
    if quirks.places.is_some_and(|places| inside.subscriptions.len() >= places) {
        return Err(fault("wsnt:SubscribeCreationFailedFault", "Maximum number of pull points reached"));
    }
    inside.last += 1;
    let (id, ends_at) = (inside.last, ends_at(inside, asked));
    let queue = if quirks.mute { Default::default() } else { inside.states() };
    inside.subscriptions.insert(id, Subscription { queue, ends_at });
    Ok(answers::subscribed(id, inside.now(), ends_at, quirks, shared.addr))
}

/// By the camera's clock.
fn ends_at(inside: &Inside, asked: &Asked) -> Timestamp {
    let told = asked.term.as_deref().unwrap_or("PT60S");
    let length = match seconds(told) {
        Some(_) if inside.quirks.misreads_lengths => SignedDuration::from_secs(10),
        Some(length) => SignedDuration::try_from(length).unwrap_or_default(),
        None => told.parse::<Timestamp>().map_or(SignedDuration::ZERO, |end| end.duration_since(inside.now())),
    };
    inside.now() + length.min(SignedDuration::from_hours(1))
}

fn known<'a>(inside: &'a mut Inside, asked: &Asked) -> Result<&'a mut Subscription, String> {
    let gone = || fault("wsrf-rw:ResourceUnknownFault", "The subscription does not exist");
    let id = asked.subscription.filter(|_| !inside.quirks.reference_parameters || asked.by_reference);
    // A camera that gives no address of its own knows the caller by having one subscription only.
    let id = id.or_else(|| inside.subscriptions.keys().next().copied().filter(|_| inside.quirks.urn_subscription));
    inside.subscriptions.get_mut(&id.ok_or_else(gone)?).ok_or_else(gone)
}

/// Waits until there is something to tell.
async fn pull(shared: &Shared, asked: &Asked) -> Response {
    let quirks = shared.inside().quirks;
    if quirks.broken_pulls {
        return respond(Ok("<html><body>Not <b>now</body>".to_owned()));
    }
    if let Some(bytes) = quirks.huge_message {
        return respond(Ok(answers::huge(bytes)));
    }
    let began = Instant::now();
    let patience = asked.timeout.unwrap_or(Duration::from_secs(10));
    loop {
        let mut news = std::pin::pin!(shared.news.notified());
        // Before the look, so that nothing slips between the two.
        news.as_mut().enable();
        let told = {
            let mut inside = shared.inside();
            inside.forget_old();
            let (mute, now) = (inside.quirks.mute, inside.now());
            match known(&mut inside, asked) {
                Err(fault) => return respond(Err(fault)),
                Ok(subscription) if !subscription.queue.is_empty() && !mute => {
                    let messages: Vec<String> = subscription.queue.drain(..).collect();
                    Some(answers::messages(&messages, now, subscription.ends_at))
                }
                Ok(subscription) if began.elapsed() >= patience => {
                    Some(answers::messages(&[], now, subscription.ends_at))
                }
                Ok(_) => None,
            }
        };
        if let Some(told) = told {
            return respond(Ok(told));
        }
        if let Some(limit) = quirks.closes_pulls_after.map(Duration::from_millis) {
            if timeout_at(began + limit, news).await.is_err() {
                return cut();
            }
        } else {
            let _time_or_news = timeout_at(began + patience, news).await;
        }
    }
}

/// A connection that ends in the middle of an answer, as a client sees it.
fn cut() -> Response {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(std::io::Error::other("closed"))]);
    axum::body::Body::from_stream(broken).into_response()
}
