//! The disks of servers: `STATE_DIR/disks/<server>/<name>-<incarnation>.<kind>`.
//!
//! A file of a new incarnation takes the place of the same file of older ones, which go as soon as it is there.

use crate::durable::{Draft, clean, failed};
use crate::overlay::{self, Base};
use crate::{blank, iso, sandbox};
use metal::driver::{Driven, DriverError, MachineDisk};
use metal::server::ImageSource;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const GIB: u64 = 1 << 30;

/// The disks below a folder.
pub struct Servers {
    /// `STATE_DIR/disks`.
    pub folder: PathBuf,
}

/// An id that can be the name of a file.
pub fn plain_name(id: &str) -> Driven<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if id.is_empty() || id.len() > 64 || !id.bytes().all(plain) {
        return Err(DriverError::Refused(format!("{id:?} cannot be the name of a file")));
    }
    Ok(())
}

impl Servers {
    /// Takes the folder over.
    pub fn open(folder: PathBuf) -> Driven<Self> {
        let servers = Self { folder };
        std::fs::create_dir_all(&servers.folder).map_err(|error| failed("make", &servers.folder, &error))?;
        for id in servers.all()? {
            let folder = servers.folder.join(id);
            clean(&folder).map_err(|error| failed("clean", &folder, &error))?;
        }
        Ok(servers)
    }

    /// Servers that have a folder.
    pub fn all(&self) -> Driven<Vec<String>> {
        let told = |error: std::io::Error| failed("read", &self.folder, &error);
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(told)? {
            ids.push(entry.map_err(told)?.file_name().to_string_lossy().into_owned());
        }
        ids.sort();
        Ok(ids)
    }

    /// Names of the copies of images that some server's disk lies on.
    pub fn bases(&self) -> Driven<BTreeSet<String>> {
        let mut bases = BTreeSet::new();
        for id in self.all()? {
            for path in self.files(&id)? {
                if path.extension().is_some_and(|kind| kind == "qcow2") {
                    let base = overlay::base(&path).map_err(|error| failed("read", &path, &error))?;
                    bases.extend(base.as_deref().and_then(|base| base.rsplit('/').next()).map(str::to_owned));
                }
            }
        }
        Ok(bases)
    }

    fn files(&self, id: &str) -> Driven<Vec<PathBuf>> {
        let folder = self.folder.join(id);
        let told = |error: std::io::Error| failed("read", &folder, &error);
        match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(told(error)),
            Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path()).map_err(told)).collect(),
        }
    }

    /// The path of a server's file, in a folder that is there.
    fn path(&self, id: &str, name: &str, incarnation: i64, kind: &str) -> Driven<PathBuf> {
        plain_name(id)?;
        plain_name(name)?;
        let folder = self.folder.join(id);
        std::fs::create_dir_all(&folder).map_err(|error| failed("make", &folder, &error))?;
        Ok(folder.join(format!("{name}-{incarnation}.{kind}")))
    }

    /// Removes the same file of older incarnations.
    fn replaces(&self, id: &str, name: &str, incarnation: i64) -> Driven<()> {
        for path in self.files(id)? {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let number = stem.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            if number.and_then(|number| number.parse::<i64>().ok()).is_some_and(|number| number < incarnation)
            {
                std::fs::remove_file(&path).map_err(|error| failed("remove", &path, &error))?;
            }
        }
        Ok(())
    }

    /// The root disk.
    pub fn root(
        &self,
        id: &str,
        incarnation: i64,
        image: &ImageSource,
        base: &Path,
        gib: u64,
    ) -> Driven<MachineDisk> {
        let path = self.path(id, "root", incarnation, "qcow2")?;
        let wanted =
            gib.checked_mul(GIB).ok_or_else(|| DriverError::Refused(format!("{gib} GiB is too large")))?;
        if path.is_file() {
            grow(&path, wanted)?;
        } else {
            make_root(&path, image, base, wanted)?;
        }
        self.replaces(id, "root", incarnation)?;
        Ok(MachineDisk { path, format: "qcow2".into() })
    }

    /// A further disk.
    pub fn blank(&self, id: &str, incarnation: i64, name: &str, mib: u64) -> Driven<MachineDisk> {
        let path = self.path(id, name, incarnation, "raw")?;
        if !path.is_file() {
            blank::make(&path, name, mib)?;
        }
        self.replaces(id, name, incarnation)?;
        Ok(MachineDisk { path, format: "raw".into() })
    }

    /// The config drive: written again when its content has changed.
    pub fn config_drive(&self, id: &str, incarnation: i64, files: &[(String, Vec<u8>)]) -> Driven<PathBuf> {
        let path = self.path(id, "config", incarnation, "iso")?;
        let content = iso::image("config-2", files).map_err(DriverError::Refused)?;
        if std::fs::read(&path).ok().as_ref() != Some(&content) {
            let mut draft = Draft::new(&path)?;
            draft.file.write_all(&content).map_err(|error| failed("write", &path, &error))?;
            draft.keep()?;
        }
        self.replaces(id, "config", incarnation)?;
        Ok(path)
    }

    /// Nothing of the server's disks is left.
    pub fn remove(&self, id: &str) -> Driven<()> {
        plain_name(id)?;
        let folder = self.folder.join(id);
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(failed("remove", &folder, &error))
            }
            _ => Ok(()),
        }
    }
}

fn make_root(path: &Path, image: &ImageSource, base: &Path, wanted: u64) -> Driven<()> {
    let mut file = File::open(base).map_err(|error| failed("open", base, &error))?;
    // Inspected when it was taken; looked at again because a file on a disk can change.
    let found = inspect::inspect(&image.format, &mut file).map_err(|refusal| {
        DriverError::Refused(format!("the copy of image {} is not usable: {refusal}", image.id))
    })?;
    let own = found.virtual_size.next_multiple_of(512);
    if wanted > 0 && wanted < own {
        return Err(DriverError::Refused(format!(
            "Flavor's disk is too small for requested image. Flavor disk is {wanted} bytes, image is {own} bytes."
        )));
    }
    let format = match found.format {
        inspect::Format::Raw | inspect::Format::Gpt | inspect::Format::Iso => "raw",
        inspect::Format::Vhd => "vpc",
        other => other.name(),
    };
    let name = format!("../../images/{}", base.file_name().unwrap_or_default().to_string_lossy());
    let mut draft = Draft::new(path)?;
    overlay::write(&mut draft.file, wanted.max(own), Some(&Base { name: &name, format }))
        .map_err(|error| failed("write", path, &error))?;
    draft.keep()
}

/// Grows a disk that is there. It never shrinks: what a guest has written stays.
fn grow(path: &Path, wanted: u64) -> Driven<()> {
    let size = overlay::size(path).map_err(|error| failed("read", path, &error))?;
    if wanted <= size {
        return Ok(());
    }
    let mut resize = Command::new("qemu-img");
    resize.args(["resize", "-q", "-f", "qcow2"]).arg(path).arg(wanted.to_string());
    let missing = || DriverError::Failed("qemu-img is not installed: apt-get install qemu-utils".into());
    sandbox::run(resize)?.ok_or_else(missing)
}
