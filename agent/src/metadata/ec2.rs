//! The EC2-compatible tree: values by path, directories as listings.

use crate::metadata::python;
use metal::server::ServerSpec;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// The dated versions, oldest first.
pub(crate) const VERSIONS: [&str; 9] = [
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
];

/// The listing of versions.
pub(crate) fn versions() -> String {
    format!("{}\nlatest", VERSIONS.join("\n"))
}

/// An EC2 id: eight hex digits of the API's id, after a word.
fn short(word: &str, id: &str) -> String {
    let digits: String = id.chars().filter(char::is_ascii_hexdigit).take(8).collect();
    format!("{word}-{digits:0>8}")
}

/// `meta-data` of a dated version, in the order in which the config drive has it.
pub(crate) fn meta_data(id: &str, spec: &ServerSpec, version: &str, peer: Option<IpAddr>) -> Option<Value> {
    let version = if version == "latest" { "2009-04-04" } else { version };
    let at = VERSIONS.iter().position(|known| *known == version)?;
    let has =
        |since: &str| VERSIONS.iter().position(|known| *known == since).is_some_and(|since| at >= since);
    let meta = &spec.metadata;
    let fixed = spec.ports.iter().flat_map(|port| &port.addresses).find(|address| address.is_ipv4());
    let floating = meta.public_addresses.first().map(ToString::to_string).unwrap_or_default();
    let mut tree = Map::new();
    let mut put = |key: &str, value: Value| drop(tree.insert(key.to_owned(), value));
    put("ami-id", short("ami", &spec.image.id).into());
    put("ami-launch-index", meta.launch_index.into());
    put("ami-manifest-path", "FIXME".into());
    put("instance-id", short("i", id).into());
    put("hostname", meta.hostname.as_str().into());
    put("local-ipv4", fixed.copied().or(peer).map(|address| address.to_string()).into());
    put("reservation-id", meta.reservation_id.as_str().into());
    put("security-groups", meta.security_groups.clone().into());
    if let Some((name, public)) = &meta.key {
        put("public-keys", json!({"0": {"_name": format!("0={name}"), "openssh-key": public}}));
    }
    if has("2007-01-19") {
        put("local-hostname", meta.hostname.as_str().into());
        put("public-hostname", meta.hostname.as_str().into());
        put("public-ipv4", floating.into());
    }
    if has("2007-08-29") {
        put("instance-type", meta.instance_type.as_str().into());
    }
    if has("2007-12-15") {
        put("block-device-mapping", devices(spec));
        if let Some(kernel) = &spec.kernel {
            put("kernel-id", short("aki", &kernel.id).into());
        }
        if let Some(ramdisk) = &spec.ramdisk {
            put("ramdisk-id", short("ari", &ramdisk.id).into());
        }
    }
    if has("2008-02-01") {
        put("placement", json!({"availability-zone": meta.availability_zone}));
    }
    if has("2008-09-01") {
        put("instance-action", "none".into());
    }
    Some(Value::Object(tree))
}

/// Names of the disks as guests see them.
fn devices(spec: &ServerSpec) -> Value {
    let prefix = metal::server::disk_prefix(&spec.hardware);
    let mut letters = 'a'..='z';
    let mut next = || format!("{prefix}{}", letters.next().unwrap_or('z'));
    let root = next();
    let mut devices = Map::new();
    devices.insert("ami".to_owned(), root.as_str().into());
    devices.insert("root".to_owned(), format!("/dev/{root}").into());
    if spec.ephemeral_gib > 0 {
        devices.insert("ephemeral0".to_owned(), format!("/dev/{}", next()).into());
    }
    if spec.swap_mib > 0 {
        devices.insert("swap".to_owned(), format!("/dev/{}", next()).into());
    }
    Value::Object(devices)
}

/// The value at a path below a version, as it is shown.
pub(crate) fn show(tree: &Value, path: &[&str]) -> Option<String> {
    let mut value = tree;
    for part in path {
        value = value.as_object()?.get(*part)?;
    }
    Some(match value {
        Value::Object(directory) => listing(directory),
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().unwrap_or_default()).collect::<Vec<_>>().join("\n")
        }
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        other => String::from_utf8_lossy(&python::json(other)).into_owned(),
    })
}

/// Directories end with a slash, except those that have a name of their own.
fn listing(directory: &Map<String, Value>) -> String {
    let mut keys: Vec<_> = directory.keys().filter(|key| *key != "_name").collect();
    keys.sort();
    let lines: Vec<String> = keys
        .into_iter()
        .map(|key| match &directory[key] {
            Value::Object(below) => match below.get("_name").and_then(Value::as_str) {
                Some(name) => name.to_owned(),
                None => format!("{key}/"),
            },
            _ => key.clone(),
        })
        .collect();
    lines.join("\n")
}
