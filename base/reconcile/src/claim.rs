//! Claims: a row taken under a lease, and given back with an outcome, fenced by its epoch.

use crate::reconciler::Outcome;
use crate::work::{FORMAT, NEVER, backoff, forget, touched};
use fault::Fault;
use kernel::Micros;
use std::time::Duration;
use store::{Db, Tx, Value, params};

/// How long a touch is remembered: longer than any round takes from its snapshot to its record.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

/// A wait that is over when it begins would spin; it waits this long.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// A row that this engine may work on until its lease ends.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub kind: String,
    pub id: String,
    pub epoch: i64,
    pub generation: i64,
}

/// Where the snapshot of a round stands among the touches: what came after it was not seen.
#[derive(Clone, Debug)]
pub(crate) struct Mark(String);

/// Rows of these kinds, in the order in which they are due. `IS TRUE` keeps SQLite from looking them up by kind: it would
/// read and sort all that waits to find the few that are first.
fn in_turn(places: &str, limit: &str) -> String {
    format!("(kind IN ({places})) IS TRUE ORDER BY due_at, kind, id LIMIT {limit}")
}

fn among(kinds: &[&'static str], first: usize) -> (String, Vec<Value>) {
    let places: Vec<String> = (0..kinds.len()).map(|at| format!("?{}", at + first)).collect();
    (places.join(", "), kinds.iter().map(|kind| Value::from(*kind)).collect())
}

/// What is to be claimed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// For how long.
    pub lease: Duration,
    /// Rows that are due for so long.
    pub overdue: Duration,
    /// How many at most.
    pub most: usize,
}

/// Claims due rows, the longest due first.
pub(crate) async fn claim(
    db: &Db,
    kinds: &[&'static str],
    owner: &str,
    wish: Wish,
) -> Result<Vec<Claim>, Fault> {
    let Wish { lease, overdue, most } = wish;
    let (places, values) = among(kinds, 4);
    let sql = format!(
        "SELECT kind, id FROM work WHERE due_at <= ?1 AND format <= ?2 AND {}",
        in_turn(&places, "?3")
    );
    let due = move |tx: &Tx| {
        let mut params = vec![Value::from(tx.now().minus(overdue)), Value::from(FORMAT), Value::from(most)];
        params.extend(values.iter().cloned());
        tx.query(&sql, &params)?
            .iter()
            .map(|row| Ok((row.text(0)?, row.text(1)?)))
            .collect::<Result<Vec<_>, Fault>>()
    };
    let due = db.read(due).await?;
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let owner = owner.to_owned();
    // By key, so that of two controllers the second finds the row gone instead of a conflict over a range.
    db.write(move |tx| {
        due.iter().filter_map(|(kind, id)| take(tx, kind, id, &owner, lease).transpose()).collect()
    })
    .await
}

fn take(tx: &Tx, kind: &str, id: &str, owner: &str, lease: Duration) -> Result<Option<Claim>, Fault> {
    let taken = tx.query_one(
        "UPDATE work SET owner = ?3, epoch = epoch + 1, lease_until = ?4, due_at = ?4
         WHERE kind = ?1 AND id = ?2 AND due_at <= ?5 RETURNING epoch, generation",
        params![kind, id, owner, tx.now().plus(lease), tx.now()],
    )?;
    let claim = |row: store::Row| {
        Ok(Claim { kind: kind.to_owned(), id: id.to_owned(), epoch: row.int(0)?, generation: row.int(1)? })
    };
    taken.map(claim).transpose()
}

/// Prolongs the lease; false when the claim is lost.
pub(crate) async fn renew(db: &Db, claim: &Claim, lease: Duration) -> Result<bool, Fault> {
    let claim = claim.clone();
    db.write(move |tx| {
        let sql = "UPDATE work SET lease_until = ?4, due_at = ?4 WHERE kind = ?1 AND id = ?2 AND epoch = ?3";
        Ok(tx.execute(sql, params![&claim.kind, &claim.id, claim.epoch, tx.now().plus(lease)])? == 1)
    })
    .await
}

/// The row's generation, while the claim holds.
pub(crate) fn fence(tx: &Tx, claim: &Claim) -> Result<Option<i64>, Fault> {
    let sql = "SELECT generation FROM work WHERE kind = ?1 AND id = ?2 AND epoch = ?3";
    tx.query_one(sql, params![&claim.kind, &claim.id, claim.epoch])?.map(|row| row.int(0)).transpose()
}

/// Where this snapshot stands.
pub(crate) fn mark(tx: &Tx) -> Result<Mark, Fault> {
    let sql = if tx.is_postgres() {
        "SELECT CAST(pg_current_snapshot() AS TEXT)"
    } else {
        "SELECT CAST(ticks AS TEXT) FROM work_clock"
    };
    let row = tx.query_one(sql, &[])?.ok_or_else(|| Fault::bug("the clock of the work rows is gone"))?;
    row.text(0).map(Mark)
}

/// Whether (`kind`, `id`) was touched by a transaction that the marked snapshot did not see.
fn missed(tx: &Tx, kind: &str, id: &str, mark: &Mark) -> Result<bool, Fault> {
    let unseen = if tx.is_postgres() {
        "NOT pg_visible_in_snapshot(CAST(CAST(stamp AS TEXT) AS xid8), CAST(?3 AS pg_snapshot))"
    } else {
        "stamp > CAST(?3 AS BIGINT)"
    };
    let sql = format!("SELECT 1 FROM work_touches WHERE kind = ?1 AND id = ?2 AND {unseen}");
    Ok(tx.query_one(&sql, params![kind, id, mark.0.as_str()])?.is_some())
}

/// What of an outcome goes into the row.
struct Ending<'a> {
    state: &'static str,
    reason: &'a str,
    due_at: Micros,
    attempts: u32,
}

/// Gives the claim back with its outcome; `generation` is that of [`fence`] in this transaction. Returns the failures
/// in a row.
pub(crate) fn settle(
    tx: &Tx,
    claim: &Claim,
    generation: i64,
    outcome: &Outcome,
    mark: Option<&Mark>,
) -> Result<u32, Fault> {
    let (kind, id) = (claim.kind.as_str(), claim.id.as_str());
    // Somebody wanted, or woke, this row while it was worked on: one more round, whatever came of this one.
    let again = generation != claim.generation;
    let attempts = if let Outcome::Failed { .. } = outcome { failures(tx, claim)? + 1 } else { 0 };
    if matches!(outcome, Outcome::Gone) && !again {
        forget(tx, kind, id)?;
        touched(tx, kind, id)?;
        return Ok(0);
    }
    let waits = match outcome {
        Outcome::Wait { on, .. } | Outcome::Rest { on, .. } => on.as_slice(),
        Outcome::Done | Outcome::Progress | Outcome::Failed { .. } | Outcome::Gone => &[],
    };
    let late = await_touches(tx, claim, waits, mark)?;
    let mut ending = ending(tx, outcome, attempts);
    if again || late {
        ending.due_at = tx.now();
    }
    give_back(tx, claim, &ending, waits)?;
    if matches!(outcome, Outcome::Done) {
        touched(tx, kind, id)?;
    }
    Ok(attempts)
}

fn ending<'a>(tx: &Tx, outcome: &'a Outcome, attempts: u32) -> Ending<'a> {
    let now = tx.now();
    let (state, reason, due_at) = match outcome {
        Outcome::Done | Outcome::Gone => ("done", "", Micros(NEVER)),
        Outcome::Rest { until, .. } => ("done", "", (*until).max(now.plus(SHORTEST_WAIT))),
        Outcome::Wait { reason, until, .. } => {
            ("waiting", reason.as_str(), (*until).max(now.plus(SHORTEST_WAIT)))
        }
        Outcome::Progress => ("progress", "", now),
        Outcome::Failed { reason, retry_at } => {
            ("failed", reason.as_str(), (*retry_at).max(now.plus(backoff(attempts, tx.entropy()))))
        }
    };
    Ending { state, reason, due_at, attempts }
}

fn give_back(tx: &Tx, claim: &Claim, ending: &Ending<'_>, waits: &[(String, String)]) -> Result<(), Fault> {
    let waiting_on = serde_json::to_string(waits).map_err(Fault::bug)?;
    // PostgreSQL has no zero in texts, and a reason may quote anything.
    let reason = ending.reason.replace('\0', " ");
    tx.execute(
        "UPDATE work SET owner = '', lease_until = 0, due_at = ?4, attempts = ?5, waiting_on = ?8,
             since = CASE WHEN state = ?6 AND reason = ?7 THEN since ELSE ?9 END, state = ?6, reason = ?7
         WHERE kind = ?1 AND id = ?2 AND epoch = ?3",
        params![
            &claim.kind,
            &claim.id,
            claim.epoch,
            ending.due_at,
            ending.attempts,
            ending.state,
            reason,
            waiting_on,
            tx.now()
        ],
    )
    .map(drop)
}

fn failures(tx: &Tx, claim: &Claim) -> Result<u32, Fault> {
    let sql = "SELECT attempts FROM work WHERE kind = ?1 AND id = ?2";
    tx.query_one(sql, params![&claim.kind, &claim.id])?.map_or(Ok(0), |row| row.get(0))
}

/// Notes what the row waits for from now on. True when any of it was touched since the snapshot: a wait that would
/// have missed its end.
fn await_touches(
    tx: &Tx,
    claim: &Claim,
    on: &[(String, String)],
    mark: Option<&Mark>,
) -> Result<bool, Fault> {
    tx.execute("DELETE FROM work_waits WHERE kind = ?1 AND id = ?2", params![&claim.kind, &claim.id])?;
    let mut late = false;
    for (kind, id) in on {
        tx.execute(
            "INSERT INTO work_waits (on_kind, on_id, kind, id) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            params![kind, id, &claim.kind, &claim.id],
        )?;
        if let Some(mark) = mark {
            late |= missed(tx, kind, id, mark)?;
        }
    }
    Ok(late)
}

/// When the next row of these kinds is due.
pub(crate) async fn next_due(db: &Db, kinds: &[&'static str]) -> Result<Option<Micros>, Fault> {
    let (places, mut values) = among(kinds, 2);
    let sql = format!("SELECT due_at FROM work WHERE format <= ?1 AND {}", in_turn(&places, "1"));
    values.insert(0, Value::from(FORMAT));
    let first = db.read(move |tx| tx.query_one(&sql, &values)?.map(|row| row.at(0)).transpose()).await?;
    Ok(first.filter(|at| at.0 != NEVER))
}

/// After so many failures in a row another one is no news: a clock does not go there.
const NO_NEWS: i64 = 10;

/// When the next row of these kinds is tried again that has failed, unless it has too often.
pub(crate) async fn next_retry(db: &Db, kinds: &[&'static str]) -> Result<Option<Micros>, Fault> {
    let (places, mut values) = among(kinds, 3);
    let sql = format!(
        "SELECT MIN(due_at) FROM work
         WHERE format <= ?1 AND state = 'failed' AND lease_until = 0 AND attempts < ?2 AND kind IN ({places})"
    );
    values.splice(0..0, [Value::from(FORMAT), Value::from(NO_NEWS)]);
    let first = db.read(move |tx| tx.query_one(&sql, &values)?.map(|row| row.get(0)).transpose()).await?;
    Ok(first.flatten())
}

/// Whose leases are voided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those of this owner.
    Own,
    /// Those of everybody who cannot be there any more: on a store that one process has at a time all others, elsewhere
    /// the earlier starts of the same controller, which is what stands before the slash in an owner.
    Dead,
}

/// Voids leases on rows of these kinds.
pub(crate) async fn void(db: &Db, kinds: &[&'static str], owner: &str, whose: Whose) -> Result<(), Fault> {
    let (places, kinds) = among(kinds, 3);
    let (condition, who) = match (whose, owner.split_once('/')) {
        (Whose::Own, _) => ("owner = ?1", owner.to_owned()),
        (Whose::Dead, _) if !db.is_shared() => ("owner <> ?1", owner.to_owned()),
        // This start has claimed nothing yet.
        (Whose::Dead, Some((controller, _))) => ("owner LIKE ?1", format!("{controller}/%")),
        (Whose::Dead, None) => return Ok(()),
    };
    let sql = format!(
        "UPDATE work SET owner = '', lease_until = 0, due_at = ?2
         WHERE lease_until > 0 AND {condition} AND kind IN ({places})"
    );
    db.write(move |tx| {
        let mut params = vec![Value::from(who.as_str()), Value::from(tx.now())];
        params.extend(kinds.iter().cloned());
        tx.execute(&sql, &params).map(drop)
    })
    .await
}

/// Forgets touches that no round can have missed any more.
pub(crate) async fn tidy(db: &Db) -> Result<(), Fault> {
    db.write(|tx| {
        let before = Micros(tx.now().0 - i64::try_from(REMEMBERED.as_micros()).unwrap_or(0));
        tx.execute("DELETE FROM work_touches WHERE at < ?1", params![before]).map(drop)
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_first_is_found_without_reading_all_that_waits() {
        let db = store::testing::sqlite().db;
        crate::migrate(&db).unwrap();
        let (places, mut params) = among(&["server", "port"], 2);
        params.insert(0, Value::from(FORMAT));
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT due_at FROM work WHERE format <= ?1 AND {}",
            in_turn(&places, "1")
        );
        let plan = db.read_now(move |tx| {
            tx.query(&sql, &params)?.iter().map(|row| row.text(3)).collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(plan.unwrap(), ["SCAN work USING INDEX work_due"]);
    }
}
