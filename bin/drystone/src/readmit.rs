//! `drystone identity readmit`: lets the administrator in again.

use crate::keep::{self, Passwords};
use crate::output;
use crate::settings::{Form, Settings};
use crate::wire_up;
use fault::{Fault, Kind};
use kernel::Entropy;
use serde_json::json;
use std::io;

/// What was done.
struct Done {
    /// What else kept the administrator out.
    told: Vec<&'static str>,
    /// Files that are kept under another name.
    aside: Vec<String>,
}

/// Does it. The error is a sentence for the operator.
pub fn readmit(settings: &Settings) -> Result<(), String> {
    let Done { told, aside } = give(settings).map_err(|fault| fault.to_string())?;
    let path = Passwords::path(&settings.state_dir);
    match settings.output {
        Form::Json => output::json(
            &json!({"event": "readmit", "user": "admin", "passwords": path, "done": told, "aside": aside}),
        ),
        Form::Text => {
            output::line(&format!(
                "The user admin of the domain Default has a new password, which is in {}. Its tokens so far have ended.",
                path.display()
            ));
            told.iter().for_each(|line| output::line(line));
            output::line("clouds.yaml says the new password from the next start on.");
            if !aside.is_empty() {
                output::line(&format!("What was there before is in {}.", aside.join(" and ")));
            }
        }
    }
    Ok(())
}

fn give(settings: &Settings) -> Result<Done, Fault> {
    let dir = &settings.state_dir;
    let unkept = |error: io::Error| {
        Fault::bad_input(format!("The passwords cannot be kept in {}: {error}.", dir.display()))
    };
    let entropy = Entropy::system().map_err(Fault::bug)?;
    let db = wire_up::open_known_store(settings, &entropy)?;
    if !identity::bootstrap::founded(&db)? {
        return Err(wire_up::no_cloud(settings));
    }
    // One that cannot be read is no obstacle: it is what this is for.
    let before = Passwords::kept(dir).ok().flatten();
    let aside = keep::set_aside(dir, &[Passwords::FILE, "clouds.yaml"]).map_err(unkept)?;
    let demo = before.as_ref().and_then(|before| before.demo.clone());
    // It is on disk before it is anybody's, so that a crash in between loses none that lets somebody in.
    let new = Passwords { admin: entropy.password(), demo };
    new.keep(dir).map_err(unkept)?;
    let told = identity::readmit::readmit(&db, &wire_up::identity_settings(settings), &new.admin);
    if let (Err(Fault { kind: Kind::Forbidden | Kind::NotFound, .. }), Some(before)) = (&told, &before) {
        // It was refused, for certain: the former one is good.
        before.keep(dir).map_err(unkept)?;
    }
    Ok(Done { told: told?, aside })
}
