//! What the switch must hold, computed from rows. The same rows give the same spec.

use crate::model::network::NetworkRow;
use crate::model::port::{Port, PortRow};
use crate::model::router::RouterRow;
use crate::model::rule::protocol_number;
use crate::model::security_group::{GroupRow, RuleRow};
use crate::model::subnet::Subnet;
use crate::record::Record;
use crate::store as rows;
use crate::{Network, store::work};
use fault::Fault;
use ipnet::IpNet;
use metal::network::{
    Dhcp, FixedIp, FloatingIpSpec, MetadataPort, NetworkSpec, PortSpec, Provider, Remote, RouterGateway,
    RouterInterface, RouterSpec, RuleSpec, SecurityGroupSpec, SubnetSpec,
};
use metal::{Kind, Spec, Wanted};
use std::net::IpAddr;
use store::Tx;

impl Network {
    /// What is wanted of a thing now: its spec, its tombstone, or nothing if nothing is known of it any more.
    pub(crate) fn wanted(&self, tx: &Tx, kind: Kind, id: &str) -> Result<Option<Wanted>, Fault> {
        let found = match kind {
            Kind::Network => match NetworkRow::find(tx, id)? {
                Some(row) => Some((row.revision, Some(Spec::Network(self.network_spec(tx, &row)?)))),
                None => None,
            },
            Kind::SecurityGroup => match GroupRow::find(tx, id)? {
                Some(row) => Some((row.revision, Some(Spec::SecurityGroup(group_spec(tx, &row)?)))),
                None => None,
            },
            Kind::Port => match PortRow::find(tx, id)? {
                Some(row) if row.is_switched() => {
                    Some((row.revision, Some(Spec::Port(self.port_spec(tx, &row.id)?))))
                }
                Some(row) => Some((row.revision, None)),
                None => None,
            },
            Kind::Router => match RouterRow::find(tx, id)? {
                Some(row) => Some((row.revision, Some(Spec::Router(router_spec(tx, &row)?)))),
                None => None,
            },
            Kind::Server => None,
        };
        let found = match found {
            Some(found) => Some(found),
            None => work::tombstone(tx, kind, id)?.map(|revision| (revision, None)),
        };
        Ok(found.map(|(revision, spec)| Wanted {
            format: Wanted::FORMAT,
            kind,
            id: id.to_owned(),
            timeline: tx.timeline(),
            incarnation: 1,
            revision,
            spec,
        }))
    }

    fn network_spec(&self, tx: &Tx, row: &NetworkRow) -> Result<NetworkSpec, Fault> {
        let subnets = rows::subnet::of_network(tx, &row.id)?;
        let distributed = rows::port::distributed(tx, "", &row.id)?;
        let provider = row.physical_network.as_ref().map(|physical| Provider {
            physical_network: physical.clone(),
            vlan: row.segmentation_id.and_then(|vlan| u16::try_from(vlan).ok()),
            host_addresses: self.host_addresses(row, &subnets),
        });
        let specs = subnets.iter().filter_map(|subnet| self.subnet_spec(subnet, distributed.as_ref()));
        Ok(NetworkSpec {
            name: row.name.clone(),
            mtu: u32::try_from(row.mtu).unwrap_or(1500),
            provider,
            dns_domain: self.domain().trim_end_matches('.').to_owned(),
            subnets: specs.collect(),
            metadata: distributed.map(|port| MetadataPort {
                addresses: addresses(&port, &subnets),
                mac: port.row.mac,
                id: port.row.id,
            }),
        })
    }

    fn host_addresses(&self, row: &NetworkRow, subnets: &[Subnet]) -> Vec<IpNet> {
        if !row.external || !self.settings.host_is_gateway {
            return Vec::new();
        }
        let gateway = |subnet: &Subnet| IpNet::new(subnet.gateway()?, subnet.net()?.prefix_len()).ok();
        subnets.iter().filter_map(gateway).collect()
    }

    fn subnet_spec(&self, subnet: &Subnet, distributed: Option<&Port>) -> Option<SubnetSpec> {
        let answering = distributed.and_then(|port| {
            let fixed = port.fixed_ips.iter().find(|fixed| fixed.subnet_id == subnet.id)?;
            Some(Dhcp {
                server_mac: port.row.mac.clone(),
                server_address: fixed.address,
                lease_seconds: self.settings.lease_seconds,
                name_servers: subnet.nameservers.0.clone(),
                routes: subnet.host_routes.0.iter().map(|route| (route.destination, route.nexthop)).collect(),
            })
        });
        Some(SubnetSpec {
            id: subnet.id.clone(),
            cidr: subnet.net()?,
            gateway: subnet.gateway(),
            dhcp: answering.filter(|_| subnet.enable_dhcp),
        })
    }

    fn port_spec(&self, tx: &Tx, id: &str) -> Result<PortSpec, Fault> {
        let port = rows::port::find(tx, self.domain(), id)?;
        let row = &port.row;
        let pairs = row.pairs.0.iter().filter_map(|pair| {
            let range: Option<IpNet> = pair.ip_address.parse().ok();
            let range = range.or_else(|| pair.ip_address.parse::<IpAddr>().ok().map(IpNet::from))?;
            Some(((pair.mac_address != row.mac).then(|| pair.mac_address.clone()), range))
        });
        let names = if self.domain().is_empty() || row.dns_name.is_empty() {
            None
        } else {
            Some(row.dns_name.clone())
        };
        Ok(PortSpec {
            network_id: row.network_id.clone(),
            mac: row.mac.clone(),
            fixed_ips: port
                .fixed_ips
                .iter()
                .map(|fixed| FixedIp { subnet_id: fixed.subnet_id.clone(), address: fixed.address })
                .collect(),
            admin_up: row.admin_up,
            port_security: row.port_security,
            allowed_pairs: pairs.collect(),
            security_groups: port.groups.clone(),
            dns_names: names.into_iter().collect(),
            bound_host: (!row.host.is_empty()).then(|| row.host.clone()),
        })
    }
}

/// A port's addresses with the lengths of their subnets' prefixes.
fn addresses(port: &Port, subnets: &[Subnet]) -> Vec<IpNet> {
    let with_prefix = |fixed: &crate::model::port::FixedIp| {
        let subnet = subnets.iter().find(|subnet| subnet.id == fixed.subnet_id)?;
        IpNet::new(fixed.address, subnet.net()?.prefix_len()).ok()
    };
    port.fixed_ips.iter().filter_map(with_prefix).collect()
}

fn router_spec(tx: &Tx, row: &RouterRow) -> Result<RouterSpec, Fault> {
    let mut interfaces = Vec::new();
    let mut inside = Vec::new();
    for port in rows::router::interfaces(tx, &row.id)? {
        let subnets = rows::subnet::of_network(tx, &port.row.network_id)?;
        let addresses = addresses(&port, &subnets);
        inside.extend(addresses.iter().map(IpNet::trunc).filter(|net| net.addr().is_ipv4()));
        interfaces.push(RouterInterface {
            port_id: port.row.id,
            network_id: port.row.network_id,
            mac: port.row.mac,
            addresses,
        });
    }
    let gateway = match &row.gateway_port_id {
        None => None,
        Some(id) => {
            let port = rows::port::find(tx, "", id)?;
            let subnets = rows::subnet::of_network(tx, &port.row.network_id)?;
            let next_hop = |fixed: &crate::model::port::FixedIp| {
                subnets.iter().find(|subnet| subnet.id == fixed.subnet_id)?.gateway()
            };
            Some(RouterGateway {
                addresses: addresses(&port, &subnets),
                next_hop: port.fixed_ips.iter().find_map(next_hop),
                snat: if row.enable_snat { inside } else { Vec::new() },
                port_id: port.row.id,
                network_id: port.row.network_id,
                mac: port.row.mac,
            })
        }
    };
    let floating_ips = rows::floating_ip::of_router(tx, &row.id)?.into_iter().filter_map(|floating| {
        Some(FloatingIpSpec {
            external: floating.address.parse().ok()?,
            fixed: floating.fixed_ip?.parse().ok()?,
            port_id: floating.port_id?,
            id: floating.id,
        })
    });
    Ok(RouterSpec {
        name: row.name.clone(),
        admin_up: row.admin_up,
        interfaces,
        gateway,
        routes: row.routes.0.iter().map(|route| (route.destination, route.nexthop)).collect(),
        floating_ips: floating_ips.collect(),
    })
}

fn group_spec(tx: &Tx, row: &GroupRow) -> Result<SecurityGroupSpec, Fault> {
    let rules = rows::security_group::rules(tx, &row.id)?.iter().map(rule_spec).collect();
    Ok(SecurityGroupSpec { name: row.name.clone(), stateful: row.stateful, rules })
}

fn rule_spec(rule: &RuleRow) -> RuleSpec {
    let port = |value: Option<i64>| value.and_then(|value| u16::try_from(value).ok());
    let range = rule.remote_ip_prefix.as_deref().and_then(|text| text.parse::<IpNet>().ok());
    let remote = match (&rule.remote_group_id, range) {
        (Some(group), _) => Remote::Group(group.clone()),
        (None, Some(range)) => Remote::Range(range),
        (None, None) => Remote::Any,
    };
    RuleSpec {
        id: rule.id.clone(),
        ingress: rule.direction == "ingress",
        ipv6: rule.ethertype == "IPv6",
        protocol: rule.protocol.as_deref().and_then(protocol_number),
        port_min: port(rule.port_min),
        port_max: port(rule.port_max),
        remote,
    }
}
