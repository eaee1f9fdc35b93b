//! Who sees what. Neutron finds what a project can know of, and then asks a rule of each thing that it found: what the rule
//! refuses is left out of lists, and does not exist where it is asked for alone.
//!
//! What rules ask of a thing is gathered for a whole list at once, so that no table is read once for each of its things.

use super::may::SERVICE;
use super::{flagged, network_target, of_group, of_network, security_group, subnet_pool, told};
use crate::model::agent::Agent;
use crate::model::attribute::Noun;
use crate::model::floating_ip::FloatingIp;
use crate::model::network::Net;
use crate::model::port::Port;
use crate::model::rbac::RbacPolicy;
use crate::model::router::Router;
use crate::model::security_group::{Group, RuleRow};
use crate::model::subnet::Subnet;
use crate::model::subnet_pool::SubnetPool;
use crate::model::{Body, faults};
use crate::{rules, store as rows};
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use store::Tx;
use web::Cx;

/// Attributes that by default only some may see.
const RULED: &[(&str, &str)] = &[
    ("network", "provider:network_type"),
    ("network", "provider:physical_network"),
    ("network", "provider:segmentation_id"),
    ("port", "binding:vif_type"),
    ("port", "binding:vif_details"),
    ("port", "binding:host_id"),
    ("port", "binding:profile"),
    ("router", "distributed"),
    ("router", "ha"),
];

/// A thing that has a rule for who sees it.
pub(crate) trait Shown: Body + Sized {
    /// The rule.
    fn rule() -> &'static Rule;

    /// What the rule sees of things, in their order.
    fn targets(tx: &Tx, cx: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault>;
}

/// Those of the things that the caller may see.
pub(crate) fn shown<T: Shown>(tx: &Tx, cx: &Cx, things: Vec<T>) -> Result<Vec<T>, Fault> {
    let targets = T::targets(tx, cx, &things)?;
    let asked = cx.policy().asked_of_target(SERVICE, T::rule().name);
    let seen = things.into_iter().zip(targets).filter(|(thing, target)| {
        // The rules by default ask no more than what is gathered: only for an operator's are whole bodies looked at.
        match asked.iter().all(|key| target.has(key)) {
            true => cx.allows(T::rule(), target),
            false => cx.allows(T::rule(), &told(target.clone(), thing)),
        }
    });
    Ok(seen.map(|(thing, _)| thing).collect())
}

/// The thing, if the caller may see it.
pub(crate) fn shown_one<T: Shown>(tx: &Tx, cx: &Cx, thing: T) -> Result<T, Fault> {
    shown(tx, cx, vec![thing])?.pop().ok_or_else(faults::nothing)
}

/// The bodies of things as the caller may see them: without the attributes that rules hide from him.
pub(crate) fn bodies<T: Shown>(tx: &Tx, cx: &Cx, things: &[T]) -> Result<Vec<Map<String, Value>>, Fault> {
    let mut bodies: Vec<_> = things.iter().map(Body::body).collect();
    let Some(first) = bodies.first() else { return Ok(bodies) };
    let sees = |rule: &str, target: &Target| cx.policy().permits(SERVICE, rule, &cx.who, target);
    let (each, all): (Vec<_>, Vec<_>) = ruled(cx, T::NOUN, first)
        .into_iter()
        .partition(|(_, rule)| !cx.policy().asked_of_target(SERVICE, rule).is_empty());
    if !each.is_empty() {
        for (body, target) in bodies.iter_mut().zip(T::targets(tx, cx, things)?) {
            let target = Target::none().with_body(body).and(target);
            body.retain(|name, _| each.iter().all(|(hidden, rule)| hidden != name || sees(rule, &target)));
        }
    }
    for (name, _) in all.iter().filter(|(_, rule)| !sees(rule, &Target::none())) {
        bodies.iter_mut().for_each(|body| drop(body.shift_remove(name)));
    }
    Ok(bodies)
}

/// The attributes of things that have rules for who sees them, with those: a few by default, and whatever the operator says.
fn ruled(cx: &Cx, noun: &Noun, body: &Map<String, Value>) -> Vec<(String, String)> {
    let named = body.keys().map(|name| (name.clone(), format!("get_{}:{name}", noun.one)));
    let by_default = |name: &str| RULED.contains(&(noun.one, name));
    named.filter(|(name, rule)| by_default(name) || cx.policy().is_said(SERVICE, rule)).collect()
}

/// Targets of which nothing but the owner counts.
fn owned<T: Body>(things: &[T]) -> Vec<Target> {
    things.iter().map(|thing| Target::project(thing.owner())).collect()
}

/// Targets with what rules see of the networks on which the things are.
fn on_networks<'a, T: Body>(
    tx: &Tx,
    cx: &Cx,
    things: &'a [T],
    network: impl Fn(&'a T) -> &'a String,
) -> Result<Vec<Target>, Fault> {
    let owners = owners(tx, "networks", things.iter().map(&network))?;
    let shared: HashSet<String> = rows::network::shared_with(tx, cx.who.project())?.into_iter().collect();
    let target = |thing: &'a T| {
        let id = network(thing);
        let owner = owners.get(id).map_or("", String::as_str);
        of_network(Target::project(thing.owner()), owner, shared.contains(id))
    };
    Ok(things.iter().map(target).collect())
}

/// Whose the things of a table with these ids are.
fn owners<'a>(
    tx: &Tx,
    table: &str,
    ids: impl Iterator<Item = &'a String>,
) -> Result<HashMap<String, String>, Fault> {
    let ids: Vec<String> = ids.collect::<HashSet<_>>().into_iter().cloned().collect();
    let sql = format!("SELECT id, project_id FROM {table} WHERE id IN ({{ids}})");
    tx.query_among(&sql, &ids)?.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
}

impl Shown for Net {
    fn rule() -> &'static Rule {
        &rules::GET_NETWORK
    }

    fn targets(_: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        let target = |net: &Self| network_target(&net.row, net.shared_with_caller);
        Ok(things.iter().map(target).collect())
    }
}

impl Shown for Subnet {
    fn rule() -> &'static Rule {
        &rules::GET_SUBNET
    }

    fn targets(tx: &Tx, cx: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        let targets = on_networks(tx, cx, things, |subnet| &subnet.network_id)?;
        let external = |(target, subnet): (_, &Self)| flagged(target, "router:external", subnet.external);
        Ok(targets.into_iter().zip(things).map(external).collect())
    }
}

impl Shown for SubnetPool {
    fn rule() -> &'static Rule {
        &rules::GET_SUBNETPOOL
    }

    fn targets(_: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        Ok(things.iter().map(subnet_pool::target).collect())
    }
}

impl Shown for Port {
    fn rule() -> &'static Rule {
        &rules::GET_PORT
    }

    fn targets(tx: &Tx, cx: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        on_networks(tx, cx, things, |port| &port.row.network_id)
    }
}

impl Shown for Router {
    fn rule() -> &'static Rule {
        &rules::GET_ROUTER
    }

    fn targets(_: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        Ok(owned(things))
    }
}

impl Shown for FloatingIp {
    fn rule() -> &'static Rule {
        &rules::GET_FLOATINGIP
    }

    fn targets(_: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        Ok(owned(things))
    }
}

impl Shown for Group {
    fn rule() -> &'static Rule {
        &rules::GET_SECURITY_GROUP
    }

    fn targets(_: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        Ok(things.iter().map(|group| security_group::target(&group.row, group.shared)).collect())
    }
}

impl Shown for RuleRow {
    fn rule() -> &'static Rule {
        &rules::GET_SECURITY_GROUP_RULE
    }

    fn targets(tx: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        let owners = owners(tx, "security_groups", things.iter().map(|rule| &rule.group_id))?;
        let owner = |rule: &Self| owners.get(&rule.group_id).map_or("", String::as_str);
        let target = |rule: &Self| of_group(Target::project(&rule.project_id), owner(rule));
        Ok(things.iter().map(target).collect())
    }
}

impl Shown for RbacPolicy {
    fn rule() -> &'static Rule {
        &rules::GET_RBAC_POLICY
    }

    fn targets(_: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        Ok(owned(things))
    }
}

impl Shown for Agent {
    fn rule() -> &'static Rule {
        &rules::GET_AGENT
    }

    fn targets(_: &Tx, _: &Cx, things: &[Self]) -> Result<Vec<Target>, Fault> {
        Ok(vec![Target::none(); things.len()])
    }
}
