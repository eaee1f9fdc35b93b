//! Images as `qemu-img` makes them: the good ones pass, the ones that lead elsewhere do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

use inspect::{Backing, Format, backing, inspect};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

fn made(folder: &Path, format: &str, options: &[&str]) -> PathBuf {
    let path = folder.join(format!("image.{format}"));
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", format]).args(options).arg(&path).arg("5M");
    let output = command.output().expect("apt-get install qemu-utils");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

#[test]
fn good_images_pass_with_their_size() {
    let folder = tempfile::tempdir().unwrap();
    for (format, declared, options, found) in [
        ("raw", "raw", &[][..], Format::Raw),
        ("qcow2", "qcow2", &[], Format::Qcow2),
        ("qcow2", "qcow2", &["-o", "compat=0.10"], Format::Qcow2),
        ("qcow2", "qcow2", &["-o", "compression_type=zstd,cluster_size=2M"], Format::Qcow2),
        ("qcow2", "qcow2", &["-o", "lazy_refcounts=on,refcount_bits=1,cluster_size=512"], Format::Qcow2),
        ("vmdk", "vmdk", &["-o", "subformat=monolithicSparse"], Format::Vmdk),
        ("vmdk", "vmdk", &["-o", "subformat=streamOptimized"], Format::Vmdk),
        ("vdi", "vdi", &[], Format::Vdi),
        ("vdi", "vdi", &["-o", "static=on"], Format::Vdi),
        ("vhdx", "vhdx", &[], Format::Vhdx),
        ("vpc", "vhd", &["-o", "force_size=on"], Format::Vhd),
        ("vpc", "vhd", &["-o", "force_size=on,subformat=fixed"], Format::Vhd),
    ] {
        let path = made(folder.path(), format, options);
        let inspection = inspect(declared, &mut File::open(&path).unwrap());
        let inspection = inspection.unwrap_or_else(|refusal| panic!("{format} {options:?}: {refusal}"));
        assert_eq!((inspection.format, inspection.virtual_size), (found, 5 << 20), "{format} {options:?}");
        for other in ["raw", "qcow2", "vmdk", "vdi", "vhdx", "vhd", "iso", "aki"] {
            let refused = inspect(other, &mut File::open(&path).unwrap()).is_err();
            let bare = ["raw", "aki"].contains(&other);
            // The mark of a fixed VHD is at its end, where only those look who know that it is one.
            let looks_raw = found == Format::Raw || options.contains(&"force_size=on,subformat=fixed");
            assert_eq!(refused, other != declared && !(bare && looks_raw), "{format} as {other}");
        }
    }
}

#[test]
fn images_that_lead_elsewhere_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    std::fs::write(&secret, vec![7; 5 << 20]).unwrap();
    let data_file = format!("data_file={},data_file_raw=on", folder.path().join("data").display());
    for (format, options, why) in [
        ("qcow2", &["-F", "raw", "-b", secret.to_str().unwrap()][..], "backing file"),
        ("qcow2", &["-o", &data_file], "another file"),
        ("qcow2", &["-o", "extended_l2=on"], "extended L2"),
        (
            "qcow2",
            &["--object", "secret,id=s,data=abc", "-o", "encrypt.format=luks,encrypt.key-secret=s"],
            "encrypted",
        ),
        ("vmdk", &["-o", "subformat=monolithicFlat"], "other files"),
        ("vmdk", &["-o", "subformat=twoGbMaxExtentSparse"], "other files"),
        ("qed", &[], "not supported"),
    ] {
        let path = made(folder.path(), format, options);
        let refusal = inspect(format, &mut File::open(&path).unwrap()).expect_err(why).to_string();
        assert!(refusal.contains(why), "{format} {options:?}: {refusal}");
    }
}

#[test]
fn what_an_overlay_of_our_own_lies_on_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("base"), vec![7; 5 << 20]).unwrap();
    for compat in ["compat=0.10", "compat=1.1"] {
        let path = made(folder.path(), "qcow2", &["-o", compat, "-F", "raw", "-b", "base"]);
        let expected = Backing { name: "base".into(), format: Some("raw".into()) };
        assert_eq!(backing(&mut File::open(&path).unwrap()), Ok(Some(expected)));
        let path = made(folder.path(), "qcow2", &["-o", compat]);
        assert_eq!(backing(&mut File::open(&path).unwrap()), Ok(None));
    }
    assert_eq!(backing(&mut File::open(folder.path().join("base")).unwrap()), Ok(None));
}
