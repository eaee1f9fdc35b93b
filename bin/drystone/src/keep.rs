//! Files in the state directory that clients and people read: generated passwords and `clouds.yaml`. Only the owner of
//! the state directory can read them.

use crate::settings::{Metal, Settings};
use kernel::{Entropy, LockError, LockFile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Takes a half (`controller`, `agent`) of the cloud in a state directory for this process, or says who has it.
pub fn hold(state_dir: &Path, half: &str) -> Result<LockFile, String> {
    let path = state_dir.join(format!("{half}.lock"));
    LockFile::take(&path).map_err(|error| match error {
        LockError::Unusable(error) => format!("The lock file {} cannot be used: {error}.", path.display()),
        held => format!(
            "{} is in use by {}: stop it with `drystone down`, or choose another --state-dir.",
            state_dir.display(),
            held.who()
        ),
    })
}

/// Who the controller of a state directory is among those of one database; stays over restarts.
pub fn controller_id(state_dir: &Path, entropy: &Entropy) -> io::Result<String> {
    let path = state_dir.join("controller-id");
    match fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => Ok(id.trim().to_owned()),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => {
            let id = entropy.dashed_id();
            write_private(&path, id.as_bytes())?;
            Ok(id)
        }
    }
}

/// Where the PostgreSQL database of this cloud is, as it was started last: `down --destroy` has to find it.
pub fn database(state_dir: &Path) -> Option<String> {
    fs::read_to_string(state_dir.join("database")).ok()
}

/// Remembers that.
pub fn remember_database(state_dir: &Path, url: &str) -> Result<(), String> {
    write_private(&state_dir.join("database"), url.as_bytes())
        .map_err(|error| format!("{} cannot be written: {error}.", state_dir.join("database").display()))
}

/// The generated passwords.
#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
pub struct Passwords {
    /// Of the user `admin`.
    pub admin: String,
    /// Of the user `demo`, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub demo: Option<String>,
}

impl Passwords {
    /// The name of the file that they are in.
    pub const FILE: &str = "passwords.json";

    /// The passwords that are kept here; none where the cloud was first started by another controller.
    pub fn kept(state_dir: &Path) -> io::Result<Option<Self>> {
        read_json(&Self::path(state_dir))
    }

    /// The passwords of a cloud that is about to be made. They are on disk before users are made with them, so that a
    /// crash in between cannot lose them.
    pub fn make(state_dir: &Path, entropy: &Entropy) -> io::Result<Self> {
        let made = Self { admin: entropy.password(), demo: Some(entropy.password()) };
        made.keep(state_dir)?;
        Ok(made)
    }

    /// Keeps these instead of what was kept.
    pub fn keep(&self, state_dir: &Path) -> io::Result<()> {
        write_json(&Self::path(state_dir), self)
    }

    /// Where they are kept.
    pub fn path(state_dir: &Path) -> PathBuf {
        state_dir.join(Self::FILE)
    }

    /// Forgets passwords that no user got, since another controller was first.
    pub fn forget(state_dir: &Path) -> io::Result<()> {
        fs::remove_file(Self::path(state_dir))
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

/// A cloud never changes its metal: one that stands on the other is refused. Changes nothing.
pub fn same_metal(settings: &Settings) -> Result<(), String> {
    match metal(&settings.state_dir) {
        Some(known) if known != settings.metal => Err(format!(
            "{} holds a cloud on {} metal: start it with --metal {}, or choose another --state-dir.",
            settings.state_dir.display(),
            known.word(),
            known.word()
        )),
        _ => Ok(()),
    }
}

/// Remembers the metal, which is the [`same_metal`].
pub fn remember_metal(settings: &Settings) -> Result<(), String> {
    match metal(&settings.state_dir) {
        Some(_) => Ok(()),
        None => write_private(&settings.state_dir.join("metal"), settings.metal.word().as_bytes())
            .map_err(|error| format!("{} cannot be written: {error}.", settings.state_dir.display())),
    }
}

/// Copies of files, where they are there, under names that end in `.old`; the paths of these.
pub fn set_aside(state_dir: &Path, names: &[&str]) -> io::Result<Vec<String>> {
    let mut aside = Vec::new();
    for name in names {
        match fs::read(state_dir.join(name)) {
            Ok(content) => {
                let old = state_dir.join(format!("{name}.old"));
                write_private(&old, &content)?;
                aside.push(old.display().to_string());
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(aside)
}

/// What [`write_json`] has written; `None` if there is no such file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file as [`write_private`] does.
pub fn write_json(path: &Path, content: &impl Serialize) -> io::Result<()> {
    write_private(path, &serde_json::to_vec(content).map_err(io::Error::other)?)
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
    let mut text = String::from("clouds:\n");
    if let Some(demo) = &passwords.demo {
        text += &cloud("drystone", "demo", demo);
    }
    text += &cloud("drystone-admin", "admin", &passwords.admin);
    write_private(&settings.state_dir.join("clouds.yaml"), text.as_bytes())
}

/// A YAML scalar in double quotes, which JSON's are too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
