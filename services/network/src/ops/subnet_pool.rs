//! Subnet pools, and what subnets take of them.

use super::may::{may_create, may_delete, may_update};
use super::{flagged, told};
use crate::Network;
use crate::model::attribute::Wish;
use crate::model::faults;
use crate::model::subnet_pool::{NOUN, SubnetPool, compact};
use crate::record::{Json, Record, read_json};
use crate::store::{self as rows, quota};
use fault::Fault;
use ipnet::IpNet;
use policy::{Target, Who};
use store::Tx;
use web::Cx;

impl Network {
    /// Makes a subnet pool.
    pub fn subnet_pool_create(&self, tx: &Tx, cx: &Cx, wish: &Wish) -> Result<SubnetPool, Fault> {
        may_create(cx, &NOUN, wish, Target::project(&wish.project()))?;
        quota::charge(tx, &wish.project(), "subnetpool")?;
        let prefixes = prefixes(wish)?.unwrap_or_default();
        let version = version_of(&prefixes)?;
        let min_length = wish.number("min_prefixlen").unwrap_or(if version == 4 { 8 } else { 64 });
        let pool = SubnetPool {
            id: tx.entropy().dashed_id(),
            project_id: wish.project(),
            name: wish.text_or_empty("name"),
            description: wish.text_or_empty("description"),
            ip_version: version,
            prefixes: Json(compact(prefixes)),
            default_length: wish.number("default_prefixlen").unwrap_or(min_length),
            min_length,
            max_length: wish.number("max_prefixlen").unwrap_or(if version == 4 { 32 } else { 128 }),
            default_quota: wish.number("default_quota"),
            is_default: wish.flag("is_default").unwrap_or(false),
            shared: wish.flag("shared").unwrap_or(false),
            tags: Json(Vec::new()),
            revision_number: 0,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        no_scope(wish)?;
        pool.check()?;
        one_default(tx, &pool)?;
        pool.insert(tx)?;
        Ok(pool)
    }

    /// Changes a subnet pool. Prefixes may be added and never taken away.
    pub fn subnet_pool_update(&self, tx: &Tx, cx: &Cx, id: &str, wish: &Wish) -> Result<SubnetPool, Fault> {
        let mut pool = rows::subnet_pool::find_seen(tx, &cx.who, id)?;
        may_update(cx, &NOUN, wish, told(target(&pool), &pool))?;
        no_scope(wish)?;
        if let Some(prefixes) = prefixes(wish)? {
            if version_of(&prefixes)? != pool.ip_version {
                return Err(mixed());
            }
            let prefixes = compact(prefixes);
            let kept = |old: &IpNet| prefixes.iter().any(|new| new.contains(old));
            if !pool.prefixes.0.iter().all(kept) {
                let sentence =
                    "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.";
                return Err(faults::refused("IllegalSubnetPoolPrefixUpdate", sentence));
            }
            pool.prefixes = Json(prefixes);
        }
        pool.name = wish.text("name").unwrap_or(pool.name);
        pool.description = wish.text("description").unwrap_or(pool.description);
        pool.default_length = wish.number("default_prefixlen").unwrap_or(pool.default_length);
        pool.min_length = wish.number("min_prefixlen").unwrap_or(pool.min_length);
        pool.max_length = wish.number("max_prefixlen").unwrap_or(pool.max_length);
        pool.default_quota = wish.number("default_quota").or(pool.default_quota);
        pool.is_default = wish.flag("is_default").unwrap_or(pool.is_default);
        pool.check()?;
        one_default(tx, &pool)?;
        pool.revision_number += 1;
        pool.updated_at = tx.now();
        pool.save(tx)?;
        Ok(pool)
    }

    /// Removes a subnet pool that no subnet is from.
    pub fn subnet_pool_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let pool = rows::subnet_pool::find_seen(tx, &cx.who, id)?;
        may_delete(cx, &NOUN, &told(target(&pool), &pool))?;
        if !rows::subnet_pool::taken(tx, id)?.is_empty() {
            let sentence = "Unable to delete subnet pool: Subnet pool has existing allocations.";
            return Err(faults::refused("SubnetPoolDeleteError", sentence));
        }
        SubnetPool::remove(tx, id)
    }

    /// The range that a subnet gets of a pool: the one that is asked for, or the first free one of a length.
    pub(crate) fn range_take(
        &self,
        tx: &Tx,
        who: &Who,
        pool_id: &str,
        cidr: Option<IpNet>,
        wish: &Wish,
    ) -> Result<IpNet, Fault> {
        let pool = rows::subnet_pool::find_seen(tx, who, pool_id)?;
        if let Some(asked) = wish.number("ip_version").filter(|asked| *asked != pool.ip_version) {
            let sentence =
                format!("Cannot allocate IPv{asked} subnet from IPv{} subnet pool", pool.ip_version);
            return Err(faults::bad_request("subnets", sentence));
        }
        let taken = rows::subnet_pool::taken(tx, pool_id)?;
        let nets: Vec<IpNet> = taken.iter().map(|(net, _)| *net).collect();
        let length = cidr
            .map_or(wish.number("prefixlen").unwrap_or(pool.default_length), |net| net.prefix_len().into());
        fits(&pool, length)?;
        let net = match cidr {
            Some(net) => {
                let inside = pool.prefixes.0.iter().any(|prefix| prefix.contains(&net));
                let free = nets.iter().all(|other| !crate::model::address::overlap(net, *other));
                (inside && free).then_some(net)
            }
            None => pool.free(u8::try_from(length).unwrap_or(u8::MAX), &nets),
        };
        let sentence = match cidr {
            Some(_) => "Cannot allocate requested subnet from the available set of prefixes".to_owned(),
            None => format!("Insufficient prefix space to allocate subnet size /{length}"),
        };
        // Neutron answers 500 here. What is said is of use to the caller, so it is said with 400.
        let refused =
            || faults::refused("SubnetAllocationError", format!("Failed to allocate subnet: {sentence}."));
        let net = net.ok_or_else(refused)?;
        let own =
            taken.iter().filter(|(_, project)| *project == wish.project()).map(|(net, _)| pool.units(*net));
        let used = own.fold(pool.units(net), u128::saturating_add);
        match pool.default_quota {
            Some(quota) if quota > 0 && used > u128::from(quota.unsigned_abs()) => Err(faults::conflict(
                "SubnetPoolQuotaExceeded",
                "Per-project subnet pool prefix quota exceeded.",
            )),
            _ => Ok(net),
        }
    }
}

/// What rules see of a pool.
pub(crate) fn target(pool: &SubnetPool) -> Target {
    flagged(Target::project(&pool.project_id), "shared", pool.shared)
}

fn prefixes(wish: &Wish) -> Result<Option<Vec<IpNet>>, Fault> {
    wish.value("prefixes").map(|value| read_json(value.clone())).transpose()
}

fn mixed() -> Fault {
    faults::refused("PrefixVersionMismatch", "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.")
}

fn version_of(prefixes: &[IpNet]) -> Result<i64, Fault> {
    let of_v4 = prefixes.iter().filter(|net| net.addr().is_ipv4()).count();
    match (prefixes.len(), of_v4) {
        (0, _) => Err(faults::refused("EmptySubnetPoolPrefixList", "Empty subnet pool prefix list.")),
        (all, of_v4) if all == of_v4 => Ok(4),
        (_, 0) => Ok(6),
        _ => Err(mixed()),
    }
}

fn no_scope(wish: &Wish) -> Result<(), Fault> {
    match wish.text("address_scope_id") {
        Some(id) => {
            let sentence = format!("Address scope {id} could not be found.");
            Err(faults::missing("AddressScopeNotFound", sentence))
        }
        None => Ok(()),
    }
}

fn one_default(tx: &Tx, pool: &SubnetPool) -> Result<(), Fault> {
    match rows::subnet_pool::default_of(tx, pool.ip_version)? {
        Some(other) if pool.is_default && other.id != pool.id => Err(faults::invalid(
            "A default subnetpool for this IP family has already been set. Only one default may exist per IP family",
        )),
        _ => Ok(()),
    }
}

fn fits(pool: &SubnetPool, length: i64) -> Result<(), Fault> {
    let what = format!("Unable to allocate subnet with prefix length {length}");
    if length > pool.max_length {
        let sentence = format!("{what}, maximum allowed prefix is {}.", pool.max_length);
        return Err(faults::refused("MaxPrefixSubnetAllocationError", sentence));
    }
    if length < pool.min_length {
        let sentence = format!("{what}, minimum allowed prefix is {}.", pool.min_length);
        return Err(faults::refused("MinPrefixSubnetAllocationError", sentence));
    }
    Ok(())
}
