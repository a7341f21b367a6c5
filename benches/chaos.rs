//! A long walk through random faults: `cargo bench --bench chaos -- [--seed N] [--steps N] [--worlds N]`.
//!
//! Each world has its own broker, Supervisor, cameras and app, and takes its share of the steps. A failure prints its seed. What
//! is measured is the time from the last piece's return until all is true again (P2), with everything sharing the machine.

#[path = "../tests/it/chaos/mod.rs"]
#[expect(clippy::unwrap_used, reason = "a walk fails by panicking")]
mod chaos;
#[path = "../tests/it/support/mod.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "the tests use the rest, and fail by panicking")]
mod support;

use std::io::Write;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

fn main() {
    let argument = |name: &str, default: u64| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|value| value.parse().ok()).unwrap_or(default)
    };
    let (seed, steps, worlds) = (argument("--seed", 1), argument("--steps", 1_000), argument("--worlds", 4).max(1));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let began = Instant::now();
    let mut recoveries = runtime.block_on(async {
        let mut walks = JoinSet::new();
        for world in 0..worlds {
            walks.spawn(chaos::walk(seed + world, usize::try_from(steps.div_ceil(worlds)).expect("a number of steps")));
        }
        let mut recoveries: Vec<Duration> = Vec::new();
        while let Some(walk) = walks.join_next().await {
            let walk = walk.expect("the walk ends well");
            say(&format!("a world of {} steps is done", walk.steps));
            recoveries.extend(walk.recoveries);
        }
        recoveries
    });
    recoveries.sort();
    let at = |share: f64| recoveries[((recoveries.len() - 1) as f64 * share) as usize].as_secs_f64();
    say(&format!(
        "{steps} steps in {worlds} worlds from seed {seed}, {} settlings, {:.0} s; all true again after: median {:.2} s, p90 {:.2} s, \
         most {:.2} s",
        recoveries.len(),
        began.elapsed().as_secs_f64(),
        at(0.5),
        at(0.9),
        at(1.0)
    ));
}

fn say(line: &str) {
    let _nobody_reads = writeln!(std::io::stdout(), "{line}");
}
