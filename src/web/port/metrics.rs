//! `/metrics` in Prometheus' text format.
//!
//! Written by hand over numbers that are kept anyway: see `docs/decisions/0010-metrics-by-hand.md`. No label grows with the number of
//! cameras.

use std::fmt::{Display, Write};

use jiff::Timestamp;

use crate::camera::{Hearing, Reason, Status};
use crate::chain::{Condition, Part};
use crate::process::resident_memory;
use crate::web::feeds::Feeds;

/// All metrics as they are now.
#[must_use]
pub(crate) fn text(feeds: &Feeds) -> String {
    let mut page = Page::default();
    program(&mut page, feeds);
    broker(&mut page, feeds);
    announcements(&mut page, feeds);
    cameras(&mut page, feeds);
    hearings(&mut page, feeds);
    events(&mut page, feeds);
    page.0
}

fn program(page: &mut Page, feeds: &Feeds) {
    page.head("build_info", GAUGE, "The version, as a label.");
    page.line("build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.head("start_time_seconds", GAUGE, "When the running service began, in seconds since 1970.");
    page.line("start_time_seconds", &[], seconds(feeds.started));
    if let Some(bytes) = resident_memory() {
        page.head("resident_memory_bytes", GAUGE, "Memory of the process that is not swapped out.");
        page.line("resident_memory_bytes", &[], bytes);
    }
}

fn broker(page: &mut Page, feeds: &Feeds) {
    let chain = feeds.chain.borrow().clone();
    page.head("chain_up", GAUGE, "1 when this part of the chain does its work; absent when it is not used.");
    for part in Part::ALL {
        let condition = chain.part(part).condition;
        if condition != Condition::Unused {
            page.line("chain_up", &[("part", word(part))], u8::from(condition == Condition::Good));
        }
    }
    page.head("broker_connections_total", COUNTER, "Connections to the broker since the start.");
    page.line("broker_connections_total", &[], feeds.link_history.borrow().connections);
}

fn announcements(page: &mut Page, feeds: &Feeds) {
    let announced = feeds.announced.borrow().clone();
    page.head("announcements_total", COUNTER, "Announcements that the broker acknowledged whole.");
    page.line("announcements_total", &[], announced.as_ref().map_or(0, |announced| announced.runs));
    let Some(announced) = announced else { return };
    page.head("last_announcement_time_seconds", GAUGE, "When the last announcement ended, in seconds since 1970.");
    page.line("last_announcement_time_seconds", &[], seconds(announced.at));
    page.head("last_announcement_duration_seconds", GAUGE, "How long the last announcement took.");
    page.line("last_announcement_duration_seconds", &[], announced.took.as_secs_f64());
}

fn cameras(page: &mut Page, feeds: &Feeds) {
    page.head("cameras", GAUGE, "Cameras that are switched on, by status.");
    let statuses = feeds.statuses.borrow().clone();
    for status in Status::ALL {
        let count = statuses.values().filter(|state| state.status == status).count();
        page.line("cameras", &[("status", status.as_str())], count);
    }
    let (good, latency) = feeds.probe_figures.good();
    page.head("probe_latency_seconds", "summary", "Time from the start of a good probe to its picture.");
    page.line("probe_latency_seconds_sum", &[], latency.as_secs_f64());
    page.line("probe_latency_seconds_count", &[], good);
    page.head(
        "probe_failures_total",
        COUNTER,
        "Probes that saw no picture, by reason. A single one changes no status.",
    );
    for reason in Reason::ALL.into_iter().filter(|reason| *reason != Reason::SamePicture) {
        page.line("probe_failures_total", &[("reason", reason.as_str())], feeds.probe_figures.failed(reason));
    }
}

fn hearings(page: &mut Page, feeds: &Feeds) {
    let hearings = feeds.hearings.borrow().clone();
    page.head("hearing", GAUGE, "Cameras that have a host, by how their own events are heard.");
    for hearing in Hearing::ALL {
        let count = hearings.values().filter(|state| state.hearing == hearing).count();
        page.line("hearing", &[("state", hearing.as_str())], count);
    }
    page.head("unknown_topics", GAUGE, "Topics that cameras told since the start and that are not known.");
    page.line("unknown_topics", &[], hearings.values().map(|state| state.unknown.len()).sum::<usize>());
}

fn events(page: &mut Page, feeds: &Feeds) {
    let (tally, outbox) = (&feeds.tally, feeds.outbox.figures());
    for (name, help, count) in [
        ("events_accepted_total", "Events that were accepted, and were on disk when that was said.", tally.accepted()),
        ("events_duplicate_total", "Events that were known already.", tally.duplicates()),
        ("events_delivered_total", "Events that the broker acknowledged.", outbox.delivered),
        (
            "events_dropped_total",
            "Events that were given up: their camera had gone before the broker could have them.",
            outbox.dropped,
        ),
        ("outbox_commits_total", "Transactions that took events in or marked them as delivered.", outbox.commits),
    ] {
        page.head(name, COUNTER, help);
        page.line(name, &[], count);
    }
    page.head("events_refused_total", COUNTER, "Requests at the doors that were refused, by HTTP status.");
    for (status, count) in tally.refused() {
        page.line("events_refused_total", &[("status", &status.to_string())], count);
    }
    page.head("outbox_events", GAUGE, "Events that wait for the broker.");
    page.line("outbox_events", &[], *feeds.outbox.waiting().borrow());
    page.head("outbox_bytes", GAUGE, "Bytes of the events that wait for the broker.");
    page.line("outbox_bytes", &[], outbox.waiting_bytes);
}

const PREFIX: &str = "camera_herald_";
const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

#[derive(Default)]
struct Page(String);

impl Page {
    /// What a metric is. Help texts hold neither backslash nor line feed, which would have to be escaped.
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _never_fails = write!(self.0, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}\n");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], number: impl Display) {
        let _never_fails = write!(self.0, "{PREFIX}{name}");
        for (at, (label, text)) in labels.iter().enumerate() {
            let opening = if at == 0 { '{' } else { ',' };
            let _never_fails = write!(self.0, "{opening}{label}=\"{text}\"");
        }
        let closing = if labels.is_empty() { "" } else { "}" };
        let _never_fails = writeln!(self.0, "{closing} {number}");
    }
}

fn word(part: Part) -> &'static str {
    match part {
        Part::Supervisor => "supervisor",
        Part::MqttService => "mqtt_service",
        Part::Broker => "broker",
        Part::HomeAssistant => "home_assistant",
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}
