//! The data of images: files in one directory, named by the image's id, copied in streams and never held in memory.
//!
//! An upload is written to a file of its own, inspected, made durable and only then given the image's name, before the
//! row becomes active. Whatever a crash leaves is one of: a file of an upload (swept at the next start), a named file
//! whose image is still queued or gone (swept too). A row never points to data that is not there.

use super::image::{image_for, missing};
use crate::ImageService;
use crate::model::image::{Image, Status};
use crate::rules;
use crate::store::image::{self, Uploaded};
use bytes::Bytes;
use fault::{Fault, Kind, Means};
use futures_util::stream::{BoxStream, StreamExt};
use md5::Md5;
use metal::driver::Data;
use sha2::{Digest, Sha512};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use web::Cx;

/// How much is read from a file at once.
const CHUNK: usize = 256 << 10;
/// How many chunks may wait between the socket and the disk.
const AHEAD: usize = 4;

/// How the name of an upload's file ends.
const PART: &str = ".part";

/// The directory with the data.
#[derive(Clone, Debug)]
pub struct DataDir(PathBuf);

impl DataDir {
    /// Makes the directory if it is not there.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        fs::create_dir_all(path)
            .means(Kind::Unavailable, format!("The directory {} cannot be made.", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// Where the data of an image is.
    pub fn path(&self, image_id: &str) -> PathBuf {
        self.0.join(image_id)
    }

    fn upload(&self, upload: &str) -> PathBuf {
        self.0.join(format!("{upload}{PART}"))
    }

    /// The uploads that have files here.
    pub(crate) fn uploads(&self) -> io::Result<Vec<String>> {
        let upload = |name: &str| name.strip_suffix(PART).map(str::to_owned);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            found.extend(entry?.file_name().to_str().and_then(upload));
        }
        Ok(found)
    }

    pub(crate) async fn remove(&self, image_id: &str) {
        let path = self.path(image_id);
        match tokio::fs::remove_file(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %path.display(), %error, "the data of a deleted image stays until the next start");
            }
            _ => {}
        }
    }

    /// Removes every file that is not the data of one of these images.
    pub(crate) fn sweep(&self, keep: &HashSet<String>) -> io::Result<()> {
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|name| keep.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// The first and the last byte that are asked for; without a first one, the last so many bytes.
pub type Range = (Option<u64>, Option<u64>);

/// A part of an image's data.
pub struct Part {
    /// The image.
    pub image: Image,
    /// The first byte.
    pub from: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The bytes.
    pub data: Data,
}

impl ImageService {
    /// Takes the data of a queued image.
    pub async fn data_upload(
        &self,
        cx: &Cx,
        id: &str,
        size: Option<u64>,
        body: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<(), Fault> {
        let (image, upload) = self.upload_begin(cx, id).await?;
        let path = self.data.upload(&upload);
        let taken = self.take(&image, &path, size, body).await;
        let outcome = match taken {
            Ok(got) => self.upload_end(id, &upload, &path, got).await,
            Err(fault) => Err(fault),
        };
        if outcome.is_err() {
            {
                let _elsewhere = self.db.clock().elsewhere();
                let _ = tokio::fs::remove_file(&path).await;
            }
            let (id, upload) = (id.to_owned(), upload.clone());
            self.db.write(move |tx| image::upload_fail(tx, &id, &upload)).await?;
        }
        outcome
    }

    async fn upload_begin(&self, cx: &Cx, id: &str) -> Result<(Image, String), Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        self.db
            .write(move |tx| {
                let image = image_for(tx, &cx, &id, &rules::UPLOAD_IMAGE)?;
                for (name, value) in
                    [("disk_format", &image.disk_format), ("container_format", &image.container_format)]
                {
                    if value.is_none() {
                        let said = format!("Properties {name} must be set prior to saving data.");
                        return Err(Fault::bad_input(said));
                    }
                }
                let upload = tx.entropy().dashed_id();
                if !image::upload_begin(tx, &id, &upload)? {
                    let said = format!(
                        "Image status transition from {} to saving is not allowed",
                        image.status.word()
                    );
                    return Err(Fault::conflict(said));
                }
                Ok((image, upload))
            })
            .await
    }

    /// Copies the body to a file while hashing and looking at it.
    async fn take(
        &self,
        image: &Image,
        path: &Path,
        size: Option<u64>,
        mut body: BoxStream<'static, io::Result<Bytes>>,
    ) -> Result<Uploaded, Fault> {
        let (chunks, queue) = mpsc::channel::<Bytes>(AHEAD);
        let (format, path) = (declared_format(image), path.to_owned());
        let _elsewhere = self.db.clock().elsewhere();
        let writer = tokio::task::spawn_blocking(move || write(&path, format, queue));
        let mut broke = None;
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => {
                    // The writer is gone when it refused the data; its reason comes below.
                    if chunks.send(chunk).await.is_err() {
                        break;
                    }
                }
                Err(error) => {
                    broke = Some(error);
                    break;
                }
            }
        }
        drop(chunks);
        let written = writer.await.or_bug()?;
        if let Some(error) = broke {
            return Err(Fault::bad_input("The upload broke off before its end.").because(error));
        }
        let got = written?;
        match size {
            Some(size) if size != got.bytes => Err(Fault::bad_input(format!(
                "The size of the data {} does not match the size {size} of the request.",
                got.bytes
            ))),
            _ => Ok(got),
        }
    }

    async fn upload_end(&self, id: &str, upload: &str, path: &Path, got: Uploaded) -> Result<(), Fault> {
        let last = self.data.path(id);
        let (from, to) = (path.to_owned(), last.clone());
        let renamed = {
            let _elsewhere = self.db.clock().elsewhere();
            tokio::task::spawn_blocking(move || rename(&from, &to)).await
        };
        renamed.or_bug()?.or_bug()?;
        let (id_own, upload) = (id.to_owned(), upload.to_owned());
        if self.db.write(move |tx| image::upload_end(tx, &id_own, &upload, &got)).await? {
            return Ok(());
        }
        let _elsewhere = self.db.clock().elsewhere();
        self.data.remove(id).await;
        Err(missing(id).because("the image was deleted while its data came in"))
    }

    /// A part of an image's data, or all of it.
    pub async fn data_download(&self, cx: &Cx, id: &str, range: Option<Range>) -> Result<Part, Fault> {
        let (cx, id) = (cx.clone(), id.to_owned());
        let image = self
            .db
            .read(move |tx| {
                let image = image_for(tx, &cx, &id, &rules::DOWNLOAD_IMAGE)?;
                if image.status == Status::Deactivated && !cx.who.admin {
                    let said = "The requested image has been deactivated. Image data download is forbidden.";
                    return Err(Fault::forbidden(said));
                }
                Ok(image)
            })
            .await?;
        let whole = image.bytes.unwrap_or(0);
        let (from, end) = match range {
            None => (0, whole),
            Some((Some(from), None)) => (from, whole),
            Some((Some(from), Some(last))) => (from, last.saturating_add(1).min(whole)),
            Some((None, last)) => (whole.saturating_sub(last.unwrap_or(whole)), whole),
        };
        if range.is_some() && (from >= whole || from >= end) {
            let said = format!("Invalid range for image of size {whole}");
            return Err(Fault::new(Kind::RangeUnsatisfiable, said));
        }
        let data = if image.sha512.is_some() {
            read(&self.data.path(&image.id), from, end - from, self.db.clock().is_stepped())?
        } else {
            futures_util::stream::empty().boxed()
        };
        Ok(Part { image, from, bytes: end - from, data })
    }
}

/// The format that the data is held against.
fn declared_format(image: &Image) -> String {
    image.disk_format.clone().unwrap_or_else(|| "raw".to_owned())
}

fn refused(refusal: impl std::fmt::Display) -> Fault {
    Fault::new(Kind::UnsupportedMedia, refusal.to_string())
}

fn full(error: io::Error) -> Fault {
    if error.kind() == io::ErrorKind::StorageFull {
        return Fault::new(Kind::TooLarge, "Image storage media is full: there is not enough disk space.")
            .because(error);
    }
    Fault::bug(error)
}

fn write(path: &Path, format: String, mut queue: mpsc::Receiver<Bytes>) -> Result<Uploaded, Fault> {
    let mut file = File::options().create_new(true).read(true).write(true).open(path).map_err(full)?;
    let (mut md5, mut sha512, mut bytes) = (Md5::new(), Sha512::new(), 0);
    let mut stream = inspect::Stream::new(&format);
    while let Some(chunk) = queue.blocking_recv() {
        stream.feed(&chunk).map_err(refused)?;
        file.write_all(&chunk).map_err(full)?;
        md5.update(&chunk);
        sha512.update(&chunk);
        bytes += chunk.len() as u64;
    }
    stream.finish().map_err(refused)?;
    file.sync_all().map_err(full)?;
    file.seek(SeekFrom::Start(0)).or_bug()?;
    let found = inspect::inspect(&format, &mut file).map_err(refused)?;
    Ok(Uploaded {
        bytes,
        virtual_bytes: found.virtual_size,
        checksum: base16ct::lower::encode_string(&md5.finalize()),
        sha512: base16ct::lower::encode_string(&sha512.finalize()),
    })
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    match to.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// Reads a part of a file: on a thread of its own, a few chunks ahead, or `here`, where all is done in one order.
pub(crate) fn read(path: &Path, from: u64, bytes: u64, here: bool) -> Result<Data, Fault> {
    let mut file = File::open(path).or_bug()?;
    file.seek(SeekFrom::Start(from)).or_bug()?;
    if here {
        let chunks = std::iter::from_fn({
            let mut rest = file.take(bytes);
            move || chunk(&mut rest).transpose()
        });
        return Ok(futures_util::stream::iter(chunks).boxed());
    }
    let (chunks, mut queue) = mpsc::channel::<io::Result<Bytes>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut rest = file.take(bytes);
        loop {
            let Some(chunk) = chunk(&mut rest).transpose() else { break };
            let last = chunk.is_err();
            if chunks.blocking_send(chunk).is_err() || last {
                break;
            }
        }
    });
    Ok(futures_util::stream::poll_fn(move |cx| queue.poll_recv(cx)).boxed())
}

/// The next chunk; none at the end.
fn chunk(from: &mut impl Read) -> io::Result<Option<Bytes>> {
    let mut chunk = Vec::with_capacity(CHUNK);
    from.take(CHUNK as u64).read_to_end(&mut chunk)?;
    Ok((!chunk.is_empty()).then(|| chunk.into()))
}
