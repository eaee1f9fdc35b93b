//! What waits for the store's threads, in two lanes: what a client waits for, and work that nobody waits for.
//!
//! A request is a few short transactions; the work that it sets off is many. In one lane each request would stand
//! behind the work of all earlier ones.

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};
use std::cell::Cell;

/// Closures that may wait in a lane; beyond it the store says that it is busy instead of growing without bound.
const ROOM: usize = 8192;

/// After so many of the prompt lane one of the patient lane has its turn, however many wait: work is never starved.
const TURN: u32 = 4;

/// Where closures are put.
pub(crate) struct Queue<T> {
    prompt: Sender<T>,
    patient: Sender<T>,
}

/// Where a thread takes them from.
pub(crate) struct Jobs<T> {
    prompt: Receiver<T>,
    patient: Receiver<T>,
    /// So many prompt ones since the last patient one.
    run: Cell<u32>,
}

/// The two ends of a queue.
pub(crate) fn queue<T>() -> (Queue<T>, Jobs<T>) {
    let (prompt, prompt_jobs) = bounded(ROOM);
    let (patient, patient_jobs) = bounded(ROOM);
    (Queue { prompt, patient }, Jobs { prompt: prompt_jobs, patient: patient_jobs, run: Cell::new(0) })
}

impl<T> Queue<T> {
    /// The lane for work that gives way, or the one for the rest.
    pub fn lane(&self, patient: bool) -> &Sender<T> {
        if patient { &self.patient } else { &self.prompt }
    }

    /// Puts a closure into a lane, unless that is full.
    pub fn put(&self, patient: bool, job: T) -> Result<(), TrySendError<T>> {
        self.lane(patient).try_send(job)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.prompt.len() + self.patient.len()
    }
}

impl<T> Jobs<T> {
    /// The same queue, for another thread.
    pub fn another(&self) -> Self {
        Self { prompt: self.prompt.clone(), patient: self.patient.clone(), run: Cell::new(0) }
    }

    /// The next closure, waiting for one; `None` when all are done and there will be no more.
    pub fn wait(&self) -> Option<T> {
        if let Some(job) = self.next() {
            return Some(job);
        }
        // A lane that has been closed and is empty says so at once; the other may still hold some.
        let (job, run) = select! {
            recv(self.prompt) -> job => (job.or_else(|_| self.patient.recv()), 1),
            recv(self.patient) -> job => (job.or_else(|_| self.prompt.recv()), 0),
        };
        self.run.set(run);
        job.ok()
    }

    /// The next closure, if one waits.
    pub fn next(&self) -> Option<T> {
        let patient_first = self.run.get() >= TURN;
        let prompt = || self.prompt.try_recv().ok().inspect(|_| self.run.set(self.run.get() + 1));
        let patient = || self.patient.try_recv().ok().inspect(|_| self.run.set(0));
        if patient_first { patient().or_else(prompt) } else { prompt().or_else(patient) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(jobs: &Jobs<u32>) -> Vec<u32> {
        std::iter::from_fn(|| jobs.next()).collect()
    }

    #[test]
    fn what_somebody_waits_for_is_first_and_the_rest_is_not_starved() {
        let (queue, jobs) = queue();
        for number in 0..3 {
            queue.put(true, 100 + number).unwrap();
        }
        for number in 0..10 {
            queue.put(false, number).unwrap();
        }
        assert_eq!(queue.len(), 13);
        assert_eq!(order(&jobs), [0, 1, 2, 3, 100, 4, 5, 6, 7, 101, 8, 9, 102]);
    }

    #[test]
    fn all_that_waits_is_taken_before_the_end() {
        let (queue, jobs) = queue();
        queue.put(true, 2).unwrap();
        queue.put(true, 3).unwrap();
        queue.put(false, 1).unwrap();
        let another = jobs.another();
        drop(queue);
        let taken: Vec<u32> = std::iter::from_fn(|| jobs.wait()).collect();
        assert_eq!((taken, another.wait()), (vec![1, 2, 3], None));
    }

    #[test]
    fn a_full_lane_says_so() {
        let (queue, _jobs) = queue();
        for number in 0..ROOM {
            queue.put(true, number).unwrap();
        }
        assert!(queue.put(true, 0).is_err());
        assert!(queue.put(false, 0).is_ok(), "the other one has room");
    }
}
