//! The networks that a create request asks for.

use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What a create request says about networks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Nothing, or `auto`: the one network that there is.
    #[default]
    Auto,
    /// None at all.
    None,
    /// These, in this order.
    These(Vec<AskedPort>),
}

/// One interface that a create request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedPort {
    /// On this network.
    pub network_id: Option<String>,
    /// With this port.
    pub port_id: Option<String>,
    /// With this address.
    pub fixed_ip: Option<IpAddr>,
    /// With this tag for the guest.
    pub tag: Option<String>,
}
