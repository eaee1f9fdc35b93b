//! The two tests that every reconciler must pass: it may crash after every step, and every step may run twice.
//!
//! ```ignore
//! #[tokio::test]
//! async fn a_crash_may_come_anywhere() {
//!     harness::crash_after_every_step(MyWorld::fresh, Duration::from_secs(600)).await.unwrap();
//!     harness::run_every_step_twice(MyWorld::fresh, Duration::from_secs(600)).await.unwrap();
//! }
//! ```

use crate::engine::Engine;
use crate::round::{Ran, Step};
use fault::Fault;
use kernel::{Clock, Micros};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

/// A small cloud for one run: a store with something wanted in it, and metal that outlives the engine.
pub trait World {
    /// The engine of a process that just started: over the same store and metal each time, with a new owner.
    fn engine(&self) -> Engine;

    /// The clock, which must be a held one.
    fn clock(&self) -> Clock;

    /// What must be the same in the end, crash or no crash: the resources and the metal, without times and counters of
    /// attempts.
    fn state(&self) -> Result<String, Fault>;

    /// Moves whatever else is in the world (agents that report, guests that boot); false when nothing moved.
    fn tick(&self) -> Result<bool, Fault> {
        Ok(false)
    }
}

/// An engine that stops short in a round wherever `dies` says so: for trials of whole clouds, where whoever says so then
/// ends the process that the engine stands for.
#[must_use]
pub fn mortal(mut engine: Engine, dies: impl Fn(&str, Step) -> bool + Send + Sync + 'static) -> Engine {
    engine.setting.trial.dies = Some(Arc::new(dies));
    engine
}

/// Crashes of one run after which a harness gives up.
const ENDLESS: i64 = 10_000;

/// Kills the engine at each point of a run in turn (after the claim, the snapshot, the plan, at each await of the act,
/// after the act, after the record), starts a new one, and demands the same final state as without. Answers the number
/// of points. `horizon` bounds how far the clock is moved; leases must end within it.
pub async fn crash_after_every_step<W: World>(
    mut fresh: impl FnMut() -> W,
    horizon: Duration,
) -> Result<usize, String> {
    let wanted = undisturbed(&fresh(), horizon).await?;
    for point in 1..ENDLESS {
        let world = fresh();
        let mut doomed = world.engine();
        doomed.setting.trial.cut_after = Some(Arc::new(AtomicI64::new(point)));
        if run(&world, &doomed, horizon).await? == Ended::Quiet {
            return usize::try_from(point - 1).map_err(|error| error.to_string());
        }
        let state = undisturbed(&world, horizon).await?;
        same(&wanted, &state, &format!("after a crash at point {point}"))?;
    }
    Err(format!("the run has no end after {ENDLESS} points"))
}

/// Runs every snapshot, plan, act and record twice, and demands the same final state as without.
pub async fn run_every_step_twice<W: World>(
    mut fresh: impl FnMut() -> W,
    horizon: Duration,
) -> Result<(), String> {
    let wanted = undisturbed(&fresh(), horizon).await?;
    let world = fresh();
    let mut engine = world.engine();
    engine.setting.trial.twice = true;
    run(&world, &engine, horizon).await?;
    same(&wanted, &world.state().map_err(|fault| fault.to_string())?, "with every step run twice")
}

#[derive(PartialEq, Eq)]
enum Ended {
    Quiet,
    Cut,
}

async fn undisturbed<W: World>(world: &W, horizon: Duration) -> Result<String, String> {
    let engine = world.engine();
    engine.recover().await.map_err(|fault| fault.to_string())?;
    run(world, &engine, horizon).await?;
    world.state().map_err(|fault| fault.to_string())
}

async fn run<W: World>(world: &W, engine: &Engine, horizon: Duration) -> Result<Ended, String> {
    let end = world.clock().now().plus(horizon);
    advance(world, engine, end).await.map_err(|fault| fault.to_string())
}

async fn advance<W: World>(world: &W, engine: &Engine, end: Micros) -> Result<Ended, Fault> {
    let mut rounds = 0;
    loop {
        match engine.one().await? {
            Some(Ran::Cut) => return Ok(Ended::Cut),
            Some(_) => rounds += 1,
            None if world.tick()? => {}
            None if engine.advance(end).await? => {}
            None => return Ok(Ended::Quiet),
        }
        if rounds > ENDLESS {
            return Err(Fault::bug(format!("the work is not quiet after {rounds} rounds")));
        }
    }
}

fn same(wanted: &str, found: &str, when: &str) -> Result<(), String> {
    if wanted == found {
        return Ok(());
    }
    Err(format!("{when} the world ended otherwise.\n--- wanted\n{wanted}\n--- found\n{found}"))
}
