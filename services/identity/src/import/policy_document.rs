//! Policy documents, and what each of them is for.

use super::Report;
use super::keystone::{each, extra};
use crate::model::policy_association::Subject;
use crate::model::policy_document::PolicyDocument;
use crate::store::catalog::{endpoint_by_id, region_by_id, service_by_id};
use crate::store::policy_association::{policy_associate, policy_of};
use crate::store::policy_document::{policy_by_id, policy_put};
use ::store::Tx;
use ::store::foreign::{Record, Tables};
use fault::Fault;
use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct PolicyDocuments {
    documents: Vec<PolicyDocument>,
    /// What has a document, and the document's id.
    associations: Vec<(Subject, String)>,
}

impl PolicyDocuments {
    pub(super) fn read(tables: &Tables) -> Result<Self, Fault> {
        Ok(Self {
            documents: each(tables, "policy", document)?,
            associations: each(tables, "policy_association", association)?,
        })
    }

    /// Takes them over; what they are for is here already, or never comes.
    pub(super) fn take(&self, tx: &Tx, report: &mut Report) -> Result<(), Fault> {
        for one in &self.documents {
            let found = policy_by_id(tx, &one.id)?;
            report.put("policy documents", found, one, |_| policy_put(tx, one).map(|()| true))?;
        }
        for (subject, document) in &self.associations {
            if !is_here(tx, subject)? || policy_by_id(tx, document)?.is_none() {
                report.leave("associations of policy documents with what is not here", 1);
                continue;
            }
            report.put("associations of policy documents", policy_of(tx, subject)?, document, |_| {
                policy_associate(tx, document, subject).map(|()| true)
            })?;
        }
        Ok(())
    }
}

fn is_here(tx: &Tx, subject: &Subject) -> Result<bool, Fault> {
    Ok(match subject {
        Subject::Endpoint(id) => endpoint_by_id(tx, id)?.is_some(),
        Subject::Service(id) => service_by_id(tx, id)?.is_some(),
        Subject::ServiceIn(service, region) => {
            service_by_id(tx, service)?.is_some() && region_by_id(tx, region)?.is_some()
        }
    })
}

/// Documents are texts, and some were JSON once.
fn document(row: &Record) -> Result<PolicyDocument, Fault> {
    let blob = match row.json("blob")? {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(PolicyDocument { id: row.text("id")?, kind: row.text("type")?, blob, extra: extra(row)? })
}

fn association(row: &Record) -> Result<(Subject, String), Fault> {
    let subject = match (row.opt_text("endpoint_id")?, row.opt_text("region_id")?) {
        (Some(endpoint), _) => Subject::Endpoint(endpoint),
        (None, Some(region)) => Subject::ServiceIn(row.text("service_id")?, region),
        (None, None) => Subject::Service(row.text("service_id")?),
    };
    Ok((subject, row.text("policy_id")?))
}
