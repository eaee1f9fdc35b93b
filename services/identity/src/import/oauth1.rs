//! OAuth 1.0: programs, and what users gave them. What they only asked for ends within hours, and is asked for again.

use super::Report;
use super::keystone::{each, extra};
use crate::model::oauth1::{AccessToken, Consumer};
use crate::store::oauth1::*;
use crate::store::project::project_by_id;
use crate::store::user::user_by_id;
use ::store::Tx;
use ::store::foreign::{LAST, Record, Tables};
use fault::Fault;
use serde_json::Value;

#[derive(Debug, Default)]
pub(super) struct Oauth1 {
    consumers: Vec<Consumer>,
    access_tokens: Vec<AccessToken>,
}

impl Oauth1 {
    pub(super) fn read(tables: &Tables) -> Result<Self, Fault> {
        Ok(Self {
            consumers: each(tables, "consumer", consumer)?,
            access_tokens: each(tables, "access_token", access_token)?,
        })
    }

    /// Takes it over. The secrets, plain there, are sealed here.
    pub(super) fn take(&self, tx: &Tx, report: &mut Report) -> Result<(), Fault> {
        for one in &self.consumers {
            let found = consumer_by_id(tx, &one.id)?;
            report.put("OAuth consumers", found, one, |new| {
                if new { consumer_insert(tx, one) } else { consumer_update(tx, one) }.map(|()| true)
            })?;
        }
        for one in &self.access_tokens {
            if one.expires_at <= tx.now() {
                report.leave("OAuth access tokens that have ended", 1);
            } else if user_by_id(tx, &one.user_id)?.is_none()
                || project_by_id(tx, &one.project_id)?.is_none()
                || consumer_by_id(tx, &one.consumer_id)?.is_none()
            {
                report.leave("OAuth access tokens of users who are not here", 1);
            } else {
                let new = access_token_by_id(tx, &one.id)?.is_none();
                if new {
                    // no request token of ours became this one
                    access_token_insert(tx, one, "")?;
                }
                report.note("OAuth access tokens", new);
            }
        }
        Ok(())
    }
}

fn consumer(row: &Record) -> Result<Consumer, Fault> {
    Ok(Consumer {
        id: row.text("id")?,
        secret: row.text("secret")?.into(),
        description: row.opt_text("description")?,
        extra: extra(row)?,
    })
}

fn access_token(row: &Record) -> Result<AccessToken, Fault> {
    let roles = row.json("role_ids")?;
    let roles = roles.as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(AccessToken {
        id: row.text("id")?,
        secret: row.text("access_secret")?.into(),
        consumer_id: row.text("consumer_id")?,
        project_id: row.text("project_id")?,
        user_id: row.text("authorizing_user_id")?,
        roles: roles.map(str::to_owned).collect(),
        expires_at: row.opt_at("expires_at")?.unwrap_or(LAST),
    })
}
