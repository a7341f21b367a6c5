//! What the outside asks of the process, by signals.
//!
//! In: SIGTERM and SIGINT (stop), SIGHUP (read the options again). Out: what is to be done next. Invariant: nothing that was asked is
//! lost, whatever the program is busy with meanwhile: a thread of its own counts, and whoever looks later finds it. A wish to stop goes
//! before a reload.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Arriving};
use tokio::sync::watch;

/// What the outside asks of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// SIGTERM or SIGINT: stop in order.
    Stop,
    /// SIGHUP: read the options again.
    Reload,
}

/// How often each was asked since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Asked {
    stops: u32,
    reloads: u32,
}

impl Asked {
    fn count(&mut self, signal: i32) {
        let counter = if signal == SIGHUP { &mut self.reloads } else { &mut self.stops };
        *counter = counter.saturating_add(1);
    }

    /// What is to be done, when this many reloads are done. As many as came since then are done by one.
    fn next(self, reloads_done: u32) -> Option<Ask> {
        match self {
            Self { stops: 1.., .. } => Some(Ask::Stop),
            Self { reloads, .. } if reloads > reloads_done => Some(Ask::Reload),
            _ => None,
        }
    }
}

/// The signals of the process, remembered.
#[derive(Debug)]
pub(crate) struct Signals {
    asked: watch::Receiver<Asked>,
    reloads_done: u32,
}

/// Listens for as long as it lives. Invariant: it does not need the runtime, so that a second signal counts also while every thread
/// of the runtime stands still.
#[derive(Debug)]
pub(crate) struct Listener {
    asked: watch::Receiver<Asked>,
    handle: Handle,
}

impl Listener {
    /// Takes over the process's signals. Call it before anything slow: until then SIGTERM has no handler.
    ///
    /// # Errors
    /// When the system refuses the handlers or the thread.
    pub(crate) fn start() -> io::Result<Self> {
        let mut arriving = Arriving::new([SIGTERM, SIGINT, SIGHUP])?;
        let handle = arriving.handle();
        let (counter, asked) = watch::channel(Asked::default());
        let count = move || arriving.forever().for_each(|signal| counter.send_modify(|asked| asked.count(signal)));
        thread::Builder::new().name("signals".to_owned()).spawn(count)?;
        Ok(Self { asked, handle })
    }

    /// What is asked, for the one who does it.
    pub(crate) fn signals(&self) -> Signals {
        Signals { asked: self.asked.clone(), reloads_done: 0 }
    }

    /// Waits until a stop is asked for the second time: somebody does not want to wait for the drain.
    pub(crate) async fn hurry(&self) {
        wait_for(&mut self.asked.clone(), |asked| asked.stops >= 2).await;
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.close();
    }
}

impl Signals {
    /// The next thing to do, at once when it was asked for meanwhile.
    pub(crate) async fn next(&mut self) -> Ask {
        let done = self.reloads_done;
        let asked = wait_for(&mut self.asked, |asked| asked.next(done).is_some()).await;
        self.reloads_done = asked.reloads;
        asked.next(done).expect("it was waited for")
    }

    /// Whether a stop was asked for already.
    pub(crate) fn stop_asked(&self) -> bool {
        self.asked.borrow().stops > 0
    }
}

async fn wait_for(asked: &mut watch::Receiver<Asked>, wanted: impl Fn(&Asked) -> bool) -> Asked {
    match asked.wait_for(|asked| wanted(asked)).await.map(|asked| *asked) {
        Ok(asked) => asked,
        // Nobody listens any more: nothing will be asked.
        Err(_gone) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn signals() -> (watch::Sender<Asked>, Signals) {
        let (counter, asked) = watch::channel(Asked::default());
        (counter, Signals { asked, reloads_done: 0 })
    }

    #[test]
    fn what_is_asked_while_nobody_looks_is_found_later() {
        let (counter, mut signals) = signals();
        assert_eq!(signals.next().now_or_never(), None);
        counter.send_modify(|asked| asked.count(SIGHUP));
        assert_eq!(signals.next().now_or_never(), Some(Ask::Reload));
        assert_eq!(signals.next().now_or_never(), None, "it was done");
        for _ in 0..3 {
            counter.send_modify(|asked| asked.count(SIGHUP));
        }
        assert_eq!(signals.next().now_or_never(), Some(Ask::Reload), "one reading shows all of it");
        assert_eq!(signals.next().now_or_never(), None);
    }

    #[test]
    fn a_stop_goes_before_a_reload_and_stays() {
        let (counter, mut signals) = signals();
        assert!(!signals.stop_asked());
        counter.send_modify(|asked| asked.count(SIGHUP));
        counter.send_modify(|asked| asked.count(SIGINT));
        assert_eq!(signals.next().now_or_never(), Some(Ask::Stop));
        assert_eq!(signals.next().now_or_never(), Some(Ask::Stop));
        assert!(signals.stop_asked());
    }

    #[test]
    fn two_stops_are_in_a_hurry_and_two_reloads_are_not() {
        let (counter, asked) = watch::channel(Asked::default());
        let hurry = || wait_for(&mut asked.clone(), |asked| asked.stops >= 2).now_or_never().is_some();
        counter.send_modify(|asked| asked.count(SIGHUP));
        counter.send_modify(|asked| asked.count(SIGHUP));
        counter.send_modify(|asked| asked.count(SIGTERM));
        assert!(!hurry());
        counter.send_modify(|asked| asked.count(SIGTERM));
        assert!(hurry());
    }
}
