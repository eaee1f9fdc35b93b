//! Security groups and their rules.

use super::attribute::{Attribute, Default, Noun, at, shown};
use super::check::{Check, Convert};
use super::rule::Traffic;
use super::{Body, faults, object};
use crate::record::{Json, record};
use ipnet::IpNet;
use kernel::Micros;
use serde_json::{Map, Value};

/// The name of a project's default group.
pub const DEFAULT: &str = "default";

record! {
    /// A security group.
    GroupRow in "security_groups" {
        id: String,
        /// The owner.
        project_id: String,
        name: String,
        description: String,
        /// Answers are let through without a rule of their own.
        stateful: bool,
        tags: Json<Vec<String>>,
        revision_number: i64,
        /// Rises with each change of what the switch must hold.
        revision: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

record! {
    /// A rule of a security group.
    RuleRow in "security_group_rules" {
        id: String,
        group_id: String,
        /// The owner.
        project_id: String,
        description: String,
        direction: String,
        ethertype: String,
        protocol: Option<String>,
        port_min: Option<i64>,
        port_max: Option<i64>,
        remote_group_id: Option<String>,
        remote_ip_prefix: Option<String>,
        /// Its group is a project's default group.
        of_default_group: bool,
        revision_number: i64,
        created_at: Micros,
        updated_at: Micros,
    }
}

/// A security group with its rules.
#[derive(Clone, Debug)]
pub struct Group {
    /// The row.
    pub row: GroupRow,
    /// Its rules.
    pub rules: Vec<RuleRow>,
    /// It is shared with the one who asks.
    pub shared: bool,
}

const GROUP_ATTRIBUTES: &[Attribute] = &[
    shown("revision_number", "VF"),
    shown("tags", "VF"),
    shown("created_at", "V"),
    shown("updated_at", "V"),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
    shown("id", "VFS"),
    at("name", "PUVFS", Default::Text(""), Convert::None, Check::GroupName(255)),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    shown("security_group_rules", "V"),
    at("stateful", "PUVF", Default::Flag(true), Convert::Flag, Check::None),
    at("shared", "VF", Default::Unset, Convert::Flag, Check::None),
];

const DIRECTIONS: &[&str] = &["ingress", "egress"];
const ETHERTYPES: &[&str] = &["IPv4", "IPv6"];

const RULE_ATTRIBUTES: &[Attribute] = &[
    shown("revision_number", "VF"),
    shown("created_at", "V"),
    shown("updated_at", "V"),
    at("description", "PUVF", Default::Text(""), Convert::None, Check::Text(255)),
    shown("id", "VFS"),
    at("security_group_id", "PVFS", Default::Required, Convert::None, Check::Text(36)),
    at("remote_group_id", "PVFS", Default::Null, Convert::None, Check::None),
    at("direction", "PVFS", Default::Required, Convert::None, Check::OneOf(DIRECTIONS)),
    at("protocol", "PVFS", Default::Null, Convert::Protocol, Check::None),
    at("port_range_min", "PVFS", Default::Null, Convert::PortValue, Check::None),
    at("port_range_max", "PVFS", Default::Null, Convert::PortValue, Check::None),
    at("ethertype", "PVFS", Default::Text("IPv4"), Convert::Ethertype, Check::OneOf(ETHERTYPES)),
    at("remote_ip_prefix", "PVFS", Default::Null, Convert::RemotePrefix, Check::None),
    at("project_id", "PVFS", Default::Required, Convert::None, Check::Text(255)),
    shown("normalized_cidr", "VFS"),
    at("remote_address_group_id", "PVFS", Default::Null, Convert::None, Check::None),
    at("belongs_to_default_sg", "VF", Default::Unset, Convert::FlagOrNull, Check::None),
];

/// Security groups in the API.
pub static NOUN: Noun = Noun {
    one: "security_group",
    many: "security_groups",
    path: "security-groups",
    attributes: GROUP_ATTRIBUTES,
    missing: faults::security_group_missing,
};

/// Rules in the API.
pub static RULE_NOUN: Noun = Noun {
    one: "security_group_rule",
    many: "security_group_rules",
    path: "security-group-rules",
    attributes: RULE_ATTRIBUTES,
    missing: faults::security_group_rule_missing,
};

impl RuleRow {
    /// What it lets through.
    pub fn traffic(&self) -> Traffic {
        Traffic {
            direction: self.direction.clone(),
            ethertype: self.ethertype.clone(),
            protocol: self.protocol.clone(),
            port_min: self.port_min,
            port_max: self.port_max,
            remote_group_id: self.remote_group_id.clone(),
            remote_ip_prefix: self.remote_ip_prefix.clone(),
        }
    }
}

impl Body for RuleRow {
    const NOUN: &'static Noun = &RULE_NOUN;

    fn body(&self) -> Map<String, Value> {
        let normalized = self.remote_ip_prefix.as_deref().and_then(|text| text.parse::<IpNet>().ok());
        object! {
            "id": self.id,
            "tenant_id": self.project_id,
            "project_id": self.project_id,
            "security_group_id": self.group_id,
            "ethertype": self.ethertype,
            "direction": self.direction,
            "protocol": self.protocol,
            "port_range_min": self.port_min,
            "port_range_max": self.port_max,
            "remote_ip_prefix": self.remote_ip_prefix,
            "remote_address_group_id": Value::Null,
            "normalized_cidr": normalized.map(|net| net.trunc().to_string()),
            "remote_group_id": self.remote_group_id,
            "belongs_to_default_sg": self.of_default_group,
            "description": self.description,
            "created_at": self.created_at.seconds_z(),
            "updated_at": self.updated_at.seconds_z(),
            "revision_number": self.revision_number,
        }
    }

    fn owner(&self) -> &str {
        &self.project_id
    }
}

impl Body for Group {
    const NOUN: &'static Noun = &NOUN;

    fn body(&self) -> Map<String, Value> {
        let row = &self.row;
        object! {
            "id": row.id,
            "name": row.name,
            "stateful": row.stateful,
            "tenant_id": row.project_id,
            "project_id": row.project_id,
            "description": row.description,
            "shared": self.shared,
            "security_group_rules": self.rules.iter().map(RuleRow::body).collect::<Vec<_>>(),
            "created_at": row.created_at.seconds_z(),
            "updated_at": row.updated_at.seconds_z(),
            "revision_number": row.revision_number,
            "tags": row.tags.0,
        }
    }

    fn owner(&self) -> &str {
        &self.row.project_id
    }
}
