//! Hosts and services.

use crate::model::host::{Host, Service};
use crate::store::{aggregate, counter};
use fault::{Fault, Means};
use kernel::Micros;
use metal::HostFacts;
use std::collections::HashMap;
use store::{Row, Tx, params};

const HOST: &str = "id, number, name, facts, up, seen_at";

fn read(row: &Row) -> Result<Host, Fault> {
    Ok(Host {
        id: row.text(0)?,
        number: row.int(1)?,
        name: row.text(2)?,
        facts: row.json(3)?,
        up: row.flag(4)?,
        seen_at: row.at(5)?,
    })
}

/// All hosts, in the order in which they came.
pub fn host_list(tx: &Tx) -> Result<Vec<Host>, Fault> {
    tx.query(&format!("SELECT {HOST} FROM compute_hosts ORDER BY number"), &[])?.iter().map(read).collect()
}

/// The host of this id.
pub fn host_by_id(tx: &Tx, id: &str) -> Result<Option<Host>, Fault> {
    tx.query_one(&format!("SELECT {HOST} FROM compute_hosts WHERE id = ?1"), params![id])?
        .map(|row| read(&row))
        .transpose()
}

/// The host of this name.
pub fn host_by_name(tx: &Tx, name: &str) -> Result<Option<Host>, Fault> {
    let sql = format!("SELECT {HOST} FROM compute_hosts WHERE name = ?1");
    tx.query_one(&sql, params![name])?.map(|row| read(&row)).transpose()
}

/// A host as the scheduler sees it.
pub struct Seat {
    /// Its agent is here.
    pub up: bool,
    /// When it was last heard of.
    pub seen_at: Micros,
    /// Somebody says that it is dead.
    pub forced_down: bool,
    /// It takes no new servers.
    pub disabled: bool,
    /// Why not.
    pub disabled_reason: Option<String>,
    /// The zone that an aggregate puts it in.
    pub zone: Option<String>,
}

/// The hosts of these ids that have a service. The cross join keeps SQLite from reading all services to find those of a few.
pub fn seats(tx: &Tx, ids: &[String]) -> Result<HashMap<String, Seat>, Fault> {
    let sql = format!(
        "SELECT h.id, h.up, h.seen_at, s.forced_down, s.disabled, s.disabled_reason, {}
         FROM compute_hosts h CROSS JOIN compute_services s
         WHERE h.id IN ({{ids}}) AND s.kind = 'nova-compute' AND s.host = h.name",
        aggregate::zone_of("h.name")
    );
    let seat = |row: &Row| {
        Ok(Seat {
            up: row.flag(1)?,
            seen_at: row.at(2)?,
            forced_down: row.flag(3)?,
            disabled: row.flag(4)?,
            disabled_reason: row.opt_text(5)?,
            zone: row.opt_text(6)?,
        })
    };
    tx.query_among(&sql, ids)?.iter().map(|row| Ok((row.text(0)?, seat(row)?))).collect()
}

/// A host is here, with these facts: the host and its service exist and are up.
pub fn host_joined(tx: &Tx, facts: &HostFacts) -> Result<(), Fault> {
    let text = serde_json::to_string(facts).or_bug()?;
    let known = host_by_id(tx, &facts.id)?;
    if known.is_some() {
        let sql = "UPDATE compute_hosts SET name = ?2, facts = ?3, up = 1, seen_at = ?4 WHERE id = ?1";
        tx.execute(sql, params![&facts.id, &facts.name, text, tx.now()])?;
    } else {
        let number = counter::next(tx, "host")?;
        tx.execute(
            "INSERT INTO compute_hosts (id, number, name, facts, up, seen_at, created_at) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5)",
            params![&facts.id, number, &facts.name, text, tx.now()],
        )?;
    }
    service_ensure(tx, "nova-compute", &facts.name)
}

/// A host has another name now, and its agent is away.
pub fn host_rename(tx: &Tx, id: &str, name: &str) -> Result<(), Fault> {
    tx.execute("UPDATE compute_hosts SET name = ?2, up = 0 WHERE id = ?1", params![id, name]).map(drop)
}

/// A host is away.
pub fn host_left(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("UPDATE compute_hosts SET up = 0, seen_at = ?2 WHERE id = ?1", params![id, tx.now()]).map(drop)
}

/// Hosts that are here were heard of just now.
pub fn hosts_seen(tx: &Tx, ids: &[String]) -> Result<(), Fault> {
    for id in ids {
        tx.execute("UPDATE compute_hosts SET seen_at = ?2 WHERE id = ?1 AND up = 1", params![id, tx.now()])?;
    }
    Ok(())
}

/// The hosts that are up, as far as it has been written down.
pub fn hosts_up(tx: &Tx) -> Result<Vec<String>, Fault> {
    tx.query("SELECT id FROM compute_hosts WHERE up = 1", params![])?.iter().map(|row| row.text(0)).collect()
}

/// Hosts that are up and were not heard of after a point in time.
pub fn hosts_silent(tx: &Tx, heard_of: Micros) -> Result<Vec<String>, Fault> {
    let sql = "SELECT id FROM compute_hosts WHERE up = 1 AND seen_at <= ?1";
    tx.query(sql, params![heard_of])?.iter().map(|row| row.text(0)).collect()
}

/// Forgets a host.
pub fn host_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_hosts WHERE id = ?1", params![id]).map(drop)
}

const SERVICE: &str =
    "SELECT s.id, s.number, s.kind, s.host, s.disabled, s.disabled_reason, s.forced_down, h.up, h.seen_at
    FROM compute_services s LEFT JOIN compute_hosts h ON s.kind = 'nova-compute' AND h.name = s.host";

fn read_service(row: &Row) -> Result<Service, Fault> {
    let kind = row.text(2)?;
    let inside = kind != "nova-compute";
    let forced_down = row.flag(6)?;
    Ok(Service {
        id: row.text(0)?,
        number: row.int(1)?,
        kind,
        host: row.text(3)?,
        disabled: row.flag(4)?,
        disabled_reason: row.opt_text(5)?,
        forced_down,
        up: !forced_down && (inside || row.opt_flag(7)?.unwrap_or(false)),
        seen_at: row.opt_at(8)?,
        zone: String::new(),
    })
}

/// The service exists.
pub fn service_ensure(tx: &Tx, kind: &str, host: &str) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM compute_services WHERE kind = ?1 AND host = ?2";
    if tx.query_one(sql, params![kind, host])?.is_some() {
        return Ok(());
    }
    let (id, number) = (tx.entropy().dashed_id(), counter::next(tx, "service")?);
    tx.execute(
        "INSERT INTO compute_services (id, number, kind, host, disabled, forced_down, created_at)
         VALUES (?1, ?2, ?3, ?4, 0, 0, ?5)",
        params![id, number, kind, host, tx.now()],
    )
    .map(drop)
}

/// All services.
pub fn service_list(tx: &Tx) -> Result<Vec<Service>, Fault> {
    tx.query(&format!("{SERVICE} ORDER BY s.number"), &[])?.iter().map(read_service).collect()
}

/// The compute services of these hosts, by host.
pub fn services_of(tx: &Tx, hosts: &[String]) -> Result<HashMap<String, Service>, Fault> {
    let sql = format!("{SERVICE} WHERE s.kind = 'nova-compute' AND s.host IN ({{ids}})");
    let services = tx.query_among(&sql, hosts)?;
    services.iter().map(|row| read_service(row).map(|service| (service.host.clone(), service))).collect()
}

/// The service of this id, of either form.
pub fn service_by_id(tx: &Tx, id: &str) -> Result<Option<Service>, Fault> {
    Ok(service_list(tx)?.into_iter().find(|service| service.id == id || service.number.to_string() == id))
}

/// Writes a service's switches back.
pub fn service_save(tx: &Tx, service: &Service) -> Result<(), Fault> {
    tx.execute(
        "UPDATE compute_services SET disabled = ?2, disabled_reason = ?3, forced_down = ?4 WHERE id = ?1",
        params![&service.id, service.disabled, &service.disabled_reason, service.forced_down],
    )
    .map(drop)
}

/// Forgets a service.
pub fn service_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_services WHERE id = ?1", params![id]).map(drop)
}
