//! Subnet pools: ranges that subnets are cut from.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::{Body, address, faults, object};
use crate::record::{Json, record};
use fault::Fault;
use ipnet::IpNet;
use kernel::Micros;
use serde_json::{Map, Value};

record! {
    /// A subnet pool.
    SubnetPool in "subnet_pools" {
        id: String,
        /// The owner.
        project_id: String,
        name: String,
        description: String,
        ip_version: i64,
        prefixes: Json<Vec<IpNet>>,
        /// The length of a prefix that nobody says anything of.
        default_length: i64,
        min_length: i64,
        max_length: i64,
        /// How many addresses one project may have of it.
        default_quota: Option<i64>,
        is_default: bool,
        shared: bool,
        tags: Json<Vec<String>>,
        revision_number: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

const ATTRIBUTES: &[Attribute] = &[
    shown("id", "VFS"),
    at("name", "PUVFS", Default::Required, Convert::None, Check::RealName),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    at("prefixes", "PUV", Default::Required, Convert::None, Check::Subnets),
    at("default_quota", "PUVFS", Default::Unset, Convert::Number, Check::NonNegative),
    shown("ip_version", "VFS"),
    at("default_prefixlen", "PUVFS", Default::Unset, Convert::Number, Check::NonNegative),
    at("min_prefixlen", "PUVFS", Default::Unset, Convert::Number, Check::NonNegative),
    at("max_prefixlen", "PUVFS", Default::Unset, Convert::Number, Check::NonNegative),
    at("is_default", "PUVFSE", Default::Flag(false), Convert::Flag, Check::None),
    at("shared", "PVFSE", Default::Flag(false), Convert::Flag, Check::None),
    at("address_scope_id", "PUVFS", Default::Unset, Convert::None, Check::IdOrNull),
    shown("revision_number", "VF"),
    shown("tags", "VF"),
    shown("created_at", "V"),
    shown("updated_at", "V"),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
];

/// Subnet pools in the API.
pub static NOUN: Noun = Noun {
    one: "subnetpool",
    many: "subnetpools",
    path: "subnetpools",
    attributes: ATTRIBUTES,
    missing: faults::subnet_pool_missing,
};

impl SubnetPool {
    /// Refuses bounds that contradict each other.
    pub fn check(&self) -> Result<(), Fault> {
        let wrong = |sort: &str, length: i64, base: &str, bound: i64| {
            let sentence = format!("Illegal prefix bounds: {sort}={length}, {base}={bound}.");
            Err(faults::refused("IllegalSubnetPoolPrefixBounds", sentence))
        };
        let most = if self.ip_version == 4 { 32 } else { 128 };
        if self.min_length > self.max_length {
            return wrong("min_prefixlen", self.min_length, "max_prefixlen", self.max_length);
        }
        if self.max_length > most {
            return wrong("max_prefixlen", self.max_length, "ip_version_max", most);
        }
        if self.default_length < self.min_length {
            return wrong("default_prefixlen", self.default_length, "min_prefixlen", self.min_length);
        }
        if self.default_length > self.max_length {
            return wrong("default_prefixlen", self.default_length, "max_prefixlen", self.max_length);
        }
        Ok(())
    }

    /// The first range of a length that nobody has. Ranges are tried in order, each jump as long as what is in the way.
    pub fn free(&self, length: u8, taken: &[IpNet]) -> Option<IpNet> {
        for prefix in self.prefixes.0.iter().filter(|prefix| prefix.prefix_len() <= length) {
            let mut at = address::number(prefix.network());
            while at <= address::number(prefix.broadcast()) {
                let net = IpNet::new(address::of_number(prefix.network(), at), length).ok()?.trunc();
                let Some(other) = taken.iter().find(|other| address::overlap(net, **other)) else {
                    return Some(net);
                };
                let end = address::number(other.broadcast()).max(address::number(net.broadcast()));
                at = end.checked_add(1)?;
            }
        }
        None
    }

    /// How many addresses (of IPv6: /64s) a range counts for.
    pub fn units(&self, net: IpNet) -> u128 {
        let whole = if self.ip_version == 4 { 32u8 } else { 64 };
        1u128.checked_shl(u32::from(whole.saturating_sub(net.prefix_len()))).unwrap_or(u128::MAX)
    }
}

/// Prefixes in order, without those inside of others; neighbours become one.
pub fn compact(mut prefixes: Vec<IpNet>) -> Vec<IpNet> {
    prefixes.iter_mut().for_each(|net| *net = net.trunc());
    IpNet::aggregate(&prefixes)
}

impl Body for SubnetPool {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        object! {
            "id": self.id,
            "name": self.name,
            "tenant_id": self.project_id,
            "project_id": self.project_id,
            "prefixes": self.prefixes.0,
            "default_prefixlen": self.default_length.to_string(),
            "min_prefixlen": self.min_length.to_string(),
            "max_prefixlen": self.max_length.to_string(),
            "is_default": self.is_default,
            "shared": self.shared,
            "ip_version": self.ip_version,
            "default_quota": self.default_quota,
            "address_scope_id": Value::Null,
            "description": self.description,
            "created_at": self.created_at.seconds_z(),
            "updated_at": self.updated_at.seconds_z(),
            "revision_number": self.revision_number,
            "tags": self.tags.0,
        }
    }

    fn owner(&self) -> &str {
        &self.project_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_from_the_first_gap() {
        let net = |text: &str| text.parse::<IpNet>().unwrap();
        let pool = SubnetPool {
            id: String::new(),
            project_id: String::new(),
            name: String::new(),
            description: String::new(),
            ip_version: 4,
            prefixes: Json(compact(vec![net("10.0.1.0/24"), net("10.0.0.0/24"), net("10.0.0.128/25")])),
            default_length: 26,
            min_length: 8,
            max_length: 32,
            default_quota: None,
            is_default: false,
            shared: false,
            tags: Json(Vec::new()),
            revision_number: 0,
            created_at: Micros(0),
            updated_at: Micros(0),
        };
        assert_eq!(pool.prefixes.0, [net("10.0.0.0/23")]);
        assert_eq!(pool.free(26, &[]), Some(net("10.0.0.0/26")));
        assert_eq!(pool.free(26, &[net("10.0.0.0/25"), net("10.0.0.128/28")]), Some(net("10.0.0.192/26")));
        assert_eq!(pool.free(23, &[net("10.0.1.0/30")]), None);
        assert_eq!(pool.free(22, &[]), None);
    }
}
