//! The two databases that we write: the Northbound, which says what networks there are, and the switch's own, which
//! says what this host is and what is plugged into it.

use crate::config::{Config, Datapath};
use crate::ovsdb::{Atom, Change, Client, Datum, Monitored, OvsdbError, Replica, Row};
use crate::rows::{Draft, Owner, Transaction, Wanted, find, label, tag_of};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

const NORTHBOUND: &[(&str, &[&str])] = &[
    ("NB_Global", &["options"]),
    ("Logical_Switch", &["name", "ports", "dns_records", "other_config", "external_ids"]),
    (
        "Logical_Switch_Port",
        &[
            "name",
            "type",
            "options",
            "tag",
            "addresses",
            "port_security",
            "up",
            "enabled",
            "dhcpv4_options",
            "dhcpv6_options",
            "external_ids",
        ],
    ),
    ("Port_Group", &["name", "ports", "acls", "external_ids"]),
    ("ACL", &["priority", "direction", "match", "action", "external_ids"]),
    ("DHCP_Options", &["cidr", "options", "external_ids"]),
    ("DNS", &["records", "external_ids"]),
    ("Logical_Router", &["name", "ports", "static_routes", "enabled", "nat", "options", "external_ids"]),
    (
        "Logical_Router_Port",
        &["name", "gateway_chassis", "networks", "mac", "options", "ipv6_ra_configs", "external_ids"],
    ),
    ("Gateway_Chassis", &["name", "chassis_name", "priority", "external_ids"]),
    ("Logical_Router_Static_Route", &["ip_prefix", "nexthop", "output_port", "external_ids"]),
    ("NAT", &["type", "external_ip", "logical_ip", "options", "external_ids"]),
];

const SWITCH: &[(&str, &[&str])] = &[
    ("Open_vSwitch", &["bridges", "external_ids"]),
    ("Bridge", &["name", "ports", "datapath_type", "fail_mode", "other_config", "external_ids"]),
    ("Port", &["name", "interfaces", "tag", "external_ids"]),
    ("Interface", &["name", "type", "external_ids", "error"]),
];

/// How often a transaction that lost against another writer is computed again.
const TRIES: usize = 20;

/// The integration bridge: every port of a network on this host is on it.
pub const INTEGRATION: &str = "br-int";

/// Ports whose link has changed and of which nobody has been told yet.
#[derive(Debug, Default)]
pub struct LinkChanges {
    ports: Mutex<BTreeSet<String>>,
    arrived: Notify,
}

impl LinkChanges {
    /// Waits for a change and names the port.
    pub async fn next(&self) -> String {
        loop {
            let arrived = self.arrived.notified();
            if let Some(port) = self.ports.lock().unwrap_or_else(PoisonError::into_inner).pop_first() {
                return port;
            }
            arrived.await;
        }
    }

    fn observe(&self, change: &Change) {
        let up = |row: &Option<Arc<Row>>| row.as_ref().and_then(|row| row.get("up").cloned());
        let Some(row) = change.new.as_ref().or(change.old.as_ref()) else { return };
        if change.table != "Logical_Switch_Port" || label(row, "kind") != Some("port") {
            return;
        }
        let is_up = |datum: Option<Datum>| datum == Some(Datum::one(true));
        if is_up(up(&change.old)) != is_up(up(&change.new))
            && let Some(id) = label(row, "id")
        {
            self.ports.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned());
            self.arrived.notify_one();
        }
    }
}

/// A database with its writers in a row: of two of our own transactions the second sees what the first has done.
pub struct Database {
    client: Client,
    turn: tokio::sync::Mutex<()>,
}

impl Database {
    fn follow(monitored: Monitored) -> Self {
        Self { client: Client::follow(monitored), turn: tokio::sync::Mutex::new(()) }
    }

    /// Looks at the copy.
    pub fn read<T>(&self, look: impl FnOnce(&Replica) -> T) -> T {
        self.client.read(look)
    }

    /// Commits what `draft` finds to be missing, until nothing is.
    pub async fn settle<E: From<OvsdbError>>(
        &self,
        draft: impl Fn(&Replica) -> Result<Transaction, E>,
    ) -> Result<(), E> {
        let _turn = self.turn.lock().await;
        let mut pause = Duration::from_millis(1);
        for _ in 0..TRIES {
            let transaction = self.client.read(&draft)?;
            if transaction.operations.is_empty() {
                return Ok(());
            }
            tracing::trace!(operations = %json!(transaction.operations), "committing");
            match self.client.transact(transaction.operations).await {
                Ok(results) => {
                    self.until_seen(&transaction.inserts, &results).await;
                    return Ok(());
                }
                Err(error @ (OvsdbError::Conflict | OvsdbError::Lost)) => {
                    tracing::debug!(%error, "computing the transaction again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(200));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(OvsdbError::Conflict.into())
    }

    /// Waits until the copy holds inserted rows: the next draft must not insert them again.
    async fn until_seen(&self, inserts: &[(usize, &'static str)], results: &[serde_json::Value]) {
        let uuid = |index: usize| results.get(index)?.pointer("/uuid/1")?.as_str();
        let rows: Vec<_> =
            inserts.iter().filter_map(|(index, table)| Some((*table, uuid(*index)?))).collect();
        let seen =
            self.client.seen(|replica| rows.iter().all(|(table, uuid)| replica.row(table, uuid).is_some()));
        // A row that somebody removed at once is never seen.
        let _ = tokio::time::timeout(Duration::from_secs(1), seen).await;
    }
}

/// Both databases.
pub struct Databases {
    /// The Northbound.
    pub northbound: Database,
    /// The host's own.
    pub switch: Database,
    /// What the Northbound says of links.
    pub links: Arc<LinkChanges>,
}

impl Databases {
    /// Begins to follow both.
    pub fn follow(northbound: &Path, switch: &Path) -> Self {
        let links = Arc::new(LinkChanges::default());
        let told = Arc::clone(&links);
        Self {
            northbound: Database::follow(Monitored {
                socket: northbound.to_owned(),
                database: "OVN_Northbound",
                tables: NORTHBOUND,
                tag: tag_of,
                observer: Box::new(move |change| told.observe(change)),
            }),
            switch: Database::follow(Monitored {
                socket: switch.to_owned(),
                database: "Open_vSwitch",
                tables: SWITCH,
                tag: tag_of,
                observer: Box::new(|_| {}),
            }),
            links,
        }
    }

    /// Waits until both copies are filled.
    pub async fn synced(&self) -> Result<(), OvsdbError> {
        tokio::try_join!(self.northbound.client.synced(), self.switch.client.synced()).map(drop)
    }
}

/// The bridge that a physical network is connected to: `br-ex` for the first, then `br-ex1`, `br-ex2`.
fn bridge_of(index: usize) -> String {
    if index == 0 { "br-ex".to_owned() } else { format!("br-ex{index}") }
}

/// Describes this host to private daemons: its name, its bridges, where the Southbound database is.
pub async fn describe(
    databases: &Databases,
    config: &Config,
    preferred: Datapath,
    southbound: &Path,
) -> Result<(), OvsdbError> {
    databases
        .northbound
        .settle(|replica| {
            let missing = replica.rows("NB_Global").next().is_none();
            let insert = json!({"op": "insert", "table": "NB_Global", "row": {}});
            let operations = if missing { vec![insert] } else { Vec::new() };
            Ok::<_, OvsdbError>(Transaction { operations, inserts: Vec::new() })
        })
        .await?;
    let remote = format!("unix:{}", southbound.display());
    let switch = &databases.switch;
    switch.settle(|replica| Ok::<_, OvsdbError>(first_row(replica))).await?;
    switch.settle(|replica| Ok(described(replica, config, preferred, &remote))).await
}

/// The one row that everything else hangs on.
fn first_row(replica: &Replica) -> Transaction {
    if replica.rows("Open_vSwitch").next().is_some() {
        return Transaction::default();
    }
    let insert = json!({"op": "insert", "table": "Open_vSwitch", "row": {}});
    Transaction { operations: vec![insert], inserts: vec![(0, "Open_vSwitch")] }
}

fn described(replica: &Replica, config: &Config, preferred: Datapath, southbound: &str) -> Transaction {
    let mut draft = Draft::new(replica);
    let Some((root, row)) = replica.rows("Open_vSwitch").next() else { return Transaction::default() };
    // Bridges keep the datapath that they were made with: taps are plugged into it.
    let made = find(replica, &Owner::new("bridge", INTEGRATION), "bridge")
        .and_then(|(_, row)| row.get("datapath_type"));
    let datapath = match made.and_then(|datum| datum.atoms().next()).and_then(Atom::text) {
        Some(word) => word.to_owned(),
        None => preferred.word().to_owned(),
    };
    draft.owns(&Owner::new("bridge", INTEGRATION), bridge(root, INTEGRATION, &datapath, "secure"));
    let mut mappings = Vec::new();
    for (index, network) in config.physical_networks.iter().enumerate() {
        let name = bridge_of(index);
        draft.owns(&Owner::new("bridge", &name), bridge(root, &name, &datapath, "standalone"));
        mappings.push(format!("{network}:{name}"));
    }
    let ids = BTreeMap::from(
        [
            ("system-id", config.chassis.as_str()),
            ("hostname", &config.chassis),
            ("ovn-remote", southbound),
            ("ovn-encap-type", "geneve"),
            ("ovn-encap-ip", "127.0.0.1"),
            ("ovn-bridge-datapath-type", &datapath),
            ("ovn-bridge-mappings", &mappings.join(",")),
            // One host sees everything anyway, and a new network needs no round trip for its conditions.
            ("ovn-monitor-all", "true"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    draft.pairs(("Open_vSwitch", root, row), "external_ids", &BTreeSet::new(), &ids);
    let mut transaction = draft.finish();
    if !transaction.operations.is_empty() {
        let raise = json!({"op": "mutate", "table": "Open_vSwitch", "where": [], "mutations": [["next_cfg", "+=", 1]]});
        transaction.operations.push(raise);
    }
    transaction
}

/// A bridge with its own port and interface.
fn bridge(root: &str, name: &str, datapath: &str, fail_mode: &str) -> Vec<Wanted> {
    vec![
        Wanted::new("Interface", "interface").one("name", name).one("type", "internal"),
        Wanted::new("Port", "port")
            .one("name", name)
            .one("interfaces", Atom::Named("interface".to_owned()))
            .under("bridge"),
        Wanted::new("Bridge", "bridge")
            .one("name", name)
            .one("datapath_type", datapath)
            .one("fail_mode", fail_mode)
            .with("other_config", Datum::map([("disable-in-band", "true")]))
            .under_row(root),
    ]
}

/// The bridges of physical networks: what the host is connected to.
pub fn mappings(replica: &Replica) -> Vec<(String, String)> {
    let row = replica.rows("Open_vSwitch").next();
    let text = row.and_then(|(_, row)| row.get("external_ids")?.get("ovn-bridge-mappings"));
    let pairs = text.unwrap_or_default().split(',').filter_map(|pair| pair.split_once(':'));
    pairs.map(|(network, bridge)| (network.trim().to_owned(), bridge.trim().to_owned())).collect()
}

/// The rows that put an interface of the host on a bridge.
pub fn interface_on(replica: &Replica, bridge: &str, name: &str) -> Option<(Wanted, Wanted)> {
    let named = |row: &Row| row.get("name") == Some(&Datum::one(bridge));
    let (uuid, _) = replica.rows("Bridge").find(|(_, row)| named(row))?;
    let port = Wanted::new("Port", "port")
        .one("name", name)
        .one("interfaces", Atom::Named("interface".to_owned()))
        .under_row(uuid);
    Some((Wanted::new("Interface", "interface").one("name", name), port))
}

/// The integration bridge moves packets in the kernel.
pub fn in_kernel(replica: &Replica) -> bool {
    let integration = Datum::one(INTEGRATION);
    let found = replica.rows("Bridge").find(|(_, row)| row.get("name") == Some(&integration));
    found.and_then(|(_, row)| row.get("datapath_type")) != Some(&Datum::one(Datapath::Userspace.word()))
}
