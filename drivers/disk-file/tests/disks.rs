//! Disks on a real file system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use bytes::Bytes;
use disk_file::DiskFile;
use futures_util::StreamExt;
use metal::driver::{Data, Disks, DriverError};
use metal::server::ImageSource;
use metal::suite::disks_suite;
use sha2::{Digest, Sha512};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const GIB: u64 = 1 << 30;

fn data(content: &[u8]) -> Data {
    let chunks: Vec<_> = content.chunks(100_000).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    futures_util::stream::iter(chunks).boxed()
}

fn image(id: &str, format: &str, content: &[u8]) -> ImageSource {
    let sha512 = base16ct::lower::encode_string(&Sha512::digest(content));
    ImageSource { id: id.into(), format: format.into(), bytes: content.len() as u64, sha512 }
}

fn qcow2(folder: &Path, size: &str) -> Vec<u8> {
    let path = folder.join("made.qcow2");
    let made = Command::new("qemu-img").args(["create", "-q", "-f", "qcow2"]).arg(&path).arg(size).status();
    assert!(made.expect("apt-get install qemu-utils").success());
    std::fs::read(path).unwrap()
}

fn info(path: &Path) -> serde_json::Value {
    let output = Command::new("qemu-img").args(["info", "--output=json", "-f", "qcow2"]).arg(path).output();
    let output = output.expect("apt-get install qemu-utils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

async fn with_image(place: &TempDir, format: &str, content: &[u8]) -> (DiskFile, ImageSource) {
    let disks = DiskFile::open(place.path()).unwrap();
    let image = image("1f2e", format, content);
    assert!(!disks.has_image(&image).await.unwrap());
    disks.take_image(&image, data(content)).await.unwrap();
    assert!(disks.has_image(&image).await.unwrap());
    (disks, image)
}

#[tokio::test]
async fn it_passes_the_suite_that_its_simulation_passes() {
    let folder = tempfile::tempdir().unwrap();
    let disks = DiskFile::open(folder.path()).unwrap();
    let content = vec![7; 200_000];
    disks_suite(&disks, &image("00000000-0000-4000-8000-000000000001", "raw", &content), &content)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_root_disk_lies_on_its_image_and_is_made_once() {
    let place = tempfile::tempdir().unwrap();
    let content = vec![7; 3_000_001];
    let (disks, image) = with_image(&place, "raw", &content).await;
    let begun = Instant::now();
    let disk = disks.root("srv", 1, &image, 5).await.unwrap();
    println!("a root disk in {:?}", begun.elapsed());
    let found = info(&disk.path);
    assert_eq!(found["virtual-size"], 5 * GIB);
    assert_eq!(found["backing-filename-format"], "raw");
    let backing = found["full-backing-filename"].as_str().unwrap();
    assert_eq!(std::fs::read(backing).unwrap(), content);
    assert_eq!(disks.root("srv", 1, &image, 5).await.unwrap(), disk);
    assert_eq!(disks.root("srv", 1, &image, 8).await.unwrap(), disk);
    assert_eq!(info(&disk.path)["virtual-size"], 8 * GIB, "grown");
    assert_eq!(disks.root("srv", 1, &image, 5).await.unwrap(), disk);
    assert_eq!(info(&disk.path)["virtual-size"], 8 * GIB, "never shrunk");
    let next = disks.root("srv", 2, &image, 0).await.unwrap();
    assert_eq!(info(&next.path)["virtual-size"], 3_000_320, "the image's own size, in whole sectors");
    assert_eq!(names(&place.path().join("disks/srv")), ["root-2.qcow2"]);
    assert_eq!(disks.servers().await.unwrap(), ["srv"]);
    disks.remove("srv").await.unwrap();
    disks.remove("srv").await.unwrap();
    assert!(disks.servers().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_disk_smaller_than_its_image_is_refused_as_nova_does() {
    let place = tempfile::tempdir().unwrap();
    let (disks, image) = with_image(&place, "qcow2", &qcow2(place.path(), "3G")).await;
    let Err(DriverError::Refused(why)) = disks.root("srv", 1, &image, 2).await else { panic!("not refused") };
    assert_eq!(
        why,
        "Flavor's disk is too small for requested image. Flavor disk is 2147483648 bytes, image is 3221225472 bytes."
    );
    let disk = disks.root("srv", 1, &image, 3).await.unwrap();
    assert_eq!(info(&disk.path)["backing-filename-format"], "qcow2");
    assert_eq!(names(&place.path().join("disks/srv")), ["root-1.qcow2"]);
}

#[tokio::test]
async fn a_copy_that_is_not_what_it_should_be_does_not_count() {
    let place = tempfile::tempdir().unwrap();
    let disks = DiskFile::open(place.path()).unwrap();
    let content = vec![1; 300_000];
    let good = image("1f2e", "raw", &content);
    let broken: Data = futures_util::stream::iter([
        Ok(Bytes::from_static(b"some")),
        Err(std::io::Error::other("the link is down")),
    ])
    .boxed();
    let mut other = content.clone();
    other[5] = 2;
    for (sent, why) in [
        (broken, "the link is down"),
        (data(&content[..1000]), "1000 bytes of 300000"),
        (data(&[content.clone(), vec![1]].concat()), "more than 300000 bytes"),
        (data(&other), "another SHA-512"),
    ] {
        let error = disks.take_image(&good, sent).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(!disks.has_image(&good).await.unwrap());
        assert!(names(&place.path().join("images")).is_empty(), "nothing half-made stays");
    }
    let wrong = image("1f2e", "qcow2", &content);
    assert!(matches!(disks.take_image(&wrong, data(&content)).await, Err(DriverError::Refused(_))));
    assert!(names(&place.path().join("images")).is_empty());
    assert!(matches!(disks.root("srv", 1, &good, 1).await, Err(DriverError::NotYet(_))));
    assert!(matches!(disks.image_path(&good).await, Err(DriverError::NotYet(_))));
}

#[tokio::test]
async fn an_image_with_a_backing_file_never_becomes_a_copy() {
    let place = tempfile::tempdir().unwrap();
    let disks = DiskFile::open(place.path()).unwrap();
    let path = place.path().join("evil.qcow2");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2", "-u", "-F", "raw", "-b", "/etc/passwd"])
        .arg(&path)
        .arg("1G")
        .status();
    assert!(made.unwrap().success());
    let content = std::fs::read(path).unwrap();
    let error = disks.take_image(&image("e", "qcow2", &content), data(&content)).await.unwrap_err();
    assert!(error.to_string().contains("backing file"), "{error}");
}

#[tokio::test]
async fn several_who_want_one_image_share_the_work() {
    let place = tempfile::tempdir().unwrap();
    let disks = DiskFile::open(place.path()).unwrap();
    let content = vec![3; 1 << 20];
    let image = image("1f2e", "raw", &content);
    let all = (0..8).map(|_| disks.take_image(&image, data(&content)));
    for taken in futures_util::future::join_all(all).await {
        taken.unwrap();
    }
    assert_eq!(names(&place.path().join("images")).len(), 1);
}

#[tokio::test]
async fn copies_are_forgotten_when_nobody_wants_or_uses_them() {
    let place = tempfile::tempdir().unwrap();
    let (disks, image) = with_image(&place, "raw", &[9; 4096]).await;
    let none = Duration::ZERO;
    disks.forget_images(&["1f2e".into()], none).await.unwrap();
    assert!(disks.has_image(&image).await.unwrap(), "it is wanted");
    disks.root("srv", 1, &image, 1).await.unwrap();
    disks.forget_images(&[], none).await.unwrap();
    assert!(disks.has_image(&image).await.unwrap(), "a disk lies on it");
    disks.remove("srv").await.unwrap();
    disks.forget_images(&[], Duration::from_secs(3600)).await.unwrap();
    assert!(disks.has_image(&image).await.unwrap(), "it was used lately");
    disks.forget_images(&[], none).await.unwrap();
    assert!(!disks.has_image(&image).await.unwrap());
}

#[tokio::test]
async fn what_a_crash_left_is_cleaned_up() {
    let place = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(place.path().join("images")).unwrap();
    std::fs::create_dir_all(place.path().join("disks/srv")).unwrap();
    std::fs::write(place.path().join("images/.unfinished-x"), "half").unwrap();
    std::fs::write(place.path().join("disks/srv/.unfinished-root-1.qcow2"), "half").unwrap();
    let _disks = DiskFile::open(place.path()).unwrap();
    assert!(names(&place.path().join("images")).is_empty());
    assert!(names(&place.path().join("disks/srv")).is_empty());
}

#[tokio::test]
async fn further_disks_and_config_drives_are_made_and_replaced() {
    let place = tempfile::tempdir().unwrap();
    let disks = DiskFile::open(place.path()).unwrap();
    let swap = disks.blank("srv", 1, "swap", 64).await.unwrap();
    let ephemeral = disks.blank("srv", 1, "ephemeral0", 100).await.unwrap();
    assert_eq!((swap.format.as_str(), ephemeral.format.as_str()), ("raw", "raw"));
    assert_eq!(std::fs::metadata(&ephemeral.path).unwrap().len(), 100 << 20);
    let file =
        |content: &str| vec![("openstack/latest/meta_data.json".to_owned(), content.as_bytes().to_vec())];
    let drive = disks.config_drive("srv", 1, &file("one")).await.unwrap();
    let first = std::fs::read(&drive).unwrap();
    assert_eq!(disks.config_drive("srv", 1, &file("two")).await.unwrap(), drive);
    assert_ne!(std::fs::read(&drive).unwrap(), first);
    disks.config_drive("srv", 2, &file("two")).await.unwrap();
    assert_eq!(names(&place.path().join("disks/srv")), ["config-2.iso", "ephemeral0-1.raw", "swap-1.raw"]);
    for id in ["", "..", "a/b", "a b"] {
        assert!(matches!(disks.blank(id, 1, "swap", 1).await, Err(DriverError::Refused(_))), "{id:?}");
    }
}

#[tokio::test]
async fn a_full_file_system_is_told_and_nothing_half_made_stays() {
    let place = tempfile::tempdir().unwrap();
    let mount =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "none"]).arg(place.path()).status();
    assert!(mount.unwrap().success(), "this test mounts a small file system: run it as root");
    let content = vec![4; 4 << 20];
    let disks = DiskFile::open(place.path()).unwrap();
    let (all, free) = disks.room().await.unwrap();
    let full = disks.take_image(&image("big", "raw", &content), data(&content)).await;
    let left = names(&place.path().join("images"));
    let fits = image("small", "raw", &content[..1 << 20]);
    let taken = disks.take_image(&fits, data(&content[..1 << 20])).await;
    drop(disks);
    assert!(Command::new("umount").arg(place.path()).status().unwrap().success());
    assert!(matches!(full, Err(DriverError::Full(_))), "{full:?}");
    assert!(left.is_empty());
    taken.unwrap();
    assert_eq!(all, 2 << 20);
    assert!(free > 1 << 20);
}
