//! Files in the state directory that clients and people read: generated passwords and `clouds.yaml`. Only the owner of
//! the state directory can read them.

use crate::settings::{Metal, Settings};
use kernel::Entropy;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The generated passwords.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Passwords {
    /// Of the user `admin`.
    pub admin: String,
    /// Of the user `demo`.
    pub demo: String,
}

impl Passwords {
    /// The passwords of this cloud. They are on disk before the first start makes users with them, so that a crash in
    /// between cannot lose them. Says whether they were made just now.
    pub fn of(state_dir: &Path, entropy: &Entropy) -> io::Result<(Self, bool)> {
        let path = state_dir.join("passwords.json");
        match fs::read(&path) {
            Ok(text) => Ok((serde_json::from_slice(&text).map_err(io::Error::other)?, false)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = Self { admin: entropy.password(), demo: entropy.password() };
                write_private(&path, &serde_json::to_vec(&made).map_err(io::Error::other)?)?;
                Ok((made, true))
            }
            Err(error) => Err(error),
        }
    }
}

/// Makes the state directory, for its owner alone.
pub fn state_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o711))
}

/// The metal that the cloud in a state directory stands on; `None` before its first start.
pub fn metal(state_dir: &Path) -> Option<Metal> {
    let word = fs::read_to_string(state_dir.join("metal")).ok()?;
    [Metal::Real, Metal::Sim].into_iter().find(|metal| metal.word() == word.trim())
}

/// Remembers the metal. A cloud never changes its metal: one that stands on the other is refused.
pub fn remember_metal(settings: &Settings) -> Result<(), String> {
    match metal(&settings.state_dir) {
        Some(known) if known != settings.metal => Err(format!(
            "{} holds a cloud on {} metal: start it with --metal {}, or choose another --state-dir.",
            settings.state_dir.display(),
            known.word(),
            known.word()
        )),
        Some(_) => Ok(()),
        None => write_private(&settings.state_dir.join("metal"), settings.metal.word().as_bytes())
            .map_err(|error| format!("{} cannot be written: {error}.", settings.state_dir.display())),
    }
}

/// Writes a file whole or not at all, readable by its owner alone.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&new)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// Writes `clouds.yaml` with the clouds `drystone` (demo) and `drystone-admin`.
pub fn clouds_yaml(
    settings: &Settings,
    public_url: &str,
    cacert: Option<&Path>,
    passwords: &Passwords,
) -> io::Result<()> {
    let trust =
        cacert.map_or(String::new(), |path| format!("    cacert: {}\n", quoted(&path.display().to_string())));
    let cloud = |name: &str, user: &str, password: &str| {
        format!(
            "  {name}:\n    auth:\n      auth_url: {}\n      username: {user}\n      password: {}\n      \
             project_name: {user}\n      user_domain_id: default\n      project_domain_id: default\n    \
             region_name: {}\n    interface: public\n    identity_api_version: 3\n{trust}",
            quoted(&format!("{public_url}/v3")),
            quoted(password),
            quoted(&settings.region),
        )
    };
    let text = format!(
        "clouds:\n{}{}",
        cloud("drystone", "demo", &passwords.demo),
        cloud("drystone-admin", "admin", &passwords.admin)
    );
    write_private(&settings.state_dir.join("clouds.yaml"), text.as_bytes())
}

/// A YAML scalar in double quotes, which JSON's are too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
