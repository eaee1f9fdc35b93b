//! Rows of what policy documents are for.

use crate::model::policy_association::Subject;
use fault::Fault;
use store::{Tx, params};

/// Whose associations are forgotten.
#[derive(Clone, Copy, Debug)]
pub enum Of {
    /// A policy document's.
    Policy,
    /// An endpoint's.
    Endpoint,
    /// A service's.
    Service,
    /// A region's.
    Region,
}

/// Endpoint, service and region of a subject, as columns hold them.
fn columns(subject: &Subject) -> (&str, &str, &str) {
    match subject {
        Subject::Endpoint(id) => (id, "", ""),
        Subject::Service(id) => ("", id, ""),
        Subject::ServiceIn(service, region) => ("", service, region),
    }
}

/// What a policy document is for.
pub fn policy_subjects(tx: &Tx, policy_id: &str) -> Result<Vec<Subject>, Fault> {
    let sql =
        "SELECT endpoint_id, service_id, region_id FROM identity_policy_associations WHERE policy_id = ?1";
    let rows = tx.query(sql, params![policy_id])?;
    let subject = |(endpoint, service, region): (String, String, String)| match (&*endpoint, &*region) {
        ("", "") => Subject::Service(service),
        ("", _) => Subject::ServiceIn(service, region),
        _ => Subject::Endpoint(endpoint),
    };
    rows.iter().map(|row| Ok(subject((row.text(0)?, row.text(1)?, row.text(2)?)))).collect()
}

/// The id of the policy document for something.
pub fn policy_of(tx: &Tx, subject: &Subject) -> Result<Option<String>, Fault> {
    let (endpoint, service, region) = columns(subject);
    let sql = "SELECT policy_id FROM identity_policy_associations \
               WHERE endpoint_id = ?1 AND service_id = ?2 AND region_id = ?3";
    tx.query_one(sql, params![endpoint, service, region])?.map(|row| row.text(0)).transpose()
}

/// The document is the one for something, whatever was before.
pub fn policy_associate(tx: &Tx, policy_id: &str, subject: &Subject) -> Result<(), Fault> {
    let (endpoint, service, region) = columns(subject);
    let sql = "INSERT INTO identity_policy_associations (endpoint_id, service_id, region_id, policy_id) \
               VALUES (?1, ?2, ?3, ?4) ON CONFLICT (endpoint_id, service_id, region_id) DO UPDATE SET policy_id = ?4";
    tx.execute(sql, params![endpoint, service, region, policy_id]).map(drop)
}

/// The document is not the one for something any more.
pub fn policy_dissociate(tx: &Tx, policy_id: &str, subject: &Subject) -> Result<(), Fault> {
    let (endpoint, service, region) = columns(subject);
    let sql = "DELETE FROM identity_policy_associations \
               WHERE endpoint_id = ?1 AND service_id = ?2 AND region_id = ?3 AND policy_id = ?4";
    tx.execute(sql, params![endpoint, service, region, policy_id]).map(drop)
}

/// Something is gone.
pub fn associations_forget(tx: &Tx, of: Of, id: &str) -> Result<(), Fault> {
    let column = match of {
        Of::Policy => "policy_id",
        Of::Endpoint => "endpoint_id",
        Of::Service => "service_id",
        Of::Region => "region_id",
    };
    tx.execute(&format!("DELETE FROM identity_policy_associations WHERE {column} = ?1"), params![id])
        .map(drop)
}
