//! Drystone: an OpenStack-compatible cloud in one program.

mod control;
mod detach;
mod down;
mod driver_calls;
mod import;
mod keep;
mod log;
mod metrics;
mod operations;
mod output;
mod readmit;
mod rules;
mod run;
mod settings;
mod status;
mod tls;
mod wire_up;

use clap::{Parser, Subcommand};
use run::Role;
use settings::{Form, Said, Settings};
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::Runtime;

// Answers are made of many small pieces: a list of 100 servers spent two fifths of its time in the C library's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An OpenStack-compatible cloud in one program.
#[derive(Parser)]
#[command(version, about, long_about = None, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    said: Said,
}

#[derive(Subcommand)]
enum Command {
    /// Start the cloud: controller and agent in one process
    Up {
        /// Return when the cloud serves, and leave it running
        #[arg(long)]
        detach: bool,
        #[arg(long, hide = true)]
        own_session: bool,
    },
    /// Stop the cloud; its servers and networks go on
    Down {
        /// Remove everything that the cloud made: servers, networks, disks, images, the database
        #[arg(long)]
        destroy: bool,
    },
    /// Show what runs, and what waits for what
    Status,
    /// Work on who is who, while the cloud is stopped
    Identity {
        #[command(subcommand)]
        command: IdentityCommand,
    },
    /// Print every operation of the API: method, path, who may call, since which microversion
    Operations,
    /// Who may do what: list rules, check a policy file, explain a decision
    Policy {
        #[command(subcommand)]
        ask: rules::Ask,
    },
    /// Start the controller alone: API, store and reconcilers
    Controller {
        /// Return when it serves, and leave it running
        #[arg(long)]
        detach: bool,
        #[arg(long, hide = true)]
        own_session: bool,
    },
    /// Start the agent of this host alone; it joins the controller of the same state directory
    Agent {
        /// Not yet: agents run in the foreground
        #[arg(long, hide = true)]
        own_session: bool,
    },
}

#[derive(Subcommand)]
enum IdentityCommand {
    /// Take over the users of a Keystone, and what they may; ids and passwords stay what they are
    Import(import::Wanted),
    /// Let the user `admin` in again: with a new password, enabled, with its roles
    Readmit,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            output::aside(&sentence);
            ExitCode::from(2)
        }
    }
}

fn execute(arguments: Arguments) -> Result<(), String> {
    let settings = Settings::of(arguments.said)?;
    if matches!(arguments.command, Command::Up { .. } | Command::Controller { .. } | Command::Agent { .. }) {
        // What is asked for of the hosts is looked at before anything is changed.
        wire_up::simulation::plans(&settings)?;
        wire_up::repeat::seed(&settings)?;
    }
    let role = match arguments.command {
        Command::Up { detach: true, .. } | Command::Controller { detach: true, .. } => {
            return detach::detach(&settings);
        }
        Command::Up { own_session, .. } => session(Role::Up, own_session),
        Command::Controller { own_session, .. } => session(Role::Controller, own_session),
        Command::Agent { own_session } => session(Role::Agent, own_session),
        Command::Down { destroy } => return carry_out(down::down(&settings, destroy)),
        Command::Operations => {
            match settings.output {
                Form::Json => output::json(&operations::list()),
                Form::Text => output::line(operations::page().trim_end()),
            }
            return Ok(());
        }
        Command::Identity { command: IdentityCommand::Import(wanted) } => {
            return import::import(&settings, wanted);
        }
        Command::Identity { command: IdentityCommand::Readmit } => return readmit::readmit(&settings),
        Command::Policy { ask } => return rules::answer(&settings, ask),
        Command::Status => return carry_out(status::status(&settings)),
    };
    if role != Role::Up && settings.seed.is_some() {
        return Err("--seed is for `drystone up`.".to_owned());
    }
    let (runtime, pace) = wire_up::repeat::runtime(&settings)?;
    ended(runtime, run::run(settings, role, pace))
}

fn session(role: Role, own: bool) -> Role {
    if own {
        detach::own_session();
    }
    role
}

/// How long threads that are busy may hold up the end of the process.
const LAST_MOMENT: Duration = Duration::from_secs(3);

fn carry_out(command: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    ended(built.map_err(|error| format!("The program cannot start: {error}."))?, command)
}

fn ended(runtime: Runtime, command: impl Future<Output = Result<(), String>>) -> Result<(), String> {
    let outcome = runtime.block_on(command);
    runtime.shutdown_timeout(LAST_MOMENT);
    outcome
}
