//! The two places where this program talks: results on stdout, progress on stderr. Logs are `tracing`'s affair.

use serde_json::Value;
use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

/// A line of the result. A closed pipe is no error: nobody listens any more.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}").and_then(|()| std::io::stdout().flush());
}

/// A line of the result for programs.
pub fn json(value: &Value) {
    line(&value.to_string());
}

/// A line beside the result: progress, a reason for failing.
pub fn aside(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says what is being done once that takes longer than a second.
pub struct Progress(Option<mpsc::Sender<&'static str>>);

impl Progress {
    /// Begins to watch.
    pub fn begin() -> Self {
        let (steps, queue) = mpsc::channel::<&'static str>();
        let watch = move || {
            let mut step = "starting";
            loop {
                match queue.recv_timeout(Duration::from_secs(1)) {
                    Ok(next) => step = next,
                    Err(mpsc::RecvTimeoutError::Timeout) => aside(&format!("… {step}")),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let spawned = std::thread::Builder::new().name("progress".into()).spawn(watch);
        Self(spawned.is_ok().then_some(steps))
    }

    /// From now on this is done.
    pub fn step(&self, what: &'static str) {
        if let Some(steps) = &self.0 {
            let _ = steps.send(what);
        }
    }
}
