//! What was done to servers, by whom, and what came of it. One event an action is all that there is to tell here.

use crate::store::counter;
use fault::Fault;
use kernel::Micros;
use store::{Row, Tx, params};

/// An action with its event.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as in the API")]
pub struct Action {
    pub number: i64,
    pub server_id: String,
    pub action: String,
    pub request_id: String,
    pub user_id: String,
    pub project_id: String,
    pub started_at: Micros,
    pub updated_at: Micros,
    pub message: Option<String>,
    pub event: String,
    pub finished_at: Option<Micros>,
    pub result: Option<String>,
    pub host: Option<String>,
    pub details: Option<String>,
}

const COLUMNS: &str = "number, server_id, action, request_id, user_id, project_id, started_at, updated_at, message, event, \
                       finished_at, result, host, details";

fn read(row: &Row) -> Result<Action, Fault> {
    Ok(Action {
        number: row.int(0)?,
        server_id: row.text(1)?,
        action: row.text(2)?,
        request_id: row.text(3)?,
        user_id: row.text(4)?,
        project_id: row.text(5)?,
        started_at: row.at(6)?,
        updated_at: row.at(7)?,
        message: row.opt_text(8)?,
        event: row.text(9)?,
        finished_at: row.opt_at(10)?,
        result: row.opt_text(11)?,
        host: row.opt_text(12)?,
        details: row.opt_text(13)?,
    })
}

/// Who does something to a server.
#[derive(Clone, Copy, Debug)]
pub struct Doer<'a> {
    /// The request.
    pub request_id: &'a str,
    /// The user.
    pub user_id: &'a str,
    /// The user's project.
    pub project_id: &'a str,
}

/// Something begins; answers its number.
pub fn action_begin(
    tx: &Tx,
    server_id: &str,
    action: &str,
    event: &str,
    host: Option<&str>,
    doer: Doer<'_>,
) -> Result<i64, Fault> {
    let number = counter::next(tx, "action")?;
    tx.execute(
        "INSERT INTO compute_actions (number, server_id, action, request_id, user_id, project_id, started_at, updated_at, event, host)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9)",
        params![number, server_id, action, doer.request_id, doer.user_id, doer.project_id, tx.now(), event, host],
    )?;
    Ok(number)
}

/// It ended: well, or with what went wrong.
pub fn action_end(
    tx: &Tx,
    number: i64,
    host: Option<&str>,
    wrong: Option<(&str, &str)>,
) -> Result<(), Fault> {
    let result = if wrong.is_some() { "Error" } else { "Success" };
    tx.execute(
        "UPDATE compute_actions SET updated_at = ?2, finished_at = ?2, result = ?3, host = COALESCE(?4, host),
             message = ?5, details = ?6 WHERE number = ?1 AND finished_at IS NULL",
        params![number, tx.now(), result, host, wrong.map(|(message, _)| message), wrong.map(|(_, details)| details)],
    )
    .map(drop)
}

/// A word about an action that ended, which is no error.
pub fn action_note(tx: &Tx, number: i64, message: &str) -> Result<(), Fault> {
    tx.execute(
        "UPDATE compute_actions SET message = ?2, details = ?2 WHERE number = ?1",
        params![number, message],
    )
    .map(drop)
}

/// The actions on a server, the newest first.
pub fn action_list(tx: &Tx, server_id: &str) -> Result<Vec<Action>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM compute_actions WHERE server_id = ?1 ORDER BY number DESC");
    tx.query(&sql, params![server_id])?.iter().map(read).collect()
}
