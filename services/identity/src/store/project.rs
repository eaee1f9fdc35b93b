//! Rows of projects and domains.

use super::{narrowed, object, text, unless_taken};
use crate::model::domain_config::Part;
use crate::model::narrow::Narrow;
use crate::model::project::Project;
use fault::Fault;
use store::{Row, Tx, params};

const SELECT: &str = "SELECT id, name, domain_id, parent_id, is_domain, enabled, description, tags, options, extra \
                      FROM identity_projects";
/// No tree is as deep: it ends what is damaged. Five levels can be made here; a Keystone may have been set to make more.
const BOTTOM: usize = 100;
/// The names of projects and domains.
pub const NAMES: &str = "SELECT id, name, domain_id FROM identity_projects WHERE id IN ({ids})";

fn project(row: &Row) -> Result<Project, Fault> {
    Ok(Project {
        id: row.text(0)?,
        name: row.text(1)?,
        domain_id: row.text(2)?,
        parent_id: row.text(3)?,
        is_domain: row.flag(4)?,
        enabled: row.flag(5)?,
        description: row.opt_text(6)?,
        tags: row.json(7)?,
        options: object(row, 8)?,
        extra: object(row, 9)?,
    })
}

/// Every project and domain whose rows fit the condition (`?1` is `value`), by id.
fn those(tx: &Tx, condition: &str, value: &str) -> Result<Vec<Project>, Fault> {
    tx.query(&format!("{SELECT} WHERE {condition} ORDER BY id"), params![value])?
        .iter()
        .map(project)
        .collect()
}

/// The project or domain of that id.
pub fn project_by_id(tx: &Tx, id: &str) -> Result<Option<Project>, Fault> {
    Ok(those(tx, "id = ?1", id)?.pop())
}

/// The project of that name in a domain; with an empty domain, the domain of that name.
pub fn project_by_name(tx: &Tx, domain_id: &str, name: &str) -> Result<Option<Project>, Fault> {
    let sql = format!("{SELECT} WHERE domain_id = ?1 AND name = ?2");
    tx.query_one(&sql, params![domain_id, name])?.as_ref().map(project).transpose()
}

/// Every project (or every domain), by id.
pub fn projects(tx: &Tx, domains: bool) -> Result<Vec<Project>, Fault> {
    projects_narrowed(tx, domains, &Narrow::default())
}

/// The projects (or domains) of a domain, of a name, or of both, by id.
pub fn projects_narrowed(tx: &Tx, domains: bool, narrow: &Narrow) -> Result<Vec<Project>, Fault> {
    let (condition, mut values) = narrowed(narrow, "name");
    values.push(domains.into());
    let sql = format!("{SELECT} WHERE {condition} AND is_domain = ?{} ORDER BY id", values.len());
    tx.query(&sql, &values)?.iter().map(project).collect()
}

/// Whether there is a project right below this one.
pub fn project_has_children(tx: &Tx, id: &str) -> Result<bool, Fault> {
    let sql = "SELECT 1 FROM identity_projects WHERE parent_id = ?1 LIMIT 1";
    Ok(tx.query_one(sql, params![id])?.is_some())
}

/// Everything below a project or domain, parents first.
pub fn projects_below(tx: &Tx, id: &str) -> Result<Vec<Project>, Fault> {
    let sql = format!(
        "WITH RECURSIVE below (id, depth) AS (SELECT id, 1 FROM identity_projects WHERE parent_id = ?1 UNION ALL \
         SELECT child.id, below.depth + 1 FROM identity_projects child JOIN below ON child.parent_id = below.id \
         WHERE below.depth < {BOTTOM}) {SELECT} JOIN below USING (id) ORDER BY depth, id"
    );
    tx.query(&sql, params![id])?.iter().map(project).collect()
}

/// The projects of a domain.
pub fn projects_of_domain(tx: &Tx, domain_id: &str) -> Result<Vec<Project>, Fault> {
    those(tx, "domain_id = ?1", domain_id)
}

/// The way up from a project's parent to its domain.
pub fn project_ancestors(tx: &Tx, project: &Project) -> Result<Vec<Project>, Fault> {
    let mut above = Vec::new();
    let mut next = project.parent_id.clone();
    while !next.is_empty() && above.len() < BOTTOM {
        let Some(parent) = project_by_id(tx, &next)? else { break };
        next.clone_from(&parent.parent_id);
        above.push(parent);
    }
    Ok(above)
}

/// Adds a project; false if its name is taken.
pub fn project_insert(tx: &Tx, project: &Project) -> Result<bool, Fault> {
    let sql = "INSERT INTO identity_projects \
               (id, name, domain_id, parent_id, is_domain, enabled, description, tags, options, extra) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let tags = serde_json::json!(project.tags).to_string();
    unless_taken(tx.try_execute(
        sql,
        params![
            &project.id,
            &project.name,
            &project.domain_id,
            &project.parent_id,
            project.is_domain,
            project.enabled,
            project.description.as_deref(),
            tags,
            text(&project.options),
            text(&project.extra)
        ],
    ))
}

/// Writes what can change of a project; false if its new name is taken.
pub fn project_update(tx: &Tx, project: &Project) -> Result<bool, Fault> {
    let sql = "UPDATE identity_projects SET name = ?2, enabled = ?3, description = ?4, tags = ?5, options = ?6, \
               extra = ?7 WHERE id = ?1";
    let tags = serde_json::json!(project.tags).to_string();
    unless_taken(tx.try_execute(
        sql,
        params![
            &project.id,
            &project.name,
            project.enabled,
            project.description.as_deref(),
            tags,
            text(&project.options),
            text(&project.extra)
        ],
    ))
}

/// Removes a project and everything granted on it.
pub fn project_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute(
        "DELETE FROM identity_assignments WHERE target_kind <> 'system' AND target_id = ?1",
        params![id],
    )?;
    tx.execute(
        "UPDATE identity_users SET default_project_id = NULL WHERE default_project_id = ?1",
        params![id],
    )?;
    super::application_credential::application_credentials_of_project_delete(tx, id)?;
    super::trust::trusts_of_project_delete(tx, id)?;
    super::oauth1::tokens_of_project_delete(tx, id)?;
    super::limit::limits_of_holder_delete(tx, id)?;
    super::endpoint_group::shown_forget(tx, id)?;
    super::domain_config::domain_options_delete(tx, id, &Part::default())?;
    tx.execute("DELETE FROM identity_credentials WHERE project_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_projects WHERE id = ?1", params![id])?;
    Ok(())
}
