//! Exchange tests: whole HTTP requests over a real socket, on a real store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

mod access_rules;
mod credentials;
mod directories;
mod domain_configs;
mod domains_apart;
mod endpoint_groups;
mod factors;
mod federated;
mod federation;
mod floods;
mod hashes;
mod hostile;
mod import;
mod jws;
mod kept;
mod keys;
mod limits;
mod narrowed;
mod nouns;
mod oauth1;
mod oauth2;
mod passwords;
mod policy_associations;
mod readmit;
mod rig;
mod service_providers;
mod signed;
mod slapd;
mod tokens;
mod trusts;
