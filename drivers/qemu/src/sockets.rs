//! Unix sockets whose paths are too long for `sun_path` (107 bytes): reached through their folder's descriptor.
//!
//! A state directory may be as deep as its owner likes. `/proc/self/fd/N/qmp` names the same socket in a few bytes.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// The folder (to be kept open meanwhile) and a short path of the socket.
fn short(path: &Path) -> io::Result<(File, PathBuf)> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "a socket needs a folder and a name");
    let folder = File::open(path.parent().ok_or_else(missing)?)?;
    let name = path.file_name().ok_or_else(missing)?;
    let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((folder, short))
}

/// Connects to a socket at a path of any length.
pub async fn connect(path: &Path) -> io::Result<UnixStream> {
    let (_folder, short) = short(path)?;
    UnixStream::connect(short).await
}

/// Listens at a path of any length, in place of whoever listened there before.
pub fn listen(path: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let (_folder, short) = short(path)?;
    UnixListener::bind(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_path_of_two_hundred_bytes_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120)).join("e".repeat(120));
        std::fs::create_dir_all(&deep).unwrap();
        let path = deep.join("qmp");
        let listener = listen(&path).unwrap();
        connect(&path).await.unwrap();
        drop(listener);
        let _again = listen(&path).unwrap();
        connect(&path).await.unwrap();
    }
}
