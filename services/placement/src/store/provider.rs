//! Rows of providers, their inventories and traits.

use crate::model::{Inventory, Provider};
use fault::Fault;
use std::collections::BTreeMap;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, name, generation, created_at, updated_at FROM placement_providers";

fn provider(row: &Row) -> Result<Provider, Fault> {
    Ok(Provider {
        id: row.text(0)?,
        name: row.text(1)?,
        generation: row.int(2)?,
        created_at: row.at(3)?,
        updated_at: row.at(4)?,
    })
}

/// Every provider, by id.
pub fn providers(tx: &Tx) -> Result<Vec<Provider>, Fault> {
    tx.query(&format!("{SELECT} ORDER BY id"), params![])?.iter().map(provider).collect()
}

/// The provider of that id.
pub fn provider_by_id(tx: &Tx, id: &str) -> Result<Option<Provider>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?.as_ref().map(provider).transpose()
}

/// Adds a provider; false if its id or name is taken.
pub fn provider_insert(tx: &Tx, id: &str, name: &str) -> Result<bool, Fault> {
    let sql = "INSERT INTO placement_providers (id, name, generation, created_at, updated_at) \
               VALUES (?1, ?2, 0, ?3, ?3) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![id, name, tx.now()])? > 0)
}

/// Gives a provider another name; false if it is taken.
pub fn provider_rename(tx: &Tx, id: &str, name: &str) -> Result<bool, Fault> {
    let sql = "UPDATE placement_providers SET name = ?2, updated_at = ?3 WHERE id = ?1 AND NOT EXISTS \
               (SELECT 1 FROM placement_providers WHERE name = ?2 AND id <> ?1)";
    Ok(tx.execute(sql, params![id, name, tx.now()])? > 0)
}

/// The provider has changed: raises its generation if it still is `seen`. False if somebody was faster.
pub fn provider_advance(tx: &Tx, id: &str, seen: i64) -> Result<bool, Fault> {
    let sql = "UPDATE placement_providers SET generation = generation + 1, updated_at = ?3 \
               WHERE id = ?1 AND generation = ?2";
    Ok(tx.execute(sql, params![id, seen, tx.now()])? > 0)
}

/// Removes a provider with its inventories and traits.
pub fn provider_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM placement_inventories WHERE provider_id = ?1", params![id])?;
    tx.execute("DELETE FROM placement_traits WHERE provider_id = ?1", params![id])?;
    tx.execute("DELETE FROM placement_providers WHERE id = ?1", params![id])?;
    Ok(())
}

/// So many of the providers with the most room first, by name among equals, after the first `skip`.
pub fn providers_by_room(tx: &Tx, skip: usize, most: usize) -> Result<Vec<Provider>, Fault> {
    let sql = format!("{SELECT} ORDER BY room DESC, name LIMIT ?1 OFFSET ?2");
    tx.query(&sql, params![most, skip])?.iter().map(provider).collect()
}

/// Writes down how much room a provider has.
pub fn provider_weigh(tx: &Tx, id: &str, room: f64) -> Result<(), Fault> {
    let sql = "UPDATE placement_providers SET room = ?2 WHERE id = ?1";
    tx.execute(sql, params![id, room]).map(drop)
}

fn inventory(row: &Row) -> Result<Inventory, Fault> {
    let count = |column| row.int(column).map(|number| u64::try_from(number).unwrap_or(0));
    Ok(Inventory {
        provider_id: row.text(0)?,
        resource_class: row.text(1)?,
        total: count(2)?,
        reserved: count(3)?,
        min_unit: count(4)?,
        max_unit: count(5)?,
        step_size: count(6)?,
        allocation_ratio: row.real(7)?,
        used: count(8)?,
    })
}

const INVENTORIES: &str = "SELECT provider_id, resource_class, total, reserved, min_unit, max_unit, step_size, \
                           allocation_ratio, used FROM placement_inventories";

/// What a provider has, by resource class.
pub fn inventories(tx: &Tx, provider_id: &str) -> Result<Vec<Inventory>, Fault> {
    let sql = format!("{INVENTORIES} WHERE provider_id = ?1 ORDER BY resource_class");
    tx.query(&sql, params![provider_id])?.iter().map(inventory).collect()
}

/// What some providers have, by provider.
pub fn inventories_among(tx: &Tx, ids: &[String]) -> Result<BTreeMap<String, Vec<Inventory>>, Fault> {
    let sql = format!("{INVENTORIES} WHERE provider_id IN ({{ids}}) ORDER BY provider_id, resource_class");
    grouped(tx.query_among(&sql, ids)?)
}

/// What all providers have, by provider.
pub fn inventories_by_provider(tx: &Tx) -> Result<BTreeMap<String, Vec<Inventory>>, Fault> {
    grouped(tx.query(&format!("{INVENTORIES} ORDER BY provider_id, resource_class"), params![])?)
}

fn grouped(rows: Vec<Row>) -> Result<BTreeMap<String, Vec<Inventory>>, Fault> {
    let mut all: BTreeMap<String, Vec<Inventory>> = BTreeMap::new();
    for row in rows {
        let one = inventory(&row)?;
        all.entry(one.provider_id.clone()).or_default().push(one);
    }
    Ok(all)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Writes an inventory; what is used of it stays.
pub fn inventory_put(tx: &Tx, one: &Inventory) -> Result<(), Fault> {
    let sql = "INSERT INTO placement_inventories (provider_id, resource_class, total, reserved, min_unit, max_unit, \
               step_size, allocation_ratio, used) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0) \
               ON CONFLICT (provider_id, resource_class) DO UPDATE SET total = ?3, reserved = ?4, min_unit = ?5, \
               max_unit = ?6, step_size = ?7, allocation_ratio = ?8";
    tx.execute(
        sql,
        params![
            &one.provider_id,
            &one.resource_class,
            number(one.total),
            number(one.reserved),
            number(one.min_unit),
            number(one.max_unit),
            number(one.step_size),
            one.allocation_ratio
        ],
    )?;
    Ok(())
}

/// Removes an inventory.
pub fn inventory_delete(tx: &Tx, provider_id: &str, resource_class: &str) -> Result<(), Fault> {
    let sql = "DELETE FROM placement_inventories WHERE provider_id = ?1 AND resource_class = ?2";
    tx.execute(sql, params![provider_id, resource_class])?;
    Ok(())
}

/// Counts what is used of a provider: `by` more, or less when it is negative.
pub fn usage_add(tx: &Tx, provider_id: &str, resource_class: &str, by: i64) -> Result<(), Fault> {
    let sql =
        "UPDATE placement_inventories SET used = used + ?3 WHERE provider_id = ?1 AND resource_class = ?2";
    tx.execute(sql, params![provider_id, resource_class, by])?;
    Ok(())
}

/// The traits of a provider, sorted.
pub fn traits(tx: &Tx, provider_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT trait FROM placement_traits WHERE provider_id = ?1 ORDER BY trait";
    tx.query(sql, params![provider_id])?.iter().map(|row| row.text(0)).collect()
}

/// Replaces the traits of a provider.
pub fn traits_put(tx: &Tx, provider_id: &str, all: &[String]) -> Result<(), Fault> {
    tx.execute("DELETE FROM placement_traits WHERE provider_id = ?1", params![provider_id])?;
    for one in all {
        let sql = "INSERT INTO placement_traits (provider_id, trait) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![provider_id, one])?;
    }
    Ok(())
}
