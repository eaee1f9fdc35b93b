//! HTTP: decode, call one op, encode.

pub mod agent;
pub mod extension;
pub mod floating_ip;
pub mod network;
pub mod port;
pub mod quota;
pub mod rbac;
mod resource;
pub mod router;
pub mod security_group;
pub mod security_group_rule;
pub mod subnet;
pub mod subnet_pool;
pub mod tag;
pub mod version;
