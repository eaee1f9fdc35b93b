//! Quotas: the resources that Nova limits, with its default limits.

/// A limited resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its name.
    pub name: &'static str,
    /// The limit unless an operator says otherwise; -1 is none.
    pub default: i64,
    /// The network service owns it: shown by old microversions only.
    pub of_network: bool,
    /// It is about files that are injected: shown by old microversions only.
    pub of_files: bool,
}

const fn own(name: &'static str, default: i64) -> Resource {
    Resource { name, default, of_network: false, of_files: false }
}

const fn network(name: &'static str) -> Resource {
    Resource { name, default: -1, of_network: true, of_files: false }
}

const fn files(name: &'static str, default: i64) -> Resource {
    Resource { name, default, of_network: false, of_files: true }
}

/// All of them, in the order in which they are shown.
pub const RESOURCES: &[Resource] = &[
    own("instances", 10),
    own("cores", 20),
    own("ram", 50 * 1024),
    own("metadata_items", 128),
    files("injected_files", 5),
    files("injected_file_content_bytes", 10 * 1024),
    files("injected_file_path_bytes", 255),
    own("key_pairs", 100),
    own("server_groups", 10),
    own("server_group_members", 10),
    network("fixed_ips"),
    network("floating_ips"),
    network("security_groups"),
    network("security_group_rules"),
];

/// Limits and use of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The resource.
    pub resource: Resource,
    /// The limit; -1 is none.
    pub limit: i64,
    /// What is in use.
    pub used: i64,
}

impl Quota {
    /// How much more fits.
    pub fn room(&self) -> i64 {
        if self.limit < 0 { i64::MAX } else { self.limit - self.used }
    }
}
