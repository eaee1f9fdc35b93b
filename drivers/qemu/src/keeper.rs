//! The keeper: the task that follows a living QEMU, listens to it, and writes down what its end means.

use crate::console;
use crate::machine::{Entry, Status};
use crate::process::{Ending, Process};
use crate::qmp::{Qmp, QmpError};
use crate::record::{Phase, Record};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{interval, sleep};

/// Between two looks at a machine's console log and at a disk that was full.
const TICK: Duration = Duration::from_secs(15);
/// Between two attempts to reach a monitor.
const RECONNECT: Duration = Duration::from_secs(1);

/// What the end of QEMU means for the record. `saved_whole`: the guest's state had been written out by then.
pub fn conclude(record: &mut Record, ending: Ending, last_line: Option<String>, saved_whole: bool) {
    match record.phase {
        Phase::Off | Phase::Suspended => {}
        // The guest has not run since its state was saved.
        Phase::Resuming => record.phase = Phase::Suspended,
        Phase::Suspending if saved_whole => record.phase = Phase::Suspended,
        Phase::Ending => record.phase = Phase::Off,
        Phase::Started | Phase::Suspending => {
            record.phase = Phase::Off;
            let said = last_line.map(|line| format!(": {line}")).unwrap_or_default();
            record.because = Some(match ending {
                Ending::Killed(signal) => format!("QEMU was killed by signal {signal}{said}"),
                Ending::Returned(code) => format!("QEMU ended unexpectedly with code {code}{said}"),
                Ending::Unknown => format!("QEMU ended unexpectedly{said}"),
            });
        }
    }
}

/// Follows a QEMU until it ends.
pub async fn follow(entry: &Entry, process: &Process, mut qmp: Option<Arc<Qmp>>) -> Ending {
    loop {
        if let Some(qmp) = &qmp {
            tokio::select! {
                ending = process.ended() => return ending,
                () = listen(entry, qmp) => {}
            }
            entry.connected(None);
        }
        tokio::select! {
            ending = process.ended() => return ending,
            connection = connect(entry) => qmp = Some(connection),
        }
        entry.connected(qmp.clone());
    }
}

/// Connects to the monitor again, as often as it takes.
async fn connect(entry: &Entry) -> Arc<Qmp> {
    let monitor = entry.folder.join("monitor");
    loop {
        // A process that has just closed its monitor is most likely about to end.
        sleep(RECONNECT).await;
        match Qmp::connect(&monitor, RECONNECT * 5).await {
            Ok(qmp) => return Arc::new(qmp),
            Err(error) => tracing::debug!(%error, id = entry.id, "QEMU's monitor does not answer"),
        }
    }
}

/// Listens to a monitor until it is closed.
async fn listen(entry: &Entry, qmp: &Qmp) {
    let mut events = qmp.events();
    let mut tick = interval(TICK);
    loop {
        if entry.is_quitting() {
            return qmp.closed().await;
        }
        match entry.look(qmp).await {
            Ok(status) => react(entry, qmp, status).await,
            Err(QmpError::Closed | QmpError::Socket(_)) => return,
            Err(error) => tracing::warn!(%error, id = entry.id, "QEMU does not tell what its guest does"),
        }
        tokio::select! {
            () = qmp.closed() => return,
            _ = tick.tick() => housekeeping(entry, qmp).await,
            // Whatever it is, and however many were missed: the state is asked for again.
            _ = events.recv() => {}
        }
    }
}

/// What follows from a state that the guest got into by itself.
async fn react(entry: &Entry, qmp: &Qmp, status: Status) {
    let because = match status {
        Status::Off => None,
        Status::Broken => {
            Some("the guest cannot go on: QEMU reports an internal error or a panic".to_owned())
        }
        _ => return,
    };
    let written = entry
        .change(|record| {
            if record.phase == Phase::Started {
                record.phase = Phase::Ending;
                record.because = because;
            }
        })
        .await;
    if let Err(error) = written {
        tracing::error!(%error, id = entry.id, "the shutdown of a guest is not written down");
    }
    entry.quit(qmp).await;
}

async fn housekeeping(entry: &Entry, qmp: &Qmp) {
    if let Err(error) = console::trim(&entry.folder.join("console.log")) {
        tracing::debug!(%error, id = entry.id, "the console's log is not cut");
    }
    let full = entry.live().is_some_and(|live| live.status == Status::DiskFull);
    if full {
        // Space may be there again; if not, QEMU stops the guest again at once.
        let _ = qmp.call("cont", json!({})).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;

    #[test]
    fn the_end_of_qemu_means_what_it_was_about_to_do() {
        let ended = |phase: Phase, ending: Ending, whole: bool| {
            let mut record = Record { phase, ..record() };
            conclude(&mut record, ending, Some("the last line".into()), whole);
            (record.phase, record.because)
        };
        let killed = Some("QEMU was killed by signal 9: the last line".to_owned());
        assert_eq!(ended(Phase::Started, Ending::Killed(9), false), (Phase::Off, killed.clone()));
        assert_eq!(ended(Phase::Suspending, Ending::Killed(9), false), (Phase::Off, killed));
        let unknown = Some("QEMU ended unexpectedly: the last line".to_owned());
        assert_eq!(ended(Phase::Started, Ending::Unknown, true), (Phase::Off, unknown));
        assert_eq!(ended(Phase::Ending, Ending::Killed(9), false), (Phase::Off, None));
        for phase in [Phase::Suspending, Phase::Suspended, Phase::Resuming] {
            assert_eq!(
                ended(phase, Ending::Unknown, true),
                (Phase::Suspended, None),
                "the saved state is whole"
            );
        }
    }
}
