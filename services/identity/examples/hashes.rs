//! What all processors hash together when nothing else is done, for `bench/identity` to hold logins against:
//! `cargo run --release -p drystone-identity --example hashes [SCHEME [COST]]`.

#![allow(clippy::print_stdout, reason = "a program for people who measure")]

use identity::model::password::{Scheme, hash};
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

const SPAN: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or_else(|| "bcrypt".to_owned());
    let cost = arguments.next().map_or(Ok(12), |cost| cost.parse())?;
    let scheme = Scheme::named(&name, cost).ok_or("no such scheme")?;
    // Each thread counts whole hashes in its own time: none is cut off by the end.
    let rate = move || {
        let (begun, mut count) = (Instant::now(), 0u32);
        while begun.elapsed() < SPAN {
            count += u32::from(hash(b"a word of the user", scheme, [7; 16]).is_some());
        }
        f64::from(count) / begun.elapsed().as_secs_f64()
    };
    let processors = thread::available_parallelism()?.get();
    let threads: Vec<_> = (0..processors).map(|_| thread::spawn(rate)).collect();
    let all: f64 = threads.into_iter().filter_map(|thread| thread.join().ok()).sum();
    println!("{all:.2}");
    Ok(())
}
