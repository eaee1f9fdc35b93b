//! One daemon: what it is called with, whether it runs, how it starts and ends.

use super::StartError;
use crate::namespace;
use crate::place::Place;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The Debian packages that bring everything that is run.
pub const PACKAGES: &str = "openvswitch-switch ovn-central ovn-host iproute2 nftables";

/// The daemon that needs all others.
pub const LAST: &str = "controller";

/// How long a daemon may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon as it is called.
#[derive(Debug)]
pub struct Daemon {
    /// Its name among ours: that of its pid file and log.
    pub name: &'static str,
    program: &'static str,
    arguments: Vec<String>,
    /// The schema of the database that it serves.
    pub database: Option<&'static str>,
}

/// The six daemons of a cloud on one host.
pub fn all(place: &Place) -> Vec<Daemon> {
    let unix = |name: &str| format!("unix:{}", place.socket(name).display());
    let server = |name: &'static str, schema: &'static str| Daemon {
        name,
        program: "ovsdb-server",
        arguments: vec![
            format!("--remote=p{}", unix(name)),
            control(place, name),
            database(place, name).display().to_string(),
        ],
        database: Some(schema),
    };
    let northd = vec![
        control(place, "northd"),
        format!("--ovnnb-db={}", unix("nb")),
        format!("--ovnsb-db={}", unix("sb")),
    ];
    vec![
        server("nb", "/usr/share/ovn/ovn-nb.ovsschema"),
        server("sb", "/usr/share/ovn/ovn-sb.ovsschema"),
        server("conf", "/usr/share/openvswitch/vswitch.ovsschema"),
        Daemon { name: "northd", program: "ovn-northd", arguments: northd, database: None },
        Daemon {
            name: "vswitchd",
            program: "ovs-vswitchd",
            arguments: vec![control(place, "vswitchd"), unix("conf")],
            database: None,
        },
        // 23.03 takes no --unixctl; its control socket carries its pid in its name.
        Daemon { name: LAST, program: "ovn-controller", arguments: vec![unix("conf")], database: None },
    ]
}

fn control(place: &Place, name: &str) -> String {
    format!("--unixctl={}", place.run.join(format!("{name}.ctl")).display())
}

/// The file of a database.
pub fn database(place: &Place, name: &str) -> PathBuf {
    place.state.join(format!("{name}.db"))
}

/// The log of a daemon.
pub fn log(place: &Place, name: &str) -> PathBuf {
    place.state.join(format!("{name}.log"))
}

/// Every program and schema is installed.
pub fn find_programs() -> Result<(), StartError> {
    for name in ["ovsdb-server", "ovsdb-tool", "ovs-vswitchd", "ovn-northd", "ovn-controller", "ip"] {
        if namespace::program(name).is_none() {
            return Err(StartError::Missing(format!("`{name}`")));
        }
    }
    Ok(())
}

/// The process that holds the lock on a pid file. Daemons hold it for as long as they live, so that neither a stale
/// file nor a reused pid can deceive.
pub fn holder(pid_file: &Path) -> Option<i32> {
    let file = std::fs::File::open(pid_file).ok()?;
    let mut lock = libc::flock {
        l_type: libc::F_WRLCK as _,
        l_whence: libc::SEEK_SET as _,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    fcntl(&file, FcntlArg::F_GETLK(&mut lock)).ok()?;
    (i32::from(lock.l_type) != libc::F_UNLCK && lock.l_pid > 0).then_some(lock.l_pid)
}

/// The daemon's database is there, in the form that the installed release wants.
pub async fn prepare(place: &Place, daemon: &Daemon) -> Result<(), StartError> {
    let Some(schema) = daemon.database else { return Ok(()) };
    if holder(&place.pid_file(daemon.name)).is_some() {
        return Ok(());
    }
    if !Path::new(schema).exists() {
        return Err(StartError::Missing(schema.to_owned()));
    }
    let file = database(place, daemon.name);
    let tool = |word: &str| {
        let mut tool = namespace::command("ovsdb-tool");
        tool.arg(word).arg(&file).arg(schema);
        tool
    };
    if !file.exists() {
        // Under another name first: a crash in between must not leave half a database.
        let half = file.with_extension("new");
        let _ = std::fs::remove_file(&half);
        namespace::feed(namespace::command("ovsdb-tool").arg("create").arg(&half).arg(schema), "").await?;
        return Ok(std::fs::rename(half, file)?);
    }
    let answer = tool("needs-conversion").output().await?;
    if answer.stdout.starts_with(b"yes") {
        namespace::feed(&mut tool("convert"), "").await?;
    }
    Ok(())
}

/// The daemon runs.
pub async fn ensure(place: &Place, daemon: &Daemon) -> Result<(), StartError> {
    if let Some(pid) = holder(&place.pid_file(daemon.name)) {
        tracing::info!(daemon = daemon.name, pid, "adopted");
        return Ok(());
    }
    start(place, daemon).await
}

/// Starts the daemon in the cloud's namespace and waits until it says that it is ready.
pub async fn start(place: &Place, daemon: &Daemon) -> Result<(), StartError> {
    let complaints = place.state.join(format!("{}.err", daemon.name));
    let mut command = command(place, daemon);
    command.stderr(std::fs::File::create(&complaints)?);
    let name = place.namespace();
    let run = namespace::within(Some(&name), move || command.status());
    let failed = |reason: String| StartError::Daemon {
        daemon: daemon.name,
        reason,
        log: log(place, daemon.name).display().to_string(),
    };
    match tokio::time::timeout(PATIENCE, run).await {
        Err(_) => Err(failed(format!("it is not ready after {PATIENCE:?}"))),
        Ok(Err(error)) => Err(failed(error.to_string())),
        Ok(Ok(status)) if status.success() => Ok(()),
        // It lost a race against itself: its monitor had brought it back.
        Ok(Ok(_)) if holder(&place.pid_file(daemon.name)).is_some() => Ok(()),
        Ok(Ok(_)) => Err(failed(std::fs::read_to_string(&complaints).unwrap_or_default().trim().to_owned())),
    }
}

fn command(place: &Place, daemon: &Daemon) -> Command {
    let mut command =
        Command::new(namespace::program(daemon.program).unwrap_or_else(|| daemon.program.into()));
    for product in ["OVS", "OVN"] {
        for directory in ["RUNDIR", "LOGDIR", "DBDIR", "SYSCONFDIR"] {
            command.env(format!("{product}_{directory}"), &place.run);
        }
    }
    command
        .args(["--detach", "--monitor", "-vconsole:off"])
        .arg(format!("--pidfile={}", place.pid_file(daemon.name).display()))
        .arg(format!("--log-file={}", log(place, daemon.name).display()))
        .args(&daemon.arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command
}

/// Ends every daemon of the cloud, their monitors too: whatever of these programs is in its namespace or holds one
/// of its pid files.
pub async fn end_all(place: &Place) -> io::Result<()> {
    for _ in 0..200 {
        let processes = processes(place);
        if processes.is_empty() {
            return Ok(());
        }
        for pid in processes {
            // It may have ended since it was seen.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(io::Error::other(
        "the daemons of the switch do not end, although they were killed; look for them with ps",
    ))
}

fn processes(place: &Place) -> Vec<i32> {
    const PROGRAMS: [&str; 4] = ["ovsdb-server", "ovs-vswitchd", "ovn-northd", "ovn-controller"];
    let inode = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    let name = place.namespace();
    let home = if namespace::exists(&name) { inode(&namespace::path(&name)) } else { None };
    let ours = |pid: &i32| {
        let process = PathBuf::from(format!("/proc/{pid}"));
        let program = std::fs::read_to_string(process.join("comm")).unwrap_or_default();
        PROGRAMS.contains(&program.trim()) && home.is_some() && inode(&process.join("ns/net")) == home
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut found: Vec<i32> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(ours).collect();
    found.extend(all(place).iter().filter_map(|daemon| holder(&place.pid_file(daemon.name))));
    found.sort_unstable();
    found.dedup();
    found
}
