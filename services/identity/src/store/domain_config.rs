//! Rows of options of domains.

use super::key::{Ring, keys};
use super::seal::{opened, sealed};
use crate::model::domain_config::{Options, Part, is_sensitive};
use fault::Fault;
use serde_json::{Value, json};
use store::{Tx, params};

/// The options of a domain that anybody is shown.
pub fn domain_options(tx: &Tx, domain_id: &str) -> Result<Options, Fault> {
    let sql = "SELECT option_group, name, option_value FROM identity_domain_options WHERE domain_id = ?1 AND sealed = 0 \
               ORDER BY option_group, name";
    let mut found = Options::new();
    for row in tx.query(sql, params![domain_id])? {
        let group = found.entry(row.text(0)?).or_insert_with(|| json!({}));
        group[row.text(1)?] = row.json::<Value>(2)?;
    }
    Ok(found)
}

/// All options of a domain, those included that nobody is shown.
pub fn domain_options_opened(tx: &Tx, domain_id: &str) -> Result<Options, Fault> {
    let mut found = domain_options(tx, domain_id)?;
    let sql = "SELECT option_group, name, option_value FROM identity_domain_options WHERE domain_id = ?1 AND sealed = 1";
    for row in tx.query(sql, params![domain_id])? {
        let text = opened(&keys(tx, Ring::Credentials)?, &row.text(2)?)?;
        let group = found.entry(row.text(0)?).or_insert_with(|| json!({}));
        group[row.text(1)?] = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.to_string()));
    }
    Ok(found)
}

/// Whether a domain has any option of a part, shown or not.
pub fn domain_has_options(tx: &Tx, domain_id: &str, part: &Part) -> Result<bool, Fault> {
    let rows = tx.query(
        "SELECT option_group, name FROM identity_domain_options WHERE domain_id = ?1",
        params![domain_id],
    )?;
    for row in rows {
        if part.covers(&row.text(0)?, &row.text(1)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sets options of a domain.
pub fn domain_options_put(tx: &Tx, domain_id: &str, options: &Options) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_domain_options (domain_id, option_group, name, option_value, sealed) \
               VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (domain_id, option_group, name) DO UPDATE SET option_value = ?4";
    for (group, own) in options {
        for (name, value) in own.as_object().into_iter().flatten() {
            let secret = is_sensitive(group, name);
            let text = if secret { sealed(tx, &value.to_string())? } else { value.to_string() };
            tx.execute(sql, params![domain_id, group, name, text, secret])?;
        }
    }
    Ok(())
}

/// Removes a part of a domain's options.
pub fn domain_options_delete(tx: &Tx, domain_id: &str, part: &Part) -> Result<(), Fault> {
    let sql = "DELETE FROM identity_domain_options WHERE domain_id = ?1 AND (?2 = '' OR option_group = ?2) \
               AND (?3 = '' OR name = ?3)";
    let [group, name] = [&part.group, &part.name].map(|word| word.as_deref().unwrap_or_default());
    tx.execute(sql, params![domain_id, group, name]).map(drop)
}

/// Seals every sensitive option anew, with the primary key.
pub fn domain_options_seal(tx: &Tx) -> Result<(), Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let sql =
        "SELECT domain_id, option_group, name, option_value FROM identity_domain_options WHERE sealed = 1";
    for row in tx.query(sql, params![])? {
        let text = sealed(tx, &opened(&keys, &row.text(3)?)?)?;
        let sql = "UPDATE identity_domain_options SET option_value = ?4 WHERE domain_id = ?1 AND option_group = ?2 AND name = ?3";
        tx.execute(sql, params![row.text(0)?, row.text(1)?, row.text(2)?, text])?;
    }
    Ok(())
}
