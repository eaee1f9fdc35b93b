//! Plain data of identity and pure functions on it: nothing here reads a clock, a store or a socket.

pub mod access_rule;
pub mod application_credential;
pub mod assignment;
pub mod catalog;
pub mod compliance;
pub mod credential;
pub mod directory;
pub mod dn;
pub mod domain_config;
pub mod ec2;
pub mod endpoint_group;
pub mod factors;
pub mod fernet;
pub mod jws;
pub mod limit;
mod msgpack;
pub mod oauth1;
pub mod password;
pub mod project;
pub mod receipt;
pub mod role;
pub mod signed_request;
pub mod token;
pub mod totp;
pub mod trust;
pub mod user;
