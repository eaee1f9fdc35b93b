//! All documents of one server: by path as the metadata service answers, and as the files of its config drive.
//!
//! Bodies are those of Nova (its `api/metadata`): keys, their order, listings, what exists since which version.

use crate::metadata::{ec2, python};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::Entropy;
use metal::server::ServerSpec;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// OpenStack's dated versions, oldest first.
const VERSIONS: [&str; 10] = [
    "2012-08-10",
    GRIZZLY,
    HAVANA,
    LIBERTY,
    NEWTON_ONE,
    NEWTON_TWO,
    "2017-02-22",
    "2018-08-27",
    VICTORIA,
    "2025-04-04",
];
const GRIZZLY: &str = "2013-04-04";
const HAVANA: &str = "2013-10-17";
const LIBERTY: &str = "2015-10-15";
const NEWTON_ONE: &str = "2016-06-30";
const NEWTON_TWO: &str = "2016-10-06";
const VICTORIA: &str = "2020-10-14";

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Text or bytes.
    Plain(Vec<u8>),
    /// JSON that is declared as such.
    Json(Vec<u8>),
    /// The password: read and posted.
    Password,
    /// Nothing.
    Nothing,
}

/// The documents of one server.
pub struct Documents<'a> {
    id: &'a str,
    spec: &'a ServerSpec,
    entropy: &'a Entropy,
    user_data: Option<Vec<u8>>,
}

impl<'a> Documents<'a> {
    /// The documents of the server with this id and spec.
    pub fn new(id: &'a str, spec: &'a ServerSpec, entropy: &'a Entropy) -> Self {
        let user_data = spec.metadata.user_data.as_deref().and_then(decoded);
        Self { id, spec, entropy, user_data }
    }

    /// What the metadata service answers for a path; `peer` is who asks.
    pub fn find(&self, path: &str, peer: IpAddr) -> Found {
        let parts = python::parts(path);
        match parts.as_slice() {
            [] | ["ec2"] => Found::Plain(ec2::versions().into_bytes()),
            ["openstack"] => Found::Plain(format!("{}\nlatest", VERSIONS.join("\n")).into_bytes()),
            // Injected files are on the config drive only.
            ["openstack", "content", ..] => Found::Nothing,
            ["openstack", version, rest @ ..] => match known(version) {
                Some(version) => self.openstack(version, &rest.join("/")),
                None => Found::Nothing,
            },
            ["ec2", version, rest @ ..] | [version, rest @ ..] => self.ec2(version, rest, peer),
        }
    }

    fn openstack(&self, version: usize, path: &str) -> Found {
        let since = |name: &str| version >= position(name);
        match path {
            "" => Found::Plain(self.listing(version).into_bytes()),
            "meta_data.json" => Found::Json(python::json(&self.meta_data(version, false))),
            "user_data" => self.user_data.clone().map_or(Found::Nothing, Found::Plain),
            "password" if since(GRIZZLY) => Found::Password,
            "vendor_data.json" if since(HAVANA) => Found::Json(python::json(&json!({}))),
            "network_data.json" => Found::Plain(python::json(&self.network_data())),
            "vendor_data2.json" if since(NEWTON_TWO) => Found::Json(python::json(&json!({"static": {}}))),
            _ => Found::Nothing,
        }
    }

    fn listing(&self, version: usize) -> String {
        let mut names = vec!["meta_data.json"];
        if self.user_data.is_some() {
            names.push("user_data");
        }
        let later = [
            (GRIZZLY, "password"),
            (HAVANA, "vendor_data.json"),
            (LIBERTY, "network_data.json"),
            (NEWTON_TWO, "vendor_data2.json"),
        ];
        names.extend(later.iter().filter(|(since, _)| version >= position(since)).map(|(_, name)| name));
        names.join("\n")
    }

    fn ec2(&self, version: &str, path: &[&str], peer: IpAddr) -> Found {
        let Some(meta_data) = ec2::meta_data(self.id, self.spec, version, Some(peer)) else {
            return Found::Nothing;
        };
        match path {
            [] if self.user_data.is_some() => Found::Plain(b"meta-data/\nuser-data".to_vec()),
            [] => Found::Plain(b"meta-data/".to_vec()),
            ["user-data"] => self.user_data.clone().map_or(Found::Nothing, Found::Plain),
            ["meta-data", rest @ ..] => {
                ec2::show(&meta_data, rest).map_or(Found::Nothing, |text| Found::Plain(text.into_bytes()))
            }
            _ => Found::Nothing,
        }
    }

    /// `meta_data.json`. The config drive says more: injected files and the administrator's password.
    fn meta_data(&self, version: usize, drive: bool) -> Value {
        let meta = &self.spec.metadata;
        let mut json = Map::new();
        let mut put = |key: &str, value: Value| drop(json.insert(key.to_owned(), value));
        put("uuid", self.id.into());
        if !meta.meta.is_empty() {
            put("meta", json!(meta.meta));
        }
        if drive && !meta.files.is_empty() {
            let file = |(number, (path, _)): (usize, &(String, String))| json!({"path": path, "content_path": format!("/content/{number:04}")});
            put("files", meta.files.iter().enumerate().map(file).collect());
        }
        if let Some(password) = meta.admin_password.as_ref().filter(|_| drive) {
            put("admin_pass", password.as_str().into());
        }
        if let Some((name, public)) = &meta.key {
            let sort = if public.starts_with("-----BEGIN CERTIFICATE") { "x509" } else { "ssh" };
            put("public_keys", json!({name: public}));
            put("keys", json!([{"name": name, "type": sort, "data": public}]));
        }
        put("hostname", meta.hostname.as_str().into());
        put("name", self.spec.name.as_str().into());
        put("launch_index", meta.launch_index.into());
        put("availability_zone", meta.availability_zone.as_str().into());
        if version >= position(GRIZZLY) {
            put("random_seed", STANDARD.encode(self.entropy.bytes::<512>()).into());
        }
        if version >= position(LIBERTY) {
            put("project_id", meta.project_id.as_str().into());
        }
        if version >= position(NEWTON_ONE) {
            put("devices", json!([]));
        }
        if version >= position(VICTORIA) {
            put("dedicated_cpus", json!([]));
        }
        Value::Object(json)
    }

    fn network_data(&self) -> Value {
        match self.spec.metadata.network_data.value() {
            Value::Null => json!({}),
            data => data,
        }
    }

    /// The files of the config drive: path below its root, content.
    pub fn config_drive(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        for version in ["2009-04-04", "latest"] {
            if let Some(data) = &self.user_data {
                files.push((format!("ec2/{version}/user-data"), data.clone()));
            }
            if let Some(meta_data) = ec2::meta_data(self.id, self.spec, version, None) {
                files.push((format!("ec2/{version}/meta-data.json"), python::json(&meta_data)));
            }
        }
        let network_data = python::json(&self.network_data());
        for name in VERSIONS.into_iter().chain(["latest"]) {
            let Some(version) = known(name) else { continue };
            let mut put = |file: &str, content| files.push((format!("openstack/{name}/{file}"), content));
            put("meta_data.json", python::json(&self.meta_data(version, true)));
            if let Some(data) = &self.user_data {
                put("user_data", data.clone());
            }
            if version >= position(HAVANA) {
                put("vendor_data.json", python::json(&json!({})));
            }
            if version >= position(LIBERTY) {
                put("network_data.json", network_data.clone());
            }
            if version >= position(NEWTON_TWO) {
                put("vendor_data2.json", python::json(&json!({"static": {}})));
            }
        }
        for (number, (_, content)) in self.spec.metadata.files.iter().enumerate() {
            files.push((format!("openstack/content/{number:04}"), decoded(content).unwrap_or_default()));
        }
        files
    }
}

/// Base64 as the API takes it: broken into lines or not.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    STANDARD.decode(text).ok()
}

fn position(name: &str) -> usize {
    VERSIONS.iter().position(|version| *version == name).unwrap_or(VERSIONS.len())
}

/// Which version a path asks for.
fn known(name: &str) -> Option<usize> {
    if name == "latest" {
        Some(VERSIONS.len() - 1)
    } else {
        Some(position(name)).filter(|at| *at < VERSIONS.len())
    }
}

#[cfg(test)]
mod tests;
