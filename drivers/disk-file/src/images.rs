//! Copies of images: streamed to disk, checked against size, SHA-512 and format, shared by all servers of the host.
//!
//! A copy's name carries the beginning of its hash, so a name that is there is a copy that was checked. Its time of
//! modification says when it was last used.

use crate::blocking;
use crate::durable::{Draft, clean, failed};
use futures_util::StreamExt;
use metal::driver::{Data, Driven, DriverError};
use metal::server::ImageSource;
use sha2::{Digest, Sha512};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// Digits of the hash in a copy's name.
const HASH: usize = 32;

/// The copies of a host.
#[derive(Clone)]
pub struct Images {
    folder: PathBuf,
    taking: Arc<Mutex<HashMap<PathBuf, Weak<tokio::sync::Mutex<()>>>>>,
    held: Arc<Mutex<()>>,
}

impl Images {
    /// Takes the folder over.
    pub fn open(folder: PathBuf) -> Driven<Self> {
        std::fs::create_dir_all(&folder)
            .and_then(|()| clean(&folder))
            .map_err(|error| failed("take over", &folder, &error))?;
        Ok(Self { folder, taking: Arc::default(), held: Arc::default() })
    }

    /// While this is held no copy is forgotten.
    pub fn hold(&self) -> MutexGuard<'_, ()> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, image: &ImageSource) -> Driven<PathBuf> {
        crate::servers::plain_name(&image.id)?;
        let hash: String = image.sha512.chars().take(HASH).collect();
        if hash.len() < HASH || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(DriverError::Refused(format!(
                "image {} has no SHA-512 to check its copy against",
                image.id
            )));
        }
        Ok(self.folder.join(format!("{}.{}", image.id, hash.to_ascii_lowercase())))
    }

    /// The copy, if there is one.
    pub fn find(&self, image: &ImageSource) -> Driven<Option<PathBuf>> {
        let path = self.path(image)?;
        Ok(path.is_file().then_some(path))
    }

    /// The copy, marked as used now.
    pub fn used(&self, image: &ImageSource) -> Driven<PathBuf> {
        let path = self.path(image)?;
        let touched =
            File::options().append(true).open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        match touched {
            Ok(()) => Ok(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(DriverError::NotYet(format!("this host has no copy of image {} yet", image.id)))
            }
            Err(error) => Err(failed("use", &path, &error)),
        }
    }

    /// Takes a copy. Of several at the same time one does the work.
    pub async fn take(&self, image: &ImageSource, data: Data) -> Driven<()> {
        let path = self.path(image)?;
        let one_at_a_time = self.turn(&path);
        let _turn = one_at_a_time.lock().await;
        if path.is_file() {
            return Ok(());
        }
        let draft = Draft::new(&path)?;
        let written = self.write(image, data, draft).await?;
        let declared = image.format.clone();
        blocking(move || {
            let mut draft = written;
            inspect::inspect(&declared, &mut draft.file)
                .map_err(|refusal| DriverError::Refused(refusal.to_string()))?;
            draft.keep()
        })
        .await
    }

    fn turn(&self, path: &Path) -> Arc<tokio::sync::Mutex<()>> {
        let mut taking = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        taking.retain(|_, turn| turn.strong_count() > 0);
        let turn = taking.get(path).and_then(Weak::upgrade).unwrap_or_default();
        taking.insert(path.to_owned(), Arc::downgrade(&turn));
        turn
    }

    async fn write(&self, image: &ImageSource, mut data: Data, draft: Draft) -> Driven<Draft> {
        let mut state = (draft, Sha512::new(), 0_u64);
        while let Some(chunk) = data.next().await {
            let broke =
                |error| DriverError::Failed(format!("the data of image {} broke off: {error}", image.id));
            let chunk = chunk.map_err(broke)?;
            if state.2 + chunk.len() as u64 > image.bytes {
                return Err(DriverError::Failed(format!(
                    "image {} has more than {} bytes",
                    image.id, image.bytes
                )));
            }
            state = blocking(move || {
                let (mut draft, mut hash, length) = state;
                hash.update(&chunk);
                let written = draft.file.write_all(&chunk);
                written.map_err(|error| failed("write", draft.place(), &error))?;
                Ok((draft, hash, length + chunk.len() as u64))
            })
            .await?;
        }
        let (draft, hash, length) = state;
        if length != image.bytes {
            let why = format!("image {} came with {length} bytes of {}", image.id, image.bytes);
            return Err(DriverError::Failed(why));
        }
        let found = base16ct::lower::encode_string(&hash.finalize());
        if !found.eq_ignore_ascii_case(&image.sha512) {
            return Err(DriverError::Failed(format!(
                "the data of image {} has another SHA-512 than it should: {found}",
                image.id
            )));
        }
        Ok(draft)
    }

    /// Forgets copies that nobody wants, uses or has used lately.
    pub fn forget(
        &self,
        keep: &[String],
        unused: Duration,
        bases: impl FnOnce() -> Driven<BTreeSet<String>>,
    ) -> Driven<()> {
        let _nobody_starts_to_use_one = self.hold();
        let bases = bases()?;
        for (id, path) in self.copies()? {
            let used = std::fs::metadata(&path).and_then(|data| data.modified());
            let old = used.is_ok_and(|used| used.elapsed().unwrap_or_default() >= unused);
            if old && !keep.contains(&id) && !lies_in(&bases, &path) {
                self.remove(&id, &path)?;
            }
        }
        Ok(())
    }

    /// No copy of the image is left, unless a disk lies on it.
    pub fn forget_one(&self, id: &str, bases: impl FnOnce() -> Driven<BTreeSet<String>>) -> Driven<()> {
        let _nobody_starts_to_use_it = self.hold();
        let copies: Vec<PathBuf> =
            self.copies()?.into_iter().filter(|(own, _)| own == id).map(|(_, path)| path).collect();
        if copies.is_empty() {
            return Ok(());
        }
        let bases = bases()?;
        if copies.iter().any(|path| lies_in(&bases, path)) {
            return Err(DriverError::NotYet(format!("a disk lies on the copy of image {id}")));
        }
        copies.iter().try_for_each(|path| self.remove(id, path))
    }

    /// The copies: the image's id and the path of each.
    fn copies(&self) -> Driven<Vec<(String, PathBuf)>> {
        let told = |error: std::io::Error| failed("read", &self.folder, &error);
        let mut copies = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some((id, _)) = name.rsplit_once('.').filter(|(id, _)| !id.is_empty()) {
                copies.push((id.to_owned(), entry.path()));
            }
        }
        Ok(copies)
    }

    fn remove(&self, id: &str, path: &Path) -> Driven<()> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", path, &error)),
            _ => {
                tracing::info!(image = id, "a copy of an image is removed");
                Ok(())
            }
        }
    }
}

/// The copy is among the bases, which are known by their names.
fn lies_in(bases: &BTreeSet<String>, copy: &Path) -> bool {
    copy.file_name().is_some_and(|name| bases.contains(&*name.to_string_lossy()))
}
