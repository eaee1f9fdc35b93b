//! `drystone identity readmit`: lets the administrator in again.

use crate::keep::Passwords;
use crate::output;
use crate::settings::{Form, Settings};
use crate::wire_up;
use fault::Fault;
use kernel::{Clock, Entropy};
use serde_json::json;
use std::io;

/// Does it. The error is a sentence for the operator.
pub fn readmit(settings: &Settings) -> Result<(), String> {
    let done = give(settings).map_err(|fault| fault.to_string())?;
    let path = Passwords::path(&settings.state_dir);
    match settings.output {
        Form::Json => {
            output::json(&json!({"event": "readmit", "user": "admin", "passwords": path, "done": done}))
        }
        Form::Text => {
            done.iter().for_each(|line| output::line(line));
            output::line(&format!(
                "The user admin of the domain Default has a new password, which is in {}. Its tokens so far have ended. \
                 clouds.yaml says the new one from the next start on.",
                path.display()
            ));
        }
    }
    Ok(())
}

fn give(settings: &Settings) -> Result<Vec<&'static str>, Fault> {
    let dir = &settings.state_dir;
    let unkept = |error: io::Error| {
        let path = Passwords::path(dir);
        Fault::bad_input(format!("{} cannot be used: {error}.", path.display()))
    };
    if settings.database.is_none() && !dir.join("drystone.sqlite").exists() {
        return Err(Fault::bad_input(format!("There is no cloud in {}.", dir.display())));
    }
    let entropy = Entropy::system().map_err(Fault::bug)?;
    let db = wire_up::open_store(settings, &Clock::system(), &entropy)?;
    let before = Passwords::kept(dir).map_err(unkept)?;
    let demo = before.as_ref().map_or_else(String::new, |before| before.demo.clone());
    // It is on disk before it is anybody's, so that a crash in between cannot lose it: then this is called again.
    let new = Passwords { admin: entropy.password(), demo };
    new.keep(dir).map_err(unkept)?;
    identity::readmit::readmit(&db, &wire_up::identity_settings(settings), &new.admin).inspect_err(|_| {
        let back = before.map_or_else(|| Passwords::forget(dir), |before| before.keep(dir));
        if let Err(error) = back {
            output::aside(&unkept(error).to_string());
        }
    })
}
