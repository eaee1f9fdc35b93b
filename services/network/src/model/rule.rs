//! The values of security group rules: protocols by name and number, ports, ICMP types, ranges.

use super::attribute::Wish;
use super::faults;
use super::python;
use fault::Fault;
use ipnet::IpNet;
use serde_json::Value;

/// Protocols by name, as IANA numbers them.
pub const PROTOCOLS: &[(&str, u8)] = &[
    ("ah", 51),
    ("dccp", 33),
    ("egp", 8),
    ("esp", 50),
    ("gre", 47),
    ("hopopt", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ip", 0),
    ("ipip", 4),
    ("ipv6-encap", 41),
    ("ipv6-frag", 44),
    ("ipv6-icmp", 58),
    ("icmpv6", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("ipv6-route", 43),
    ("ospf", 89),
    ("pgm", 113),
    ("rsvp", 46),
    ("sctp", 132),
    ("tcp", 6),
    ("udp", 17),
    ("udplite", 136),
    ("vrrp", 112),
];

/// The protocols that have ports.
pub const WITH_PORTS: &[(&str, u8)] =
    &[("dccp", 33), ("sctp", 132), ("tcp", 6), ("udp", 17), ("udplite", 136)];

/// The number of a protocol that was accepted before.
pub fn protocol_number(protocol: &str) -> Option<u8> {
    let named = PROTOCOLS.iter().find(|(name, _)| *name == protocol).map(|(_, number)| *number);
    named.or_else(|| protocol.parse().ok())
}

/// A protocol in form: a known name in lower case, or a number as text; `null` for any.
pub fn protocol(value: &Value) -> Result<Value, Fault> {
    let unsupported = || {
        let known = std::iter::once("None".to_owned())
            .chain(std::iter::once("'any'".to_owned()))
            .chain(PROTOCOLS.iter().map(|(name, _)| format!("'{name}'")));
        faults::refused(
            "SecurityGroupRuleInvalidProtocol",
            format!(
                "Security group rule protocol {} not supported. Only protocol values ({}) and integer representations \
                 [0 to 255] are supported.",
                python::text(value),
                known.collect::<Vec<_>>().join(", ")
            ),
        )
    };
    match value {
        Value::Null => Ok(Value::Null),
        Value::Number(number) => match number.as_i64() {
            Some(0..=255) => Ok(number.to_string().into()),
            _ => Err(unsupported()),
        },
        Value::String(text) if text == "any" => Ok(Value::Null),
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(0..=255) => Ok(text.as_str().into()),
            Ok(_) => Err(unsupported()),
            Err(_) => {
                let lower = text.to_lowercase();
                let known = PROTOCOLS.iter().any(|(name, _)| *name == lower) || lower == "any";
                if known { Ok(lower.into()) } else { Err(unsupported()) }
            }
        },
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(unsupported()),
    }
}

/// An ethertype in its usual spelling.
pub fn ethertype(value: &Value) -> Result<Value, Fault> {
    match value.as_str() {
        Some(text) if text.eq_ignore_ascii_case("IPv4") => Ok("IPv4".into()),
        Some(text) if text.eq_ignore_ascii_case("IPv6") => Ok("IPv6".into()),
        _ => Err(faults::refused(
            "SecurityGroupRuleInvalidEtherType",
            format!(
                "Security group rule for ethertype '{}' not supported. Allowed values are ['IPv4', 'IPv6'].",
                python::text(value)
            ),
        )),
    }
}

/// A port of a rule.
pub fn port_value(value: &Value) -> Result<Value, Fault> {
    let number = match value {
        Value::Null => return Ok(Value::Null),
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    match number {
        Some(port @ 0..=65535) => Ok(port.into()),
        _ => Err(faults::refused(
            "SecurityGroupInvalidPortValue",
            format!("Invalid value for port {}", python::text(value)),
        )),
    }
}

/// The remote range of a rule, with its prefix.
pub fn remote_prefix(value: &Value) -> Result<Value, Fault> {
    let text = match value {
        Value::Null => return Ok(Value::Null),
        Value::String(text) if text.is_empty() => return Ok(Value::Null),
        other => python::text(other),
    };
    let full = if text.contains('/') {
        text.clone()
    } else {
        format!("{text}/{}", if text.contains(':') { 128 } else { 32 })
    };
    match full.parse::<IpNet>() {
        Ok(net) => Ok(net.to_string().into()),
        Err(_) => Err(faults::refused("InvalidCIDR", format!("Invalid CIDR {text} given as IP prefix."))),
    }
}

/// What a rule says, brought into form and checked as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// `ingress` or `egress`.
    pub direction: String,
    /// `IPv4` or `IPv6`.
    pub ethertype: String,
    /// The protocol.
    pub protocol: Option<String>,
    /// Port or ICMP type from.
    pub port_min: Option<i64>,
    /// Port to, or ICMP code.
    pub port_max: Option<i64>,
    /// Members of a group.
    pub remote_group_id: Option<String>,
    /// A range.
    pub remote_ip_prefix: Option<String>,
}

impl Traffic {
    /// What a request asks for.
    pub fn wished(wish: &Wish) -> Result<Self, Fault> {
        let traffic = Self {
            direction: wish.text_or_empty("direction"),
            ethertype: wish.text_or_empty("ethertype"),
            protocol: wish.text("protocol"),
            port_min: wish.number("port_range_min"),
            port_max: wish.number("port_range_max"),
            remote_group_id: wish.text("remote_group_id"),
            remote_ip_prefix: wish.text("remote_ip_prefix"),
        };
        traffic.checked()
    }

    /// Brings it into form; refuses what contradicts itself.
    fn checked(mut self) -> Result<Self, Fault> {
        if self.ethertype == "IPv6" {
            match self.protocol.as_deref() {
                Some("icmp" | "icmpv6") => self.protocol = Some("ipv6-icmp".into()),
                Some("1") => self.protocol = Some("58".into()),
                _ => {}
            }
        }
        if (self.port_min, self.port_max) == (Some(1), Some(65535)) {
            (self.port_min, self.port_max) = (None, None);
        }
        self.check_ports()?;
        self.check_prefix()?;
        self.check_ethertype()?;
        if self.remote_group_id.is_some() && self.remote_ip_prefix.is_some() {
            return Err(faults::refused(
                "SecurityGroupMultipleRemoteEntites",
                "Only one of remote_ip_prefix or remote_group_id or remote_address_group_id may be provided.",
            ));
        }
        Ok(self)
    }

    fn check_ports(&self) -> Result<(), Fault> {
        if self.port_min.is_none() && self.port_max.is_none() {
            return Ok(());
        }
        let Some(protocol) = &self.protocol else {
            return Err(faults::refused(
                "SecurityGroupProtocolRequiredWithPorts",
                "Must also specify protocol if port range is given.",
            ));
        };
        let number = protocol_number(protocol).unwrap_or(0);
        if WITH_PORTS.iter().any(|(_, with)| *with == number) {
            return self.check_range();
        }
        if number == 1 || number == 58 {
            return self.check_icmp();
        }
        Err(faults::refused(
            "SecurityGroupInvalidProtocolForPort",
            format!(
                "Ports cannot be specified for protocol {number}. Ports are only supported for DCCP, SCTP, TCP, UDP, \
                 UDPLITE."
            ),
        ))
    }

    fn check_range(&self) -> Result<(), Fault> {
        if self.port_min == Some(0) || self.port_max == Some(0) {
            return Err(faults::refused("SecurityGroupInvalidPortValue", "Invalid value for port 0"));
        }
        match (self.port_min, self.port_max) {
            (Some(min), Some(max)) if min <= max => Ok(()),
            _ => Err(faults::refused(
                "SecurityGroupInvalidPortRange",
                "For TCP/UDP protocols, port_range_min must be <= port_range_max",
            )),
        }
    }

    fn check_icmp(&self) -> Result<(), Fault> {
        for (value, attribute, field) in
            [(self.port_min, "port_range_min", "type"), (self.port_max, "port_range_max", "code")]
        {
            if let Some(value) = value.filter(|value| !(0..=255).contains(value)) {
                return Err(faults::refused(
                    "SecurityGroupInvalidIcmpValue",
                    format!("Invalid value for ICMP {field} ({attribute}) {value}. It must be 0 to 255."),
                ));
            }
        }
        match (self.port_min, self.port_max) {
            (None, Some(code)) => Err(faults::refused(
                "SecurityGroupMissingIcmpType",
                format!(
                    "ICMP code (port-range-max) {code} is provided but ICMP type (port-range-min) is missing."
                ),
            )),
            _ => Ok(()),
        }
    }

    fn check_prefix(&self) -> Result<(), Fault> {
        let Some(prefix) = &self.remote_ip_prefix else { return Ok(()) };
        if prefix.contains(':') == (self.ethertype == "IPv6") {
            return Ok(());
        }
        Err(faults::refused(
            "SecurityGroupRuleParameterConflict",
            format!("Conflicting value ethertype {} for CIDR {prefix}", self.ethertype),
        ))
    }

    fn check_ethertype(&self) -> Result<(), Fault> {
        let only_v6 = |name: &str| name.starts_with("ipv6-") || name == "icmpv6";
        match &self.protocol {
            Some(protocol) if only_v6(protocol) && self.ethertype == "IPv4" => Err(faults::refused(
                "SecurityGroupEthertypeConflictWithProtocol",
                format!("Invalid ethertype IPv4 for protocol {protocol}."),
            )),
            _ => Ok(()),
        }
    }

    /// Whether two rules let the same through.
    pub fn same(&self, other: &Self) -> bool {
        let prefix =
            |prefix: &Option<String>| prefix.clone().filter(|text| text != "0.0.0.0/0" && text != "::/0");
        let number = |protocol: &Option<String>| protocol.as_deref().map(protocol_number);
        self.direction == other.direction
            && self.ethertype == other.ethertype
            && (self.port_min, self.port_max) == (other.port_min, other.port_max)
            && self.remote_group_id == other.remote_group_id
            && number(&self.protocol) == number(&other.protocol)
            && prefix(&self.remote_ip_prefix) == prefix(&other.remote_ip_prefix)
    }
}
