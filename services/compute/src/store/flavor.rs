//! Flavors, their extra specs and who may use them.

use crate::model::flavor::{Flavor, FlavorFacts};
use crate::store::counter;
use fault::Fault;
use std::collections::BTreeMap;
use store::list::{Column, Direction, List, ListError, Noun};
use store::{Row, Tx, params};

const COLUMNS: &str = "id, number, name, vcpus, memory_mib, root_gib, ephemeral_gib, swap_mib, rxtx_factor, is_public, \
                       disabled, description";

/// What flavors can be listed by.
pub static FLAVORS: Noun = Noun {
    from: "compute_flavors",
    id: "id",
    order: &[("flavorid", Direction::Asc)],
    columns: &[
        Column::text("flavorid", "id"),
        Column::text("name", "name"),
        Column::int("id", "number"),
        Column::int("memory_mb", "memory_mib"),
        Column::int("root_gb", "root_gib"),
        Column::int("vcpus", "vcpus"),
        Column::int("ephemeral_gb", "ephemeral_gib"),
        Column::int("swap", "swap_mib"),
        Column::real("rxtx_factor", "rxtx_factor"),
        Column::flag("is_public", "is_public"),
        Column::flag("disabled", "disabled"),
        Column::text("description", "description").nullable(),
        Column::time("created_at", "created_at"),
        Column::time("updated_at", "updated_at").nullable(),
        Column::int("vcpu_weight", "vcpus"),
    ],
};

fn read(row: &Row) -> Result<Flavor, Fault> {
    Ok(Flavor {
        facts: FlavorFacts {
            id: row.text(0)?,
            name: row.text(2)?,
            vcpus: row.get(3)?,
            memory_mib: row.get(4)?,
            root_gib: row.get(5)?,
            ephemeral_gib: row.get(6)?,
            swap_mib: row.get(7)?,
            specs: BTreeMap::new(),
        },
        number: row.int(1)?,
        rxtx_factor: row.real(8)?,
        is_public: row.flag(9)?,
        disabled: row.flag(10)?,
        description: row.opt_text(11)?,
    })
}

fn with_specs(tx: &Tx, mut flavor: Flavor) -> Result<Flavor, Fault> {
    let sql = "SELECT name, value FROM compute_flavor_specs WHERE flavor_id = ?1 ORDER BY name";
    for row in tx.query(sql, params![&flavor.facts.id])? {
        flavor.facts.specs.insert(row.text(0)?, row.text(1)?);
    }
    Ok(flavor)
}

/// The flavor of this id.
pub fn flavor_by_id(tx: &Tx, id: &str) -> Result<Option<Flavor>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM compute_flavors WHERE id = ?1");
    tx.query_one(&sql, params![id])?.map(|row| with_specs(tx, read(&row)?)).transpose()
}

/// The flavors of a list.
pub fn flavor_list(tx: &Tx, list: &List) -> Result<Vec<Flavor>, ListError> {
    let rows = list.rows(tx, &format!("SELECT {COLUMNS} FROM compute_flavors"))?;
    let flavors = rows.iter().map(|row| with_specs(tx, read(row)?));
    flavors.collect::<Result<_, Fault>>().map_err(ListError::Store)
}

/// Whether the name is taken.
pub fn flavor_name_taken(tx: &Tx, name: &str) -> Result<bool, Fault> {
    Ok(tx.query_one("SELECT 1 FROM compute_flavors WHERE name = ?1", params![name])?.is_some())
}

/// Adds a flavor; its number is chosen here.
pub fn flavor_insert(tx: &Tx, flavor: &Flavor) -> Result<(), Fault> {
    let facts = &flavor.facts;
    let sql = format!(
        "INSERT INTO compute_flavors ({COLUMNS}, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    );
    tx.execute(
        &sql,
        params![
            &facts.id,
            counter::next(tx, "flavor")?,
            &facts.name,
            facts.vcpus,
            facts.memory_mib,
            facts.root_gib,
            facts.ephemeral_gib,
            facts.swap_mib,
            flavor.rxtx_factor,
            flavor.is_public,
            flavor.disabled,
            &flavor.description,
            tx.now()
        ],
    )?;
    flavor_specs_set(tx, &facts.id, &facts.specs)
}

/// Changes the description.
pub fn flavor_describe(tx: &Tx, id: &str, description: Option<String>) -> Result<(), Fault> {
    let sql = "UPDATE compute_flavors SET description = ?2, updated_at = ?3 WHERE id = ?1";
    tx.execute(sql, params![id, description, tx.now()]).map(drop)
}

/// Deletes the flavor; false if there was none. Servers keep what they remember of it.
pub fn flavor_delete(tx: &Tx, id: &str) -> Result<bool, Fault> {
    tx.execute("DELETE FROM compute_flavor_specs WHERE flavor_id = ?1", params![id])?;
    tx.execute("DELETE FROM compute_flavor_access WHERE flavor_id = ?1", params![id])?;
    Ok(tx.execute("DELETE FROM compute_flavors WHERE id = ?1", params![id])? > 0)
}

/// Adds or changes extra specs.
pub fn flavor_specs_set(tx: &Tx, id: &str, specs: &BTreeMap<String, String>) -> Result<(), Fault> {
    for (name, value) in specs {
        tx.execute(
            "INSERT INTO compute_flavor_specs (flavor_id, name, value) VALUES (?1, ?2, ?3)
             ON CONFLICT (flavor_id, name) DO UPDATE SET value = excluded.value",
            params![id, name, value],
        )?;
    }
    Ok(())
}

/// Deletes an extra spec.
pub fn flavor_spec_delete(tx: &Tx, id: &str, name: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM compute_flavor_specs WHERE flavor_id = ?1 AND name = ?2";
    Ok(tx.execute(sql, params![id, name])? > 0)
}

/// The projects that may use a flavor that is not public.
pub fn flavor_projects(tx: &Tx, id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT project_id FROM compute_flavor_access WHERE flavor_id = ?1 ORDER BY project_id";
    tx.query(sql, params![id])?.iter().map(|row| row.text(0)).collect()
}

/// Lets a project use the flavor; false if it might already.
pub fn flavor_access_add(tx: &Tx, id: &str, project_id: &str) -> Result<bool, Fault> {
    let sql =
        "INSERT INTO compute_flavor_access (flavor_id, project_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![id, project_id])? > 0)
}

/// Does not let a project use the flavor any more; false if it might not.
pub fn flavor_access_remove(tx: &Tx, id: &str, project_id: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM compute_flavor_access WHERE flavor_id = ?1 AND project_id = ?2";
    Ok(tx.execute(sql, params![id, project_id])? > 0)
}
