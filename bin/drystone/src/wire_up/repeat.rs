//! A cloud that repeats from a seed: its runtime, its randomness and its pace, and the file that remembers the seed.
//!
//! The same requests get the same answers, run after run. For that all is done on one thread and in one order: the store,
//! the ledgers and the hashing of passwords have no threads of their own, time stands still between requests, and
//! requests come in one at a time. See ADR 12.

use crate::keep;
use crate::settings::{Metal, Settings};
use kernel::Entropy;
use serde::{Deserialize, Serialize};
use sim::Pace;
use std::io;
use std::path::Path;
use std::sync::mpsc;
use tokio::runtime::{Builder, Runtime};

/// What makes a cloud repeat.
#[derive(Clone)]
pub struct Repeat {
    /// Where ids come from.
    pub entropy: Entropy,
    /// Whose turn it is.
    pub pace: Pace,
    known: Remembered,
}

/// What is remembered of a seed.
#[derive(Clone, Serialize, Deserialize)]
struct Remembered {
    seed: u64,
    /// How often the cloud was started.
    starts: u64,
}

/// The seed that the cloud repeats from, if it is to, or why it cannot. Changes nothing.
pub fn seed(settings: &Settings) -> Result<Option<u64>, String> {
    let dir = &settings.state_dir;
    let known = remembered(dir)?.map(|known| known.seed);
    let Some(seed) = settings.seed.or(known) else { return Ok(None) };
    if settings.metal == Metal::Real {
        return Err("--seed is for --metal sim.".to_owned());
    }
    if settings.database.is_some() {
        return Err(
            "--seed needs the embedded store: on PostgreSQL others decide what comes first.".to_owned()
        );
    }
    match known {
        Some(known) if known != seed => Err(format!(
            "{} holds a cloud that repeats from seed {known}: start it with --seed {known}, or choose another --state-dir.",
            dir.display()
        )),
        None if keep::metal(dir).is_some() => Err(format!(
            "{} holds a cloud that was started without a seed: choose another --state-dir.",
            dir.display()
        )),
        _ => Ok(Some(seed)),
    }
}

fn remembered(dir: &Path) -> Result<Option<Remembered>, String> {
    let path = dir.join("seed");
    keep::read_json(&path).map_err(|error| format!("{} cannot be read: {error}.", path.display()))
}

/// A runtime, and what makes a cloud repeat in it.
pub fn runtime(settings: &Settings) -> Result<(Runtime, Option<Pace>), String> {
    let failed = |error: io::Error| format!("The program cannot start: {error}.");
    if seed(settings)?.is_none() {
        return Ok((Builder::new_multi_thread().enable_all().build().map_err(failed)?, None));
    }
    let pace = Pace::kept(&settings.state_dir.join("sim/clock"));
    let parked = pace.clone();
    let mut builder = Builder::new_current_thread();
    let builder = builder.enable_all().start_paused(true).on_thread_park(move || parked.parked());
    let runtime = builder.build().map_err(failed)?;
    // While something blocks, the runtime leaves it to us to move its time.
    let (end, ended) = mpsc::channel::<()>();
    runtime.spawn_blocking(move || ended.recv().is_err());
    pace.holds(end);
    Ok((runtime, Some(pace)))
}

/// What this start repeats from. The state directory is held by this process; nothing in it is changed.
pub fn begin(settings: &Settings, pace: Option<Pace>) -> Result<Option<Repeat>, String> {
    let known = remembered(&settings.state_dir)?;
    let starts = known.as_ref().map_or(0, |known| known.starts);
    // That it goes with what is there was looked at before the metal was remembered.
    let seed = known.map(|known| known.seed).or(settings.seed);
    let (Some(pace), Some(seed)) = (pace, seed) else { return Ok(None) };
    let entropy = Entropy::seeded_anew(seed, starts);
    Ok(Some(Repeat { entropy, pace, known: Remembered { seed, starts } }))
}

impl Repeat {
    /// Counts this start, so that no id comes twice.
    pub fn remember(&self, settings: &Settings) -> Result<(), String> {
        let path = settings.state_dir.join("seed");
        let Remembered { seed, starts } = self.known;
        let kept = keep::write_json(&path, &Remembered { seed, starts: starts + 1 })
            .and_then(|()| std::fs::create_dir_all(settings.state_dir.join("sim")));
        kept.map_err(|error| format!("{} cannot be written: {error}.", path.display()))
    }
}
