//! Agents: the hosts as Neutron's users see them, and what is left of addresses.

use super::may::may_delete;
use super::told;
use crate::model::agent::{Agent, Half, HostRow, NOUN};
use crate::model::network::NetworkRow;
use crate::model::subnet::Subnet;
use crate::model::{address, faults, object};
use crate::record::Record;
use crate::store::{self as rows, Condition};
use crate::{Network, rules};
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use store::{Tx, params};
use web::Cx;

impl Network {
    /// The agents of every host that has ever joined, whoever asks.
    pub fn agents(&self, tx: &Tx) -> Result<Vec<Agent>, Fault> {
        let mut agents = Vec::new();
        for mut host in rows::host::all(tx)? {
            let alive = self.agents.host(&host.id).is_some();
            if alive {
                host.seen_at = tx.now().max(host.seen_at);
            }
            for half in [Half::Switch, Half::Metadata] {
                agents.push(Agent { host: host.clone(), half, alive });
            }
        }
        Ok(agents)
    }

    /// One agent, whoever asks.
    pub fn agent(&self, tx: &Tx, id: &str) -> Result<Agent, Fault> {
        let found = self.agents(tx)?.into_iter().find(|agent| agent.id() == id);
        found.ok_or_else(|| faults::agent_missing(id))
    }

    /// Forgets a host that does not come back.
    pub fn agent_delete(&self, tx: &Tx, cx: &Cx, id: &str) -> Result<(), Fault> {
        let agent = self.agent(tx, id)?;
        may_delete(cx, &NOUN, &told(Target::none(), &agent))?;
        if agent.alive {
            return Err(faults::bad("OVN controllers that are alive cannot be deleted"));
        }
        HostRow::remove(tx, &agent.host.id)
    }

    /// Forgets hosts of other names than these. Where the switch was on one of them, the next host has it: what it lacks
    /// is wanted of it when it joins.
    pub fn hosts_keep(&self, tx: &Tx, names: &BTreeSet<String>) -> Result<(), Fault> {
        let hosts = rows::host::all(tx)?;
        let mut gone = hosts.iter().filter(|host| !names.contains(&host.name));
        gone.try_for_each(|host| HostRow::remove(tx, &host.id))
    }

    /// How many addresses a network has, and how many are taken.
    pub fn network_ip_availability(
        &self,
        tx: &Tx,
        network: &NetworkRow,
        version: Option<i64>,
    ) -> Result<Map<String, Value>, Fault> {
        let (mut total, mut used, mut each) = (0u128, 0i64, Vec::new());
        for subnet in rows::subnet::of_network(tx, &network.id)? {
            if version.is_some_and(|version| version != subnet.ip_version) {
                continue;
            }
            let taken = tx
                .query_one("SELECT COUNT(*) FROM port_addresses WHERE subnet_id = ?1", params![&subnet.id])?;
            let taken = taken.map_or(Ok(0), |row| row.int(0))?;
            let room = room(&subnet);
            (total, used) = (total.saturating_add(room), used + taken);
            each.push(json!({
                "subnet_id": subnet.id,
                "subnet_name": subnet.name,
                "ip_version": subnet.ip_version,
                "cidr": subnet.cidr,
                "total_ips": number(room),
                "used_ips": taken,
            }));
        }
        Ok(object! {
            "network_id": network.id,
            "network_name": network.name,
            "tenant_id": network.project_id,
            "project_id": network.project_id,
            "total_ips": number(total),
            "used_ips": used,
            "subnet_ip_availability": each,
        })
    }

    /// Networks whose addresses the caller may count.
    pub fn networks_counted(&self, tx: &Tx, cx: &Cx, condition: Condition) -> Result<Vec<NetworkRow>, Fault> {
        if cx.allows(&rules::GET_NETWORK_IP_AVAILABILITY, &Target::none()) {
            condition.rows(tx)
        } else {
            Ok(Vec::new())
        }
    }
}

fn room(subnet: &Subnet) -> u128 {
    let count =
        |pool: &crate::model::subnet::Pool| address::number(pool.end) - address::number(pool.start) + 1;
    subnet.pools.0.iter().map(count).sum()
}

/// A count as JSON: whole numbers where JSON has them, else as near as it comes.
#[expect(clippy::cast_precision_loss, reason = "beyond 2^64 Neutron's clients read a float as well")]
fn number(count: u128) -> Value {
    u64::try_from(count).map_or_else(|_| json!(count as f64), Value::from)
}
