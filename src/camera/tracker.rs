//! Turns reports into statuses.
