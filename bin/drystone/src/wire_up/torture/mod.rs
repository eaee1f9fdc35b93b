//! Torture: whole clouds in one process, in time that stands still, while their parts die anywhere and apart.
//!
//! Each seed is a cloud of its own: servers and ports are made, changed and removed at random; controller and agents die
//! between any two steps, and links are cut and slow. What was not promised is lost with its part. Then everything is
//! healed and left to itself, and must be as if nothing had happened: nothing stuck, nothing left over, nothing twice.
//!
//! `TORTURE_SEEDS=200` runs so many seeds, `TORTURE_SEED=17` runs that one alone and says what it does.

mod cloud;
mod coverage;
mod life;
mod wire;

use cloud::{Cloud, HOSTS};
use coverage::Coverage;
use life::Life;
use serde_json::{Value, json};
use sim::Pace;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

/// What there is before anything dies.
#[derive(Clone)]
pub struct Given {
    /// The first one stays, others are deleted.
    pub images: Vec<String>,
    pub network: String,
    pub subnet: String,
    pub flavor: String,
    pub token: String,
}

/// Runs something in a runtime of its own whose time is the cloud's.
fn run<T>(start: kernel::Micros, body: impl AsyncFnOnce(Pace) -> T) -> T {
    let pace = Pace::new(kernel::Clock::stepped(start));
    let parked = pace.clone();
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).on_thread_park(move || parked.parked());
    let runtime = runtime.build().unwrap();
    let (hold, held) = mpsc::channel::<()>();
    runtime.spawn_blocking(move || held.recv().is_err());
    let result = runtime.block_on(body(pace));
    drop(hold);
    result
}

/// A cloud in `dir` with an image and a network, switched off.
fn prepared(dir: &Path) -> Given {
    run(sim::pace::START, async |pace| {
        let mut cloud = Cloud::new(dir, pace, 0);
        cloud.heal().await;
        cloud.pass(Duration::from_secs(5)).await;
        let domain = json!({"id": "default"});
        let user = json!({"name": "admin", "domain": domain, "password": cloud.password()});
        let body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": "admin", "domain": domain}}}});
        let (status, token) = cloud.answered("POST", "/identity/v3/auth/tokens", body).await;
        assert_eq!(status, 201);
        let token = token.as_str().unwrap().to_owned();
        cloud.token.clone_from(&token);
        let flavors = cloud.answered("GET", "/compute/v2.1/flavors", Value::Null).await.1;
        let flavor = flavors["flavors"][0]["id"].as_str().unwrap().to_owned();
        let mut images = Vec::new();
        for _ in 0..3 {
            let image = json!({"name": "i", "disk_format": "raw", "container_format": "bare"});
            let image = cloud.answered("POST", "/image/v2/images", image).await.1;
            let image = image["id"].as_str().unwrap().to_owned();
            cloud.upload(&image).await;
            images.push(image);
        }
        let network =
            cloud.answered("POST", "/network/v2.0/networks", json!({"network": {"name": "n"}})).await.1;
        let network = network["network"]["id"].as_str().unwrap().to_owned();
        let subnet = json!({"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24"});
        let made = cloud.answered("POST", "/network/v2.0/subnets", json!({"subnet": subnet})).await.1;
        let subnet = made["subnet"]["id"].as_str().unwrap().to_owned();
        cloud.pass(Duration::from_secs(2)).await;
        cloud.controller_kill();
        for number in 0..HOSTS {
            cloud.host_kill(number).await;
        }
        Given { images, network, subnet, flavor, token }
    })
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            std::fs::copy(entry.path(), to).map(drop).unwrap()
        }
    }
}

/// One seed: what is wrong afterwards.
fn tortured(template: &Path, dir: &Path, given: &Given, seed: u64, all: &Coverage) -> Vec<String> {
    copy(template, dir);
    // Later than anything that the template knows.
    let start = sim::pace::START.plus(Duration::from_secs(60));
    let wrong = run(start, async |pace| {
        let mut cloud = Cloud::new(dir, pace, seed);
        cloud.token.clone_from(&given.token);
        let mut life = Life::new(given.clone());
        life.live(&mut cloud).await;
        let wrong = life.judged(&mut cloud).await;
        all.add(&cloud.coverage);
        all.lived(life.accepted, life.active);
        wrong
    });
    std::fs::remove_dir_all(dir).unwrap();
    wrong
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_dies_nothing_is_stuck_left_over_or_twice() {
    let one = number("TORTURE_SEED");
    let (first, count) =
        (one.unwrap_or(1), if one.is_some() { 1 } else { number("TORTURE_SEEDS").unwrap_or(1000) });
    // Where fsync costs nothing, if there is such a place: what it is to promise is simulated.
    let parent = Some(Path::new("/dev/shm"))
        .filter(|dir| dir.is_dir())
        .map_or_else(std::env::temp_dir, Path::to_owned);
    let place = tempfile::tempdir_in(parent).unwrap();
    let template = place.path().join("template");
    std::fs::create_dir(&template).unwrap();
    let given = prepared(&template);
    let (coverage, next, failed) = (Coverage::default(), AtomicU64::new(first), Mutex::new(Vec::new()));
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= first + count || !failed.lock().unwrap().is_empty() {
                        return;
                    }
                    let dir = place.path().join(seed.to_string());
                    let run = || tortured(&template, &dir, &given, seed, &coverage);
                    let wrong = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
                    let wrong = wrong.unwrap_or_else(|_| vec!["a panic".to_owned()]);
                    if !wrong.is_empty() {
                        failed.lock().unwrap().push((seed, wrong));
                    }
                }
            });
        }
    });
    let ((controllers, agents), (accepted, active)) = (coverage.deaths(), coverage.lives());
    println!(
        "{count} clouds in {:.1} s: {controllers} controllers died at a step and {agents} agents at a call; {accepted} \
         requests were accepted, {active} servers ran in the end",
        began.elapsed().as_secs_f64()
    );
    if let Some((seed, wrong)) = failed.lock().unwrap().first() {
        panic!("seed {seed} (again: TORTURE_SEED={seed}):\n{}", wrong.join("\n"));
    }
    if count >= 200 {
        assert!(accepted > 3 * count && active > count / 4 && controllers > count && agents > count / 4);
        let missing = coverage.missing();
        assert!(missing.is_empty(), "nothing ever died at {}", missing.join(", "));
    }
}
