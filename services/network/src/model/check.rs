//! What values must be and how they are brought into form, with the reasons in Neutron's words.

use super::faults;
use super::python;
use super::rule;
use fault::Fault;
use ipnet::IpNet;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// How a value is brought into form. What cannot be is refused as a whole request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Convert {
    /// As it is.
    None,
    /// To a flag, from the words and numbers that OpenStack takes for one.
    Flag,
    /// To a flag, or `null`.
    FlagOrNull,
    /// To a whole number.
    Number,
    /// To lower case.
    Lower,
    /// `null` to an empty list.
    NullToEmpty,
    /// An IPv6 address to its short form.
    Address,
    /// A range to its canonical form.
    Cidr,
    /// Pools with canonical addresses.
    Pools,
    /// A MAC address to lower case with colons; `null` stays and means a new one.
    Mac,
    /// The protocol of a rule.
    Protocol,
    /// The ethertype of a rule.
    Ethertype,
    /// The port (or ICMP type, code) of a rule.
    PortValue,
    /// The remote range of a rule.
    RemotePrefix,
    /// The sort of thing that is shared.
    ShareableType,
}

/// What a value must be.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Anything.
    None,
    /// An id.
    Id,
    /// An id or `null`.
    IdOrNull,
    /// A text of at most so many characters.
    Text(usize),
    /// A text or `null`.
    TextOrNull(usize),
    /// A text without control characters.
    Name(usize),
    /// A name other than `default`.
    GroupName(usize),
    /// A name that is not blank.
    RealName,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts or `null`.
    OneOfOrNull(&'static [&'static str]),
    /// 4 or 6.
    IpVersion,
    /// A number that is not negative.
    NonNegative,
    /// A number in a range.
    Range(i64, i64),
    /// A range of addresses or `null`.
    SubnetOrNull,
    /// Ranges of addresses.
    Subnets,
    /// An address or `null`.
    AddressOrNull,
    /// Allocation pools.
    Pools,
    /// Name servers.
    NameServers,
    /// Routes.
    Routes,
    /// Fixed addresses.
    FixedIps,
    /// A list of ids.
    Ids,
    /// A MAC address.
    Mac,
    /// Allowed address pairs.
    AddressPairs,
    /// DHCP options.
    DhcpOptions,
    /// A host name.
    DnsName,
    /// A domain that ends with a dot.
    DnsDomain,
    /// The gateway of a router.
    Gateway,
    /// A list of texts without repetition.
    UniqueTexts(usize),
    /// Owners of devices.
    ServiceTypes,
    /// An object or `null`.
    ObjectOrNull,
    /// A project's id or `*`.
    TargetProject,
}

type Reason = Option<String>;

impl Convert {
    /// The value in form.
    pub fn apply(self, value: &Value) -> Result<Value, Fault> {
        Ok(match self {
            Self::None => value.clone(),
            Self::Flag => Value::Bool(flag(value)?),
            Self::FlagOrNull if value.is_null() => Value::Null,
            Self::FlagOrNull => Value::Bool(flag(value)?),
            Self::Number => number(value)?.into(),
            Self::Lower => match value {
                Value::String(text) => text.to_lowercase().into(),
                other => {
                    let sentence = format!("Input value {} must be string type", python::text(other));
                    return Err(faults::invalid(sentence));
                }
            },
            Self::NullToEmpty if value.is_null() => Value::Array(Vec::new()),
            Self::NullToEmpty => value.clone(),
            Self::Address => canonical(value),
            Self::Cidr => cidr(value)?,
            Self::Pools => pools(value)?,
            Self::Mac => match value.as_str().and_then(mac) {
                Some(mac) => mac.into(),
                None => value.clone(),
            },
            Self::Protocol => rule::protocol(value)?,
            Self::Ethertype => rule::ethertype(value)?,
            Self::PortValue => rule::port_value(value)?,
            Self::RemotePrefix => rule::remote_prefix(value)?,
            Self::ShareableType => match value.as_str() {
                Some(
                    "network" | "security_group" | "subnetpool" | "address_scope" | "qos_policy"
                    | "address_group",
                ) => value.clone(),
                _ => {
                    let text = python::text(value);
                    return Err(faults::invalid(format!("'{text}' is not a valid RBAC object type")));
                }
            },
        })
    }
}

impl Check {
    /// Why the value is refused; nothing if it is not. Some checks have faults of their own.
    pub fn refuses(self, value: &Value) -> Result<Reason, Fault> {
        Ok(match self {
            Self::None => None,
            Self::Id => id(value),
            Self::IdOrNull if value.is_null() => None,
            Self::IdOrNull => id(value),
            Self::Text(limit) => text(value, limit),
            Self::TextOrNull(_) if value.is_null() => None,
            Self::TextOrNull(limit) => text(value, limit),
            Self::Name(limit) => name(value, limit),
            Self::GroupName(limit) => match (name(value, limit), value.as_str()) {
                (None, Some(text)) if text.eq_ignore_ascii_case("default") => {
                    let sentence = "Default security group already exists.";
                    return Err(faults::conflict("SecurityGroupDefaultAlreadyExists", sentence));
                }
                (reason, _) => reason,
            },
            Self::RealName => real_name(value),
            Self::OneOf(words) => one_of(value, words, false),
            Self::OneOfOrNull(words) => one_of(value, words, true),
            Self::IpVersion => match value.as_i64() {
                Some(4 | 6) => None,
                _ => Some(format!("{} is not in valid_values", python::text(value))),
            },
            Self::NonNegative => match as_number(value) {
                None => Some(format!("'{}' is not an integer", python::text(value))),
                Some(number) if number < 0 => Some(format!("'{number}' should be non-negative")),
                Some(_) => None,
            },
            Self::Range(low, high) => range(value, low, high),
            Self::SubnetOrNull if value.is_null() => None,
            Self::SubnetOrNull => subnet(value),
            Self::Subnets => list_of(value, subnet),
            Self::AddressOrNull if value.is_null() => None,
            Self::AddressOrNull => address(value),
            Self::Pools => pools_reason(value),
            Self::NameServers => name_servers(value),
            Self::Routes => routes(value),
            Self::FixedIps => fixed_ips(value),
            Self::Ids => list_of(value, id),
            Self::Mac => mac_reason(value),
            Self::AddressPairs => return address_pairs(value),
            Self::DhcpOptions => return dhcp_options(value),
            Self::DnsName => dns_name(value),
            Self::DnsDomain => dns_domain(value),
            Self::Gateway => gateway(value),
            Self::UniqueTexts(limit) => list_of(value, |item| text(item, limit)),
            Self::ServiceTypes => return service_types(value),
            Self::ObjectOrNull => match value {
                Value::Null | Value::Object(_) => None,
                other => Some(format!("'{}' is not a dictionary", python::text(other))),
            },
            Self::TargetProject => match value.as_str() {
                Some(text) if text == "*" || is_id(text) => None,
                _ => {
                    let text = python::text(value);
                    let sentence =
                        format!("'{text}' is not a valid target project ID; expected a UUID or '*'");
                    return Err(faults::invalid(sentence));
                }
            },
        })
    }
}

/// The flag that a value stands for.
pub fn flag(value: &Value) -> Result<bool, Fault> {
    let word = match value {
        Value::Bool(flag) => return Ok(*flag),
        other => python::text(other).trim().to_lowercase(),
    };
    match word.as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Ok(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Ok(false),
        _ => Err(faults::invalid(format!("'{}' cannot be converted to boolean", python::text(value)))),
    }
}

fn as_number(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(flag) => Some((*flag).into()),
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|real| real.trunc() as i64)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn number(value: &Value) -> Result<i64, Fault> {
    as_number(value).ok_or_else(|| faults::invalid(format!("'{}' is not an integer", python::text(value))))
}

fn canonical(value: &Value) -> Value {
    match value.as_str().and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(address @ IpAddr::V6(_)) => address.to_string().into(),
        _ => value.clone(),
    }
}

fn cidr(value: &Value) -> Result<Value, Fault> {
    let text = python::text(value);
    let whole = if text.contains('/') { text.clone() } else { with_full_prefix(&text) };
    let parsed: Option<IpNet> = if value.is_null() { None } else { whole.parse().ok() };
    let net = parsed.ok_or_else(|| faults::invalid(format!("{text} is not in a CIDR format")))?;
    Ok(format!("{}/{}", net.addr(), net.prefix_len()).into())
}

fn with_full_prefix(text: &str) -> String {
    format!("{text}/{}", if text.contains(':') { 128 } else { 32 })
}

fn pools(value: &Value) -> Result<Value, Fault> {
    let wrong = || faults::invalid("Invalid data format for allocation pools");
    let Value::Array(items) = value else {
        return if value.is_null() { Ok(Value::Array(Vec::new())) } else { Err(wrong()) };
    };
    let pool = |item: &Value| {
        let map = item.as_object().ok_or_else(wrong)?;
        Ok(Value::Object(map.iter().map(|(key, value)| (key.clone(), canonical(value))).collect()))
    };
    items.iter().map(pool).collect::<Result<Vec<_>, Fault>>().map(Value::Array)
}

/// A MAC address in lower case with colons, if it is one in any of the usual forms.
pub fn mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !matches!(c, ':' | '-' | '.')).collect();
    let separated = text.contains([':', '-', '.']) || text.len() == 12;
    if !separated || digits.len() != 12 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let pairs: Vec<_> =
        digits.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_lowercase()).collect();
    Some(pairs.join(":"))
}

fn mac_reason(value: &Value) -> Reason {
    let known =
        value.as_str().and_then(mac).filter(|mac| mac != "00:00:00:00:00:00" && mac != "ff:ff:ff:ff:ff:ff");
    match known {
        // `null` asks for a new address.
        _ if value.is_null() => None,
        Some(_) => None,
        None => Some(format!("'{}' is not a valid MAC address", python::text(value))),
    }
}

/// Whether a text is an id as Neutron takes it: a UUID in any spelling.
pub fn is_id(text: &str) -> bool {
    uuid::Uuid::parse_str(text.trim_start_matches("urn:uuid:")).is_ok()
}

fn id(value: &Value) -> Reason {
    match value.as_str() {
        Some(text) if is_id(text) => None,
        _ => Some(format!("'{}' is not a valid UUID", python::text(value))),
    }
}

fn text(value: &Value, limit: usize) -> Reason {
    match value {
        Value::String(text) if text.chars().count() > limit => {
            Some(format!("'{text}' exceeds maximum length of {limit}"))
        }
        Value::String(_) => None,
        other => Some(format!("'{}' is not a valid string", python::text(other))),
    }
}

fn name(value: &Value, limit: usize) -> Reason {
    let reason = text(value, limit);
    let content = value.as_str().unwrap_or_default();
    let space_outside = content.starts_with(char::is_whitespace) || content.ends_with(char::is_whitespace);
    match reason {
        None if content.contains(char::is_control) || space_outside => {
            Some(format!("'{content}' is not a valid string"))
        }
        other => other,
    }
}

fn real_name(value: &Value) -> Reason {
    match (text(value, usize::MAX), value.as_str()) {
        (None, Some(content)) if content.trim().is_empty() => {
            Some(format!("'{content}' Blank strings are not permitted"))
        }
        (None, _) => name(value, usize::MAX),
        (reason, _) => reason,
    }
}

fn one_of(value: &Value, words: &[&str], null: bool) -> Reason {
    match value {
        Value::Null if null => None,
        Value::String(text) if words.contains(&text.as_str()) => None,
        other => Some(format!("{} is not in valid_values", python::text(other))),
    }
}

fn range(value: &Value, low: i64, high: i64) -> Reason {
    match as_number(value) {
        None => Some(format!("'{}' is not an integer", python::text(value))),
        Some(number) if number < low => Some(format!("'{number}' is too small - must be at least '{low}'")),
        Some(number) if number > high => {
            Some(format!("'{number}' is too large - must be no larger than '{high}'"))
        }
        Some(_) => None,
    }
}

/// Why a value is no address.
pub fn address(value: &Value) -> Reason {
    match value.as_str().and_then(|text| text.parse::<IpAddr>().ok()) {
        Some(_) => None,
        None => Some(format!("'{}' is not a valid IP address", python::text(value))),
    }
}

fn subnet(value: &Value) -> Reason {
    let text = value.as_str().unwrap_or_default();
    match text.parse::<IpNet>() {
        Ok(IpNet::V6(_)) => None,
        Ok(net) if net.to_string() == text => None,
        _ => Some(format!("'{}' is not a valid IP subnet", python::text(value))),
    }
}

fn list_of(value: &Value, check: impl Fn(&Value) -> Reason) -> Reason {
    let Value::Array(items) = value else { return Some(format!("'{}' is not a list", python::text(value))) };
    let mut twice: Vec<String> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let word = python::text(item);
        if items[..at].contains(item) && !twice.contains(&word) {
            twice.push(word);
        }
    }
    if !twice.is_empty() {
        return Some(format!("Duplicate items in the list: '{}'", twice.join(", ")));
    }
    items.iter().find_map(check)
}

/// Whether an object has exactly these keys; Python's sets have no order, so neither has the sentence.
fn keys(value: &Value, expected: &[&str]) -> Reason {
    let Some(map) = value.as_object() else {
        let keys = python::list(expected.iter().copied());
        return Some(format!(
            "Invalid input. '{}' must be a dictionary with keys: {keys}",
            python::text(value)
        ));
    };
    if map.len() == expected.len() && expected.iter().all(|key| map.contains_key(*key)) {
        return None;
    }
    let set = |text: String| format!("{{{}}}", text.trim_matches(['[', ']']));
    let provided = python::list(map.keys().map(String::as_str));
    Some(format!(
        "Validation of dictionary's keys failed. Expected keys: {} Provided keys: {}",
        set(python::list(expected.iter().copied())),
        if map.is_empty() { "set()".to_owned() } else { set(provided) },
    ))
}

fn pools_reason(value: &Value) -> Reason {
    let Value::Array(items) = value else {
        return Some(format!("Invalid data format for IP pool: '{}'", python::text(value)));
    };
    items.iter().find_map(|item| {
        keys(item, &["start", "end"]).or_else(|| address(&item["start"])).or_else(|| address(&item["end"]))
    })
}

fn name_servers(value: &Value) -> Reason {
    let Value::Array(items) = value else {
        return Some(format!("Invalid data format for nameserver: '{}'", python::text(value)));
    };
    for (at, item) in items.iter().enumerate() {
        let host = python::text(item);
        if let Some(reason) = address(item) {
            return Some(format!("'{host}' is not a valid nameserver. {reason}"));
        }
        if items[..at].contains(item) {
            return Some(format!("Duplicate nameserver '{host}'"));
        }
    }
    None
}

fn routes(value: &Value) -> Reason {
    let Value::Array(items) = value else {
        return Some(format!("Invalid data format for hostroute: '{}'", python::text(value)));
    };
    for (at, item) in items.iter().enumerate() {
        let reason = keys(item, &["destination", "nexthop"])
            .or_else(|| destination(&item["destination"]))
            .or_else(|| address(&item["nexthop"]));
        if reason.is_some() {
            return reason;
        }
        if items[..at].contains(item) {
            return Some(format!("Duplicate hostroute '{}'", python::text(item)));
        }
    }
    None
}

fn destination(value: &Value) -> Reason {
    let text = value.as_str().unwrap_or_default();
    match text.parse::<IpNet>() {
        Ok(net) if net.network() == net.addr() && net.addr().is_loopback() => {
            Some(format!("'{text}' is not a routable CIDR"))
        }
        Ok(net) if net.network() == net.addr() => None,
        _ => Some(format!("'{}' is not a valid CIDR", python::text(value))),
    }
}

fn fixed_ips(value: &Value) -> Reason {
    let wrong = |value: &Value| Some(format!("Invalid data format for fixed IP: '{}'", python::text(value)));
    let Value::Array(items) = value else { return wrong(value) };
    let mut seen: Vec<&Value> = Vec::new();
    for item in items {
        let Some(map) = item.as_object() else { return wrong(item) };
        if let Some(given) = map.get("ip_address") {
            if seen.contains(&given) {
                return Some(format!("Duplicate IP address '{}'", python::text(given)));
            }
            if let Some(reason) = address(given) {
                return Some(reason);
            }
            seen.push(given);
        }
        if let Some(reason) = map.get("subnet_id").and_then(id) {
            return Some(reason);
        }
    }
    None
}

fn address_pairs(value: &Value) -> Result<Reason, Fault> {
    let Value::Array(items) = value else { return Err(faults::bad("Allowed address pairs must be a list.")) };
    if items.len() > 10 {
        let sentence = "The number of allowed address pair exceeds the maximum 10.";
        return Err(faults::refused("AllowedAddressPairExhausted", sentence));
    }
    let mut seen = Vec::new();
    for item in items {
        let Some(map) = item.as_object() else {
            return Ok(Some(format!("'{}' is not a dictionary", python::text(item))));
        };
        address_pair(map)?;
        let pair = (map.get("mac_address"), map.get("ip_address"));
        if seen.contains(&pair) {
            let word = |value: Option<&Value>| value.map_or("None".to_owned(), python::text);
            let sentence = format!(
                "Request contains duplicate address pair: mac_address {} ip_address {}.",
                word(pair.0),
                word(pair.1)
            );
            return Err(faults::refused("DuplicateAddressPairInRequest", sentence));
        }
        seen.push(pair);
    }
    Ok(None)
}

fn address_pair(map: &Map<String, Value>) -> Result<(), Fault> {
    if let Some(reason) = map.get("mac_address").filter(|mac| !mac.is_null()).and_then(mac_reason) {
        return Err(faults::bad(reason));
    }
    let Some(given) = map.get("ip_address") else {
        return Err(faults::refused(
            "AllowedAddressPairsMissingIP",
            "AllowedAddressPair must contain ip_address",
        ));
    };
    let unknown: Vec<_> =
        map.keys().map(String::as_str).filter(|key| !matches!(*key, "mac_address" | "ip_address")).collect();
    if !unknown.is_empty() {
        return Err(faults::bad(format!("Unrecognized attribute(s) '{}'", unknown.join(", "))));
    }
    let is_range = given.as_str().is_some_and(|text| text.contains('/'));
    match if is_range { subnet(given) } else { address(given) } {
        Some(reason) => Err(faults::bad(reason)),
        None => Ok(()),
    }
}

fn dhcp_options(value: &Value) -> Result<Reason, Fault> {
    let Value::Array(items) = value else {
        return match value {
            Value::Null => Ok(None),
            other => Err(faults::invalid(format!("'{}' is not a list", python::text(other)))),
        };
    };
    for item in items {
        let Some(map) = item.as_object() else {
            return Err(faults::invalid(format!("'{}' is not a dictionary", python::text(item))));
        };
        let known = |key: &String| matches!(key.as_str(), "opt_name" | "opt_value" | "ip_version");
        let (option, content) = (map.get("opt_name").and_then(Value::as_str), map.get("opt_value"));
        let blank_is_fine = matches!(option, Some("router" | "classless-static-route"));
        let content_fits = match content {
            Some(Value::Null) => true,
            Some(Value::String(text)) => {
                text.len() <= 255 && (blank_is_fine || !text.trim().is_empty()) && !text.contains('\n')
            }
            _ => false,
        };
        let option_fits = option.is_some_and(|name| !name.trim().is_empty() && name.len() <= 64);
        let version_fits =
            map.get("ip_version").is_none_or(|version| matches!(as_number(version), Some(4 | 6)));
        if !map.keys().all(known) || !option_fits || !content_fits || !version_fits {
            return Err(faults::invalid(format!("No valid key specs matched for: {}", python::text(item))));
        }
    }
    Ok(None)
}

fn dns_format(data: &str) -> Reason {
    let trimmed = data.strip_suffix('.').unwrap_or(data);
    let labels: Vec<_> = trimmed.split('.').collect();
    let refuse = |reason: String| Some(format!("'{data}' not a valid PQDN or FQDN. Reason: {reason}"));
    if trimmed.len() > 255 {
        return refuse(format!("'{trimmed}' exceeds the 255 character FQDN limit"));
    }
    for label in &labels {
        if label.is_empty() {
            return refuse("Encountered an empty component".to_owned());
        }
        if label.starts_with('-') || label.ends_with('-') {
            return refuse(format!("Name '{label}' must not start or end with a hyphen"));
        }
        if label.len() > 63 || !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return refuse(format!(
                "Name '{label}' must be 1-63 characters long, each of which can only be alphanumeric or a hyphen"
            ));
        }
    }
    match labels.last() {
        Some(last) if labels.len() > 1 && last.bytes().all(|b| b.is_ascii_digit()) => {
            refuse(format!("TLD '{last}' must not be all numeric"))
        }
        _ => None,
    }
}

fn dns_name(value: &Value) -> Reason {
    match value.as_str() {
        Some("") => None,
        Some(data) => dns_format(data),
        None => Some(format!("'{}' is not a valid string", python::text(value))),
    }
}

fn dns_domain(value: &Value) -> Reason {
    match value.as_str() {
        Some("") => None,
        Some(data) if !data.ends_with('.') => Some(format!("'{data}' is not a FQDN")),
        Some(data) => dns_format(data),
        None => Some(format!("'{}' is not a valid string", python::text(value))),
    }
}

fn gateway(value: &Value) -> Reason {
    let map = match value {
        Value::Null => return None,
        Value::Object(map) if map.is_empty() => return None,
        Value::Object(map) => map,
        other => return Some(format!("'{}' is not a dictionary", python::text(other))),
    };
    if !map.contains_key("network_id") {
        let provided = python::list(map.keys().map(String::as_str));
        let provided = provided.trim_matches(['[', ']']);
        return Some(format!(
            "Validation of dictionary's keys failed. Expected keys: {{'network_id'}} Provided keys: {{{provided}}}"
        ));
    }
    let known = ["network_id", "external_fixed_ips", "enable_snat", "qos_policy_id"];
    let unknown: Vec<_> = map.keys().map(String::as_str).filter(|key| !known.contains(key)).collect();
    if !unknown.is_empty() {
        return Some(format!("Unexpected keys supplied: {}", unknown.join(", ")));
    }
    let snat = map.get("enable_snat").filter(|snat| flag(snat).is_err());
    map.get("network_id")
        .and_then(id)
        .or_else(|| map.get("external_fixed_ips").and_then(fixed_ips))
        .or_else(|| snat.map(|snat| format!("'{}' is not a valid boolean value", python::text(snat))))
}

fn service_types(value: &Value) -> Result<Reason, Fault> {
    let Value::Array(items) = value else {
        return Ok(Some(format!("'{}' is not a list", python::text(value))));
    };
    const OWNERS: [&str; 5] = ["network:", "compute:", "neutron:", "baremetal:", "trunk:"];
    for (at, item) in items.iter().enumerate() {
        let Some(owner) = item.as_str() else {
            let sentence = format!("Subnet service type {} is not a string", python::text(item));
            return Err(faults::invalid_named("InvalidInputSubnetServiceType", sentence));
        };
        if !OWNERS.iter().any(|prefix| owner.starts_with(prefix)) {
            let sentence =
                format!("Subnet service type {owner} does not correspond to a valid device owner.");
            return Err(faults::refused("InvalidSubnetServiceType", sentence));
        }
        if items[..at].contains(item) {
            return Ok(Some(format!("Duplicate items in the list: '{owner}'")));
        }
    }
    Ok(None)
}
