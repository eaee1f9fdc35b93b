//! Access rules of a user's application credentials: made with a credential, and removed when none has them any more.

use super::application_credential::not_lent;
use super::text;
use super::user::user_target;
use crate::Identity;
use crate::model::access_rule::AccessRule;
use crate::rules;
use crate::store::{self, access_rule::*};
use ::store::Tx;
use fault::Fault;
use policy::{Access, Rule};
use serde_json::{Map, Value};
use web::Cx;

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Could not find Access Rule: {id}."))
}

fn allowed(tx: &Tx, cx: &Cx, user_id: &str, rule: &'static Rule) -> Result<(), Fault> {
    let user = store::user::user_by_id(tx, user_id)?;
    cx.may(rule, &user_target(user.as_ref()))?;
    not_lent(tx, cx)
}

fn rule_of(tx: &Tx, user_id: &str, id: &str) -> Result<AccessRule, Fault> {
    access_rule_by_id(tx, id)?.filter(|rule| rule.user_id == user_id).ok_or_else(|| missing(id))
}

impl Identity {
    /// The access rules of a user.
    pub async fn access_rule_list(&self, cx: &Cx, user_id: &str) -> Result<Vec<AccessRule>, Fault> {
        let (cx, user_id) = (cx.clone(), user_id.to_owned());
        self.db
            .read(move |tx| {
                allowed(tx, &cx, &user_id, &rules::LIST_ACCESS_RULES)?;
                access_rules_of_user(tx, &user_id)
            })
            .await
    }

    /// One access rule.
    pub async fn access_rule_show(&self, cx: &Cx, user_id: &str, id: &str) -> Result<AccessRule, Fault> {
        let (cx, user_id, id) = (cx.clone(), user_id.to_owned(), id.to_owned());
        self.db
            .read(move |tx| {
                allowed(tx, &cx, &user_id, &rules::GET_ACCESS_RULE)?;
                rule_of(tx, &user_id, &id)
            })
            .await
    }

    /// Removes an access rule that no application credential has.
    pub async fn access_rule_delete(&self, cx: &Cx, user_id: &str, id: &str) -> Result<(), Fault> {
        let (cx, user_id, id) = (cx.clone(), user_id.to_owned(), id.to_owned());
        self.db
            .write(move |tx| {
                allowed(tx, &cx, &user_id, &rules::DELETE_ACCESS_RULE)?;
                rule_of(tx, &user_id, &id)?;
                if access_rule_is_used(tx, &id)? {
                    return Err(Fault::forbidden("May not delete access rule in use"));
                }
                access_rule_delete(tx, &id)
            })
            .await
    }
}

/// The rule that is asked for: a user's own by its id, one that is the same, or a new one.
pub(super) fn access_rule_wanted(
    tx: &Tx,
    user_id: &str,
    given: &Map<String, Value>,
) -> Result<AccessRule, Fault> {
    let asked = text(given, "id");
    if let Some(id) = &asked
        && let Some(found) = access_rule_by_id(tx, id)?
    {
        return if found.user_id == user_id { Ok(found) } else { Err(missing(id)) };
    }
    let (Some(service), Some(method), Some(path)) =
        (text(given, "service"), text(given, "method"), text(given, "path"))
    else {
        return Err(missing(&asked.unwrap_or_default()));
    };
    let access = Access { service, method, path };
    let same = access_rules_of_user(tx, user_id)?.into_iter().find(|rule| rule.access == access);
    if let Some(same) = same {
        return Ok(same);
    }
    let id = asked.unwrap_or_else(|| tx.entropy().hex_id());
    let made = AccessRule { id, user_id: user_id.to_owned(), access };
    access_rule_insert(tx, &made)?;
    Ok(made)
}
