//! Random faults in random order: after each settling everything is true again (P2), and nothing else is on the broker (P5).
//!
//! A short walk is part of the suite; `cargo bench --bench chaos` walks a thousand steps, several worlds at once.

pub(crate) mod camera;
mod fault;
mod truth;
mod world;

use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

use self::fault::Fault;
use self::world::World;

/// How a walk went.
pub(crate) struct Walk {
    pub(crate) steps: usize,
    /// From the last piece's return until all was true again, one for each settling.
    pub(crate) recoveries: Vec<Duration>,
}

/// Takes `steps` random faults, some at once, and settles after each handful. Panics with the seed and the steps that led there.
pub(crate) async fn walk(seed: u64, steps: usize) -> Walk {
    let mut random = StdRng::seed_from_u64(seed);
    let mut world = World::start().await;
    let mut walk = Walk { steps: 0, recoveries: Vec::new() };
    let mut story = vec![format!("seed {seed}")];
    walk.recoveries.push(world.settle(&story).await);
    while walk.steps < steps {
        let handful = rand::Rng::random_range(&mut random, 1..=4).min(steps - walk.steps);
        story.push(format!("settled after {} steps", walk.steps));
        for _ in 0..handful {
            let fault = Fault::any(&mut random);
            story.push(format!("{fault:?}"));
            world.suffer(fault, &mut random).await;
            walk.steps += 1;
        }
        walk.recoveries.push(world.settle(&story).await);
        let old = story.len().saturating_sub(30);
        story.drain(1..=old.max(1)).for_each(drop);
    }
    world.stop(&story).await;
    walk
}

#[tokio::test]
async fn after_any_handful_of_faults_everything_is_true_again() {
    assert_eq!(walk(20_261_124, 24).await.steps, 24);
}
