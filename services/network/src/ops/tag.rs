//! Tags of things.

use super::floating_ip::floating_ip_target;
use super::may::may;
use super::router::router_target;
use super::{network_target, on_network, security_group, subnet_pool, told};
use crate::model::faults;
use crate::model::floating_ip::FloatingIpRow;
use crate::model::network::{Net, NetworkRow};
use crate::model::port::PortRow;
use crate::model::router::RouterRow;
use crate::model::security_group::GroupRow;
use crate::model::subnet::Subnet;
use crate::model::subnet_pool::SubnetPool;
use crate::record::{Json, Record};
use crate::store::{self as rows, work};
use crate::{Network, rules};
use fault::Fault;
use policy::Target;
use store::{Tx, params};
use web::Cx;

/// The most tags that a thing may have.
const MOST: usize = 50;

/// What becomes of the tags of a thing.
#[derive(Clone, Debug)]
pub enum Retag {
    /// These and no others.
    Set(Vec<String>),
    /// These too.
    Add(Vec<String>),
    /// This one too.
    AddOne(String),
    /// This one not.
    Drop(String),
    /// None.
    Clear,
}

impl Network {
    /// The tags of a thing.
    pub fn tags(&self, tx: &Tx, cx: &Cx, path: &str, id: &str) -> Result<Vec<String>, Fault> {
        let table = table(path)?;
        self.tags_may(tx, cx, table, id, "get")?;
        read(tx, table, id)
    }

    /// Changes the tags of a thing.
    pub fn retag(&self, tx: &Tx, cx: &Cx, path: &str, id: &str, how: &Retag) -> Result<Vec<String>, Fault> {
        let table = table(path)?;
        let action = match how {
            Retag::Set(_) | Retag::AddOne(_) => "update",
            Retag::Add(_) => "create",
            Retag::Drop(_) | Retag::Clear => "delete",
        };
        self.tags_may(tx, cx, table, id, action)?;
        let mut tags = read(tx, table, id)?;
        match how {
            Retag::Set(new) => tags = new.clone(),
            Retag::Add(new) => tags.extend(new.iter().cloned()),
            Retag::AddOne(new) => tags.push(new.clone()),
            Retag::Drop(one) if !tags.contains(one) => {
                return Err(faults::missing("TagNotFound", format!("Tag {one} could not be found.")));
            }
            Retag::Drop(one) => tags.retain(|own| own != one),
            Retag::Clear => tags.clear(),
        }
        let mut once: Vec<String> = Vec::new();
        for tag in tags {
            if !once.contains(&tag) {
                once.push(tag);
            }
        }
        if once.len() > MOST {
            let sentence = format!("The number of tags exceed the per-resource limit of {MOST}");
            return Err(faults::bad_request(table, sentence));
        }
        tx.execute(&format!("UPDATE {table} SET tags = ?2 WHERE id = ?1"), params![id, Json(once.clone())])?;
        work::renumbered(tx, table, id)?;
        Ok(once)
    }

    /// Tags are told and changed by rules of their own. A stranger's thing is
    /// forbidden here and not absent: Neutron reads it for itself before it asks.
    fn tags_may(&self, tx: &Tx, cx: &Cx, table: &str, id: &str, action: &str) -> Result<(), Fault> {
        let (one, target) = self.tag_target(tx, cx, table, id)?.ok_or_else(|| absent(table, id))?;
        may(cx, rules::of(&format!("{action}_{one}:tags")), &target)
    }

    fn tag_target(
        &self,
        tx: &Tx,
        cx: &Cx,
        table: &str,
        id: &str,
    ) -> Result<Option<(&'static str, Target)>, Fault> {
        Ok(match table {
            "networks" => NetworkRow::find(tx, id)?.map(|row| {
                let target = network_target(&row, row.shared);
                let net = Net { shared_with_caller: row.shared, row, subnets: Vec::new() };
                ("network", told(target, &net))
            }),
            "subnets" => match Subnet::find(tx, id)? {
                Some(subnet) => {
                    let network = rows::network::find(tx, &subnet.network_id)?;
                    Some(("subnet", self.subnet_target(tx, cx, &subnet, &network)?))
                }
                None => None,
            },
            "ports" => match PortRow::find(tx, id)? {
                Some(port) => {
                    let network = rows::network::find(tx, &port.network_id)?;
                    let target = on_network(tx, cx, Target::project(&port.project_id), &network)?;
                    Some(("port", told(target, &rows::port::find(tx, self.domain(), id)?)))
                }
                None => None,
            },
            "subnet_pools" => {
                SubnetPool::find(tx, id)?.map(|pool| ("subnetpool", told(subnet_pool::target(&pool), &pool)))
            }
            "routers" => match RouterRow::find(tx, id)? {
                Some(row) => Some(("router", router_target(tx, &row)?)),
                None => None,
            },
            "floating_ips" => match FloatingIpRow::find(tx, id)? {
                Some(row) => Some(("floatingip", floating_ip_target(tx, &row)?)),
                None => None,
            },
            _ => {
                let shared = rows::security_group::is_shared_with(tx, id, cx.who.project())?;
                GroupRow::find(tx, id)?.map(|row| ("security_group", security_group::alone(&row, shared)))
            }
        })
    }
}

/// The table of a sort of thing whose things have tags, by its name in paths.
fn table(path: &str) -> Result<&'static str, Fault> {
    Ok(match path {
        "networks" => "networks",
        "subnets" => "subnets",
        "subnetpools" => "subnet_pools",
        "ports" => "ports",
        "routers" => "routers",
        "floatingips" => "floating_ips",
        "security-groups" => "security_groups",
        _ => return Err(faults::nothing()),
    })
}

fn read(tx: &Tx, table: &str, id: &str) -> Result<Vec<String>, Fault> {
    let row = tx.query_one(&format!("SELECT tags FROM {table} WHERE id = ?1"), params![id])?;
    row.map_or(Ok(Vec::new()), |row| row.json(0))
}

fn absent(table: &str, id: &str) -> Fault {
    let resource = match table {
        "floating_ips" => "floatingips",
        "subnet_pools" => "subnetpools",
        table => table,
    };
    faults::missing("TagResourceNotFound", format!("Resource {resource} {id} could not be found."))
}
