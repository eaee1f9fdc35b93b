//! Discs as the tools of others read them.

use super::*;
use std::path::Path;
use std::process::Command;

fn files() -> Vec<(String, Vec<u8>)> {
    vec![
        ("openstack/latest/meta_data.json".into(), br#"{"uuid":"x"}"#.to_vec()),
        ("openstack/latest/network_data.json".into(), b"{}".to_vec()),
        ("openstack/latest/user_data".into(), vec![b'u'; 5000]),
        ("openstack/2012-08-10/meta_data.json".into(), b"old".to_vec()),
        ("openstack/2013-04-04/meta_data.json".into(), vec![]),
        ("ec2/latest/meta-data.json".into(), vec![b'e'; 2048]),
        ("ec2/latest/meta data with a long, Unusual name.json".into(), b"odd".to_vec()),
        ("openstack/content/0000".into(), vec![1; 2049]),
    ]
}

fn isoinfo(path: &Path, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("isoinfo").args(arguments).arg("-i").arg(path).output();
    output.expect("apt-get install genisoimage").stdout
}

/// Reads everything in an image by one kind of names. (Not every kernel that this is tested on can mount it.)
fn read(path: &Path, names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let listed = String::from_utf8(isoinfo(path, &[names, &["-f"]].concat())).unwrap();
    let mut found = Vec::new();
    for name in listed.lines().filter(|name| is_file(path, names, name)) {
        found.push((name[1..].to_owned(), isoinfo(path, &[names, &["-x", name]].concat())));
    }
    found.sort();
    found
}

fn is_file(path: &Path, names: &[&str], name: &str) -> bool {
    let listed = String::from_utf8(isoinfo(path, &[names, &["-f"]].concat())).unwrap();
    !listed.lines().any(|other| other.starts_with(&format!("{name}/")))
}

#[test]
fn each_kind_of_names_leads_to_the_same_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.iso");
    std::fs::write(&path, image("config-2", &files()).unwrap()).unwrap();
    let mut expected = files();
    expected.sort();
    assert!(read(&path, &["-R"]) == expected, "Rock Ridge");
    assert!(read(&path, &["-J"]) == expected, "Joliet");
    let plain = read(&path, &[]);
    let name = "OPENSTAC/LATEST/META_DAT.JSO;1";
    assert!(plain.iter().any(|(found, content)| found == name && content == b"{\"uuid\":\"x\"}"));
}

#[test]
fn the_label_and_the_tools_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.iso");
    std::fs::write(&path, image("config-2", &files()).unwrap()).unwrap();
    let said = |program: &str, arguments: &[&str], package: &str| {
        let output = Command::new(program).args(arguments).arg(&path).output();
        let output = output.unwrap_or_else(|_| panic!("apt-get install {package}"));
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let found = said("blkid", &["-p", "-o", "export"], "util-linux");
    assert!(found.contains("LABEL=config-2") && found.contains("TYPE=iso9660"), "{found}");
    let listed = said("isoinfo", &["-R", "-f", "-i"], "genisoimage");
    assert!(listed.contains("/openstack/latest/user_data"), "{listed}");
    let listed = said("isoinfo", &["-J", "-f", "-i"], "genisoimage");
    assert!(listed.contains("/openstack/2013-04-04/meta_data.json"), "{listed}");
    assert_eq!(inspect::inspect("iso", &mut std::fs::File::open(&path).unwrap()).unwrap().bytes % 2048, 0);
}

#[test]
fn many_files_fill_more_than_one_block_of_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.iso");
    let files: Vec<(String, Vec<u8>)> =
        (0..200).map(|n| (format!("openstack/content/file-{n:04}"), vec![7; n])).collect();
    std::fs::write(&path, image("config-2", &files).unwrap()).unwrap();
    for names in [&["-R"][..], &["-J"][..]] {
        let listed = String::from_utf8(isoinfo(&path, &[names, &["-f"]].concat())).unwrap();
        assert!(files.iter().all(|(name, _)| listed.contains(name.as_str())), "{listed}");
        let name = "/openstack/content/file-0123";
        assert_eq!(isoinfo(&path, &[names, &["-x", name]].concat()), vec![7; 123]);
    }
}

#[test]
fn the_same_files_make_the_same_bytes_and_bad_paths_are_refused() {
    assert_eq!(image("config-2", &files()), image("config-2", &files()));
    assert!(image("config-2", &[]).is_ok());
    for path in ["", "/", "..", "a/../b", &"x".repeat(111), "a/b/c/d/e/f/g/h"] {
        assert!(image("config-2", &[(path.into(), vec![])]).is_err(), "{path:?}");
    }
    assert!(image("config-2", &[("a".into(), vec![]), ("a/b".into(), vec![])]).is_err());
}
