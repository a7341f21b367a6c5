//! Everything that the page says, once for each language. A word that lacks in one language does not compile.
//!
//! `{}` stands for what is filled in, in the order of the text.

mod de;
mod en;

use crate::camera::{Hearing, Reason, Status};
use crate::chain::{Condition, Kind, Part};
use crate::events::door::EventKind;

pub(super) use de::DE;
pub(super) use en::EN;

/// A cause: what is wrong, and the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Advice {
    /// What is wrong, in a few words.
    pub what: &'static str,
    /// What to do next.
    pub next: &'static str,
}

/// The texts of one language. Each name says what its text is, and the text stands beside it in the languages' files.
#[derive(Debug)]
pub(crate) struct Words {
    // The frame of each page.
    pub skip: &'static str,
    pub back: &'static str,
    pub lost_contact: &'static str,
    pub trying_again: &'static str,
    pub too_many_pages: &'static str,
    pub diagnostics: &'static str,
    pub live: &'static str,
    pub version: &'static str,
    // The verdict.
    pub all_well: &'static str,
    pub all_well_sub: &'static str,
    pub events_only_sub: &'static str,
    pub looking: &'static str,
    pub looking_sub: &'static str,
    pub need_you_one: &'static str,
    pub need_you: &'static str,
    pub need_you_sub: &'static str,
    pub waiting_for: fn(Part) -> &'static str,
    pub chain_broken: fn(Part) -> &'static str,
    pub chain_sub: &'static str,
    pub no_camera: &'static str,
    pub no_camera_sub: &'static str,
    pub no_camera_step_1: &'static str,
    pub no_camera_step_2: &'static str,
    pub no_camera_step_3: &'static str,
    pub online_now: &'static str,
    pub events_today: &'static str,
    pub and_more: &'static str,
    // The chain.
    pub chain: &'static str,
    pub since: &'static str,
    pub lasting: &'static str,
    pub next_step: &'static str,
    pub last_error: &'static str,
    pub in_own_words: &'static str,
    pub part: fn(Part) -> &'static str,
    pub condition: fn(Part, Condition) -> &'static str,
    pub cause: fn(Kind) -> Advice,
    pub out_of_reach: &'static str,
    // Cameras.
    pub cameras: &'static str,
    pub status: fn(Status) -> &'static str,
    pub reason: fn(Reason) -> Advice,
    pub events_only: &'static str,
    pub events_only_hint: &'static str,
    pub not_looked_yet: &'static str,
    pub picture_of: &'static str,
    pub no_picture: &'static str,
    pub picture_from: &'static str,
    pub last_day: &'static str,
    pub strip_online: &'static str,
    pub strip_interruptions: fn(usize) -> &'static str,
    pub strip_empty: &'static str,
    pub hours_ago: &'static str,
    pub now: &'static str,
    pub last_event: &'static str,
    pub no_event: &'static str,
    pub today: &'static str,
    pub this_week: &'static str,
    pub active: &'static str,
    pub deleted_there: &'static str,
    pub kind: fn(EventKind) -> &'static str,
    pub hearing: fn(Hearing) -> Advice,
    pub unknown_topics: &'static str,
    pub unknown_topics_hint: &'static str,
    // Filters.
    pub search: &'static str,
    pub filter: &'static str,
    pub everything: &'static str,
    pub nothing_matches: &'static str,
    // One camera.
    pub all_cameras: &'static str,
    pub last_look: &'static str,
    pub look_good: &'static str,
    pub look_failed: &'static str,
    pub no_look: &'static str,
    pub codec: &'static str,
    pub resolution: &'static str,
    pub frame_rate: &'static str,
    pub frames_per_second: &'static str,
    pub bitrate: &'static str,
    pub latency: &'static str,
    pub last_frame: &'static str,
    pub checked_every: &'static str,
    pub not_measured: &'static str,
    pub events: &'static str,
    pub no_events: &'static str,
    pub events_unreadable: &'static str,
    pub delivered: &'static str,
    pub not_delivered: &'static str,
    pub event_picture: &'static str,
    pub send_events: &'static str,
    pub send_intro: &'static str,
    pub send_port: &'static str,
    pub by_url: &'static str,
    pub by_url_hint: &'static str,
    pub by_curl: &'static str,
    pub by_curl_hint: &'static str,
    pub token_hidden: &'static str,
    pub show_token: &'static str,
    pub hide_token: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
    pub discovery: &'static str,
    pub discovery_intro: &'static str,
    pub discovery_topic: &'static str,
    pub discovery_sent: &'static str,
    pub discovery_none: &'static str,
    // Actions.
    pub actions: &'static str,
    pub probe: &'static str,
    pub probe_all: &'static str,
    pub probe_all_hint: &'static str,
    pub announce: &'static str,
    pub announce_hint: &'static str,
    pub ghosts: &'static str,
    pub ghosts_hint: &'static str,
    pub ghosts_found: &'static str,
    pub ghosts_none: &'static str,
    pub ghosts_clear: &'static str,
    pub token: &'static str,
    pub token_hint: &'static str,
    pub token_warning: &'static str,
    pub token_confirm: &'static str,
    pub cancel: &'static str,
    pub destructive: &'static str,
    pub done_probe: &'static str,
    pub done_probe_all: &'static str,
    pub done_announce: &'static str,
    pub done_ghosts: &'static str,
    pub done_token: &'static str,
    pub failed: &'static str,
    // What went wrong.
    pub not_found: &'static str,
    pub not_found_text: &'static str,
    pub no_such_camera: &'static str,
    pub no_such_camera_text: &'static str,
    pub stale_form: &'static str,
    pub stale_form_text: &'static str,
    pub foreign_form: &'static str,
    pub foreign_form_text: &'static str,
    pub busy: &'static str,
    pub busy_text: &'static str,
    pub to_the_wall: &'static str,
}

/// The text with each `{}` replaced, in order.
pub(super) fn fill(text: &str, with: &[&dyn std::fmt::Display]) -> String {
    let mut with = with.iter();
    let mut pieces = text.split("{}");
    let mut filled = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        if let Some(value) = with.next() {
            filled.push_str(&value.to_string());
        }
        filled.push_str(piece);
    }
    filled
}

#[cfg(test)]
mod tests;
