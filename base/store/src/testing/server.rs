//! The PostgreSQL server of a test process.

use ::postgres::{Client, Config, NoTls};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

struct Server {
    sockets: PathBuf,
    /// Its standard input is the rope: when this process ends, it is cut, and the shell takes the server down.
    _shell: Child,
}

/// Makes an empty database and answers its URL.
pub(super) fn fresh(number: u32) -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    // On a thread of its own, since tests may be asynchronous and the client blocks.
    let made = std::thread::spawn(move || {
        let server = SERVER.get_or_init(start);
        let mut client = connect(&server.sockets).expect("the test server answers");
        client.batch_execute(&format!("CREATE DATABASE test_{number}")).expect("a database can be made");
        format!("host={} user=drystone dbname=test_{number}", server.sockets.display())
    });
    made.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn connect(sockets: &Path) -> Result<Client, ::postgres::Error> {
    Config::new().host_path(sockets).user("drystone").dbname("postgres").connect(NoTls)
}

/// `$0` is the directory of the programs, `$1` ours, which the shell's user makes so that he can remove it. Durability is off: this tests us and not PostgreSQL.
const SCRIPT: &str = r#"
set -e
rm -rf "$1"; mkdir -m 700 "$1"; chmod 755 "$1"
"$0/initdb" -D "$1/data" -U drystone -A trust -E UTF8 --locale=C --no-sync >"$1/log" 2>&1
"$0/postgres" -D "$1/data" -k "$1" -c listen_addresses= -c fsync=off -c synchronous_commit=off \
    -c full_page_writes=off -c max_connections=400 -c shared_buffers=64MB -c autovacuum=off >>"$1/log" 2>&1 </dev/null &
server=$!
read -r _ || true
kill -QUIT $server
wait $server || true
rm -rf "$1"
"#;

fn start() -> Server {
    let programs = programs().unwrap_or_else(|| {
        panic!(
            "This test needs PostgreSQL: apt-get install postgresql. \
             To leave it out: DRYSTONE_TEST_WITHOUT_POSTGRES=1 cargo test"
        )
    });
    let home = std::env::temp_dir().join(format!("drystone-pg-{}", std::process::id()));
    let mut command = unprivileged();
    let shell = command
        .args(["sh", "-c", SCRIPT])
        .args([&programs, &home])
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell for the test server");
    let given_up = Instant::now() + Duration::from_secs(180);
    while connect(&home).is_err() {
        let log = || std::fs::read_to_string(home.join("log")).unwrap_or_default();
        assert!(Instant::now() < given_up, "PostgreSQL did not start:\n{}", log());
        std::thread::sleep(Duration::from_millis(20));
    }
    Server { sockets: home, _shell: shell }
}

/// The newest of Debian's versions.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|bin| bin.join("initdb").exists());
    found.sort();
    found.pop()
}

/// The server refuses to run as root: then it runs as `postgres`, whom Debian's package makes.
fn unprivileged() -> Command {
    let root = std::fs::metadata("/proc/self").is_ok_and(|us| std::os::unix::fs::MetadataExt::uid(&us) == 0);
    if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]);
        return command;
    }
    Command::new("env")
}
