//! `--detach`: starts this program again in a session of its own and returns when it serves.

use crate::output;
use crate::settings::Settings;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// The flag by which the detached process knows itself.
pub const OWN_SESSION: &str = "--own-session";

/// Starts the process and passes on what it says until it serves, or why it does not.
pub fn detach(settings: &Settings) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("The cloud cannot be started in the background: {error}.");
    let known = settings.state_dir.exists();
    crate::keep::state_dir(&settings.state_dir).map_err(failed)?;
    let log_path = settings.state_dir.join("drystone.log");
    let log = File::options().create(true).append(true).open(&log_path).map_err(failed)?;
    let begin = log.metadata().map_err(failed)?.len();
    let program = std::env::current_exe().map_err(failed)?;
    let arguments = std::env::args_os().skip(1).filter(|argument| argument != "--detach");
    let mut child = Command::new(program)
        .args(arguments)
        .arg(OWN_SESSION)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .map_err(failed)?;
    let stdout = child.stdout.take().ok_or("The cloud's output is lost.")?;
    for line in BufReader::new(stdout).lines() {
        let line = line.map_err(failed)?;
        output::line(&line);
        if line.contains("\"event\":\"ready\"") || line.trim_start().starts_with("openstack --os-cloud") {
            return Ok(());
        }
    }
    let status = child.wait().map_err(failed)?;
    let mut said = String::new();
    let mut log = File::open(&log_path).map_err(failed)?;
    std::io::Seek::seek(&mut log, std::io::SeekFrom::Start(begin)).map_err(failed)?;
    log.read_to_string(&mut said).map_err(failed)?;
    let last = said.lines().rev().find(|line| !line.starts_with('…')).unwrap_or("it said nothing");
    // A cloud that did not get as far as keeping anything leaves nothing.
    if !known && !settings.state_dir.join("metal").exists() {
        let _ = std::fs::remove_file(&log_path);
        let _ = std::fs::remove_dir(&settings.state_dir);
        return Err(last.to_owned());
    }
    Err(format!("{last} (it ended with {status}; more in {})", log_path.display()))
}

/// The detached process leaves the terminal and the session that it was started in.
pub fn own_session() {
    let _ = nix::unistd::setsid();
}
