//! Rows of OAuth 1.0: programs, what they ask for and what they were given. Secrets are sealed with the keys of credentials.

use super::key::{Ring, keys};
use super::seal::{opened, sealed};
use super::{object, text};
use crate::model::fernet::Key;
use crate::model::oauth1::{AccessToken, Authorized, Consumer, REQUEST_LIFE, RequestToken};
use fault::Fault;
use serde_json::json;
use store::{Row, Tx, params};

const CONSUMERS: &str = "SELECT id, secret, description, extra FROM identity_consumers";
const REQUESTS: &str = "SELECT id, secret, consumer_id, project_id, user_id, roles, verifier, expires_at \
                        FROM identity_request_tokens";
const ACCESSES: &str =
    "SELECT id, secret, consumer_id, project_id, user_id, roles, expires_at FROM identity_access_tokens";
/// Where secrets are.
const TABLES: [&str; 3] = ["identity_consumers", "identity_request_tokens", "identity_access_tokens"];

fn consumer(row: &Row, keys: &[Key]) -> Result<Consumer, Fault> {
    Ok(Consumer {
        id: row.text(0)?,
        secret: opened(keys, &row.text(1)?)?,
        description: row.opt_text(2)?,
        extra: object(row, 3)?,
    })
}

fn request_token(row: &Row, keys: &[Key]) -> Result<RequestToken, Fault> {
    let authorized = match (row.opt_text(4)?, row.opt_text(6)?) {
        (Some(user_id), Some(verifier)) => Some(Authorized { user_id, roles: row.json(5)?, verifier }),
        _ => None,
    };
    Ok(RequestToken {
        id: row.text(0)?,
        secret: opened(keys, &row.text(1)?)?,
        consumer_id: row.text(2)?,
        project_id: row.text(3)?,
        authorized,
        expires_at: row.at(7)?,
    })
}

fn access_token(row: &Row, keys: &[Key]) -> Result<AccessToken, Fault> {
    Ok(AccessToken {
        id: row.text(0)?,
        secret: opened(keys, &row.text(1)?)?,
        consumer_id: row.text(2)?,
        project_id: row.text(3)?,
        user_id: row.text(4)?,
        roles: row.json(5)?,
        expires_at: row.at(6)?,
    })
}

/// Every program.
pub fn consumers(tx: &Tx) -> Result<Vec<Consumer>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let rows = tx.query(&format!("{CONSUMERS} ORDER BY id"), params![])?;
    rows.iter().map(|row| consumer(row, &keys)).collect()
}

/// The program of that id.
pub fn consumer_by_id(tx: &Tx, id: &str) -> Result<Option<Consumer>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let row = tx.query_one(&format!("{CONSUMERS} WHERE id = ?1"), params![id])?;
    row.map(|row| consumer(&row, &keys)).transpose()
}

/// Adds a program.
pub fn consumer_insert(tx: &Tx, one: &Consumer) -> Result<(), Fault> {
    let sql = "INSERT INTO identity_consumers (id, secret, description, extra) VALUES (?1, ?2, ?3, ?4)";
    let secret = sealed(tx, &one.secret)?;
    tx.execute(sql, params![&one.id, secret, &one.description, text(&one.extra)]).map(drop)
}

/// Changes what is told of a program.
pub fn consumer_update(tx: &Tx, one: &Consumer) -> Result<(), Fault> {
    let sql = "UPDATE identity_consumers SET description = ?2, extra = ?3 WHERE id = ?1";
    tx.execute(sql, params![&one.id, &one.description, text(&one.extra)]).map(drop)
}

/// Removes a program, what it asked for and what it was given.
pub fn consumer_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_request_tokens WHERE consumer_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_access_tokens WHERE consumer_id = ?1", params![id])?;
    tx.execute("DELETE FROM identity_consumers WHERE id = ?1", params![id]).map(drop)
}

/// The request token of that id.
pub fn request_token_by_id(tx: &Tx, id: &str) -> Result<Option<RequestToken>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let row = tx.query_one(&format!("{REQUESTS} WHERE id = ?1"), params![id])?;
    row.map(|row| request_token(&row, &keys)).transpose()
}

/// Adds a request token that nobody has authorised yet. Those that ended a good while ago are forgotten on the way.
pub fn request_token_insert(tx: &Tx, one: &RequestToken) -> Result<(), Fault> {
    let old = tx.now().minus(REQUEST_LIFE);
    tx.execute("DELETE FROM identity_request_tokens WHERE expires_at < ?1", params![old])?;
    let sql = "INSERT INTO identity_request_tokens (id, secret, consumer_id, project_id, roles, expires_at) \
               VALUES (?1, ?2, ?3, ?4, '[]', ?5)";
    let secret = sealed(tx, &one.secret)?;
    tx.execute(sql, params![&one.id, secret, &one.consumer_id, &one.project_id, one.expires_at]).map(drop)
}

/// A user authorised a request token.
pub fn request_token_authorize(tx: &Tx, id: &str, by: &Authorized) -> Result<(), Fault> {
    let sql = "UPDATE identity_request_tokens SET user_id = ?2, roles = ?3, verifier = ?4 WHERE id = ?1";
    tx.execute(sql, params![id, &by.user_id, json!(by.roles), &by.verifier]).map(drop)
}

/// The access token of that id.
pub fn access_token_by_id(tx: &Tx, id: &str) -> Result<Option<AccessToken>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let row = tx.query_one(&format!("{ACCESSES} WHERE id = ?1"), params![id])?;
    row.map(|row| access_token(&row, &keys)).transpose()
}

/// The access tokens by which programs act in a user's place.
pub fn access_tokens_of_user(tx: &Tx, user_id: &str) -> Result<Vec<AccessToken>, Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    let rows = tx.query(&format!("{ACCESSES} WHERE user_id = ?1 ORDER BY id"), params![user_id])?;
    rows.iter().map(|row| access_token(row, &keys)).collect()
}

/// Adds the access token that was made of a request token, which is used up by that.
pub fn access_token_insert(tx: &Tx, one: &AccessToken, request_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_request_tokens WHERE id = ?1", params![request_id])?;
    let sql = "INSERT INTO identity_access_tokens (id, secret, consumer_id, project_id, user_id, roles, expires_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let secret = sealed(tx, &one.secret)?;
    tx.execute(
        sql,
        params![
            &one.id,
            secret,
            &one.consumer_id,
            &one.project_id,
            &one.user_id,
            json!(one.roles),
            one.expires_at
        ],
    )
    .map(drop)
}

/// Removes an access token.
pub fn access_token_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM identity_access_tokens WHERE id = ?1", params![id]).map(drop)
}

/// Removes what programs were given, or promised, by a user.
pub fn tokens_of_user_delete(tx: &Tx, user_id: &str) -> Result<(), Fault> {
    delete_where(tx, "user_id", user_id)
}

/// Removes what programs were given, or asked for, on a project.
pub fn tokens_of_project_delete(tx: &Tx, project_id: &str) -> Result<(), Fault> {
    delete_where(tx, "project_id", project_id)
}

fn delete_where(tx: &Tx, column: &str, value: &str) -> Result<(), Fault> {
    for table in ["identity_request_tokens", "identity_access_tokens"] {
        tx.execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), params![value])?;
    }
    Ok(())
}

/// Seals every secret anew, with the primary key.
pub fn oauth1_secrets_seal(tx: &Tx) -> Result<(), Fault> {
    let keys = keys(tx, Ring::Credentials)?;
    for table in TABLES {
        for row in tx.query(&format!("SELECT id, secret FROM {table}"), params![])? {
            let secret = sealed(tx, &opened(&keys, &row.text(1)?)?)?;
            tx.execute(
                &format!("UPDATE {table} SET secret = ?2 WHERE id = ?1"),
                params![row.text(0)?, secret],
            )?;
        }
    }
    Ok(())
}
