//! Rows of allocations: what a consumer has of which provider.

use crate::model::Allocation;
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT consumer_id, provider_id, resource_class, used, project_id, user_id, consumer_generation \
                      FROM placement_allocations";

fn allocation(row: &Row) -> Result<Allocation, Fault> {
    Ok(Allocation {
        consumer_id: row.text(0)?,
        provider_id: row.text(1)?,
        resource_class: row.text(2)?,
        used: u64::try_from(row.int(3)?).unwrap_or(0),
        project_id: row.text(4)?,
        user_id: row.text(5)?,
        consumer_generation: row.int(6)?,
    })
}

fn those(tx: &Tx, condition: &str, value: &str) -> Result<Vec<Allocation>, Fault> {
    let sql = format!("{SELECT} WHERE {condition} ORDER BY consumer_id, provider_id, resource_class");
    tx.query(&sql, params![value])?.iter().map(allocation).collect()
}

/// What a consumer has.
pub fn allocations_of_consumer(tx: &Tx, consumer_id: &str) -> Result<Vec<Allocation>, Fault> {
    those(tx, "consumer_id = ?1", consumer_id)
}

/// What consumers have of a provider.
pub fn allocations_of_provider(tx: &Tx, provider_id: &str) -> Result<Vec<Allocation>, Fault> {
    those(tx, "provider_id = ?1", provider_id)
}

/// What a project's consumers have.
pub fn allocations_of_project(tx: &Tx, project_id: &str) -> Result<Vec<Allocation>, Fault> {
    those(tx, "project_id = ?1", project_id)
}

/// Adds an allocation.
pub fn allocation_insert(tx: &Tx, one: &Allocation) -> Result<(), Fault> {
    let sql = "INSERT INTO placement_allocations (consumer_id, provider_id, resource_class, used, project_id, \
               user_id, consumer_generation) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    tx.execute(
        sql,
        params![
            &one.consumer_id,
            &one.provider_id,
            &one.resource_class,
            i64::try_from(one.used).unwrap_or(i64::MAX),
            &one.project_id,
            &one.user_id,
            one.consumer_generation
        ],
    )?;
    Ok(())
}

/// Removes what a consumer has.
pub fn allocations_delete(tx: &Tx, consumer_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM placement_allocations WHERE consumer_id = ?1", params![consumer_id])?;
    Ok(())
}
