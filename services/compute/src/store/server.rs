//! Servers. Whatever writes one writes its status with it, computed from what is written.

use crate::model::server::{Phase, Server, ServerFault, Task};
use fault::{Fault, Means};
use metal::server::Power;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;
use store::list::{Column, Direction, List, ListError, Noun};
use store::{Row, Tx, Value, params, values};

/// What is written, in the order of [`written`].
const COLUMNS: &str = "id, number, project_id, user_id, name, description, hostname, reservation_id, launch_index, image_id, \
    flavor_id, vcpus, memory_mib, key_name, config_drive, access_v4, access_v6, auto_disk, pinned_zone, zone, host_id, host, \
    locked_by, locked_reason, progress, phase, power, task, task_revision, reboots, reboot_hard, failed, deleting, \
    generation, incarnation, revision, digest, sent_revision, deadline, seen_epoch, seen_sequence, seen_incarnation, \
    seen_revision, seen, seen_problem, fault_code, fault_message, fault_details, fault_at, created_at, updated_at, \
    launched_at, terminated_at, deleted_at, detail, status, vm_state, task_state, power_state";

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let places: Vec<String> = (1..=COLUMNS.split(", ").count()).map(|number| format!("?{number}")).collect();
    format!("INSERT INTO compute_servers ({COLUMNS}) VALUES ({})", places.join(", "))
});

static UPDATE: LazyLock<String> = LazyLock::new(|| {
    let columns = COLUMNS.split(", ").zip(1..).skip(1);
    let sets: Vec<String> = columns.map(|(name, number)| format!("{} = ?{number}", name.trim())).collect();
    format!("UPDATE compute_servers SET {} WHERE id = ?1", sets.join(", "))
});

/// What servers can be listed by.
pub static SERVERS: Noun = Noun {
    from: "compute_servers",
    id: "id",
    order: &[("created_at", Direction::Desc)],
    columns: &[
        Column::text("uuid", "id"),
        Column::text("project_id", "project_id"),
        Column::text("user_id", "user_id"),
        Column::text("display_name", "name"),
        Column::text("display_description", "description").nullable(),
        Column::text("hostname", "hostname"),
        Column::text("reservation_id", "reservation_id"),
        Column::int("launch_index", "launch_index"),
        Column::text("image_ref", "image_id"),
        Column::text("flavor_id", "flavor_id"),
        Column::text("instance_type_id", "flavor_id"),
        Column::text("key_name", "key_name").nullable(),
        Column::flag("config_drive", "config_drive"),
        Column::text("access_ip_v4", "access_v4").nullable(),
        Column::text("access_ip_v6", "access_v6").nullable(),
        Column::flag("auto_disk_config", "auto_disk"),
        Column::text("availability_zone", "zone"),
        Column::text("host", "host").nullable(),
        Column::text("node", "host").nullable(),
        Column::text("locked_by", "locked_by").nullable(),
        Column::text("locked", "locked_by").nullable(),
        Column::int("progress", "progress"),
        Column::text("status", "status"),
        Column::text("vm_state", "vm_state"),
        Column::text("task_state", "task_state").nullable(),
        Column::int("power_state", "power_state"),
        Column::time("created_at", "created_at"),
        Column::time("updated_at", "updated_at"),
        Column::time("launched_at", "launched_at").nullable(),
        Column::time("terminated_at", "terminated_at").nullable(),
        Column::text("kernel_id", "image_id"),
        Column::text("ramdisk_id", "image_id"),
        Column::text("root_device_name", "image_id"),
        Column::int("number", "number"),
    ],
};

/// The word of a power state in the store.
pub const fn power_word(power: Power) -> &'static str {
    match power {
        Power::On => "on",
        Power::Off => "off",
        Power::Paused => "paused",
        Power::Suspended => "suspended",
    }
}

fn power_of(word: &str) -> Power {
    match word {
        "on" => Power::On,
        "paused" => Power::Paused,
        "suspended" => Power::Suspended,
        _ => Power::Off,
    }
}

fn read(row: &Row) -> Result<Server, Fault> {
    let fault = match row.opt_int(45)? {
        None => None,
        Some(code) => {
            Some(ServerFault { code, message: row.text(46)?, details: row.text(47)?, at: row.at(48)? })
        }
    };
    Ok(Server {
        id: row.text(0)?,
        number: row.int(1)?,
        project_id: row.text(2)?,
        user_id: row.text(3)?,
        name: row.text(4)?,
        description: row.opt_text(5)?,
        hostname: row.text(6)?,
        reservation_id: row.text(7)?,
        launch_index: row.get(8)?,
        image_id: row.text(9)?,
        key_name: row.opt_text(13)?,
        config_drive: row.flag(14)?,
        access_v4: row.opt_text(15)?,
        access_v6: row.opt_text(16)?,
        auto_disk: row.flag(17)?,
        pinned_zone: row.opt_text(18)?,
        zone: row.text(19)?,
        host_id: row.opt_text(20)?,
        host: row.opt_text(21)?,
        locked_by: row.opt_text(22)?,
        locked_reason: row.opt_text(23)?,
        progress: row.int(24)?,
        phase: Phase::of(&row.text(25)?),
        power: power_of(&row.text(26)?),
        task: row.opt_text(27)?.as_deref().and_then(Task::of),
        task_revision: row.int(28)?,
        reboots: row.int(29)?,
        reboot_hard: row.flag(30)?,
        failed: row.flag(31)?,
        deleting: row.flag(32)?,
        generation: row.int(33)?,
        incarnation: row.int(34)?,
        revision: row.int(35)?,
        digest: row.text(36)?,
        sent_revision: row.int(37)?,
        deadline: row.opt_at(38)?,
        seen_epoch: row.int(39)?,
        seen_sequence: row.int(40)?,
        seen_incarnation: row.int(41)?,
        seen_revision: row.int(42)?,
        seen: row.opt_json(43)?,
        seen_problem: row.opt_text(44)?,
        fault,
        created_at: row.at(49)?,
        updated_at: row.at(50)?,
        launched_at: row.opt_at(51)?,
        terminated_at: row.opt_at(52)?,
        deleted_at: row.opt_at(53)?,
        detail: row.json(54)?,
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).or_bug()
}

/// The values of a row, with what the API shows of its state computed here and nowhere else.
fn written(server: &Server) -> Result<Vec<Value>, Fault> {
    let standing = server.standing();
    let seen = server.seen.as_ref().map(json).transpose()?;
    let fault = server.fault.as_ref();
    Ok(values![
        &server.id,
        server.number,
        &server.project_id,
        &server.user_id,
        &server.name,
        &server.description,
        &server.hostname,
        &server.reservation_id,
        server.launch_index,
        &server.image_id,
        &server.detail.flavor.id,
        server.detail.flavor.vcpus,
        server.detail.flavor.memory_mib,
        &server.key_name,
        server.config_drive,
        &server.access_v4,
        &server.access_v6,
        server.auto_disk,
        &server.pinned_zone,
        &server.zone,
        &server.host_id,
        &server.host,
        &server.locked_by,
        &server.locked_reason,
        server.progress,
        server.phase.word(),
        power_word(server.power),
        server.task.map(Task::word),
        server.task_revision,
        server.reboots,
        server.reboot_hard,
        server.failed,
        server.deleting,
        server.generation,
        server.incarnation,
        server.revision,
        &server.digest,
        server.sent_revision,
        server.deadline,
        server.seen_epoch,
        server.seen_sequence,
        server.seen_incarnation,
        server.seen_revision,
        seen,
        &server.seen_problem,
        fault.map(|fault| fault.code),
        fault.map(|fault| fault.message.clone()),
        fault.map(|fault| fault.details.clone()),
        fault.map(|fault| fault.at),
        server.created_at,
        server.updated_at,
        server.launched_at,
        server.terminated_at,
        server.deleted_at,
        json(&server.detail)?,
        standing.status,
        standing.vm_state.word(),
        standing.task_state,
        standing.power_state
    ]
    .into())
}

/// Adds a server.
pub fn server_insert(tx: &Tx, server: &Server) -> Result<(), Fault> {
    tx.execute(&INSERT, &written(server)?)?;
    tx.changed("server_status", &server.id);
    Ok(())
}

/// Writes a server back.
pub fn server_save(tx: &Tx, server: &Server) -> Result<(), Fault> {
    tx.execute(&UPDATE, &written(server)?)?;
    tx.changed("server_status", &server.id);
    Ok(())
}

/// The server of this id, deleted ones only with `deleted`.
pub fn server_by_id(tx: &Tx, id: &str, deleted: bool) -> Result<Option<Server>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM compute_servers WHERE id = ?1");
    let found = tx.query_one(&sql, params![id])?.map(|row| read(&row)).transpose()?;
    Ok(found.filter(|server| deleted || server.deleted_at.is_none()))
}

/// The servers of a list.
pub fn server_list(tx: &Tx, list: &List) -> Result<Vec<Server>, ListError> {
    let rows = list.rows(tx, &format!("SELECT {COLUMNS} FROM compute_servers"))?;
    rows.iter().map(read).collect::<Result<_, Fault>>().map_err(ListError::Store)
}

/// The ids of all servers that are not deleted on a host.
pub fn servers_on(tx: &Tx, host_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT id FROM compute_servers WHERE host_id = ?1 AND deleted_at IS NULL ORDER BY id";
    tx.query(sql, params![host_id])?.iter().map(|row| row.text(0)).collect()
}

/// The ids of all servers with a root disk of this image, or with one to come.
pub fn servers_standing_on(tx: &Tx, image_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT id FROM compute_servers WHERE image_id = ?1 AND deleted_at IS NULL
        AND (host_id IS NOT NULL OR phase = 'scheduling') ORDER BY id";
    tx.query(sql, params![image_id])?.iter().map(|row| row.text(0)).collect()
}

/// Names and ids of all servers that are not deleted, by the ids of their hosts, for operators.
pub fn server_names(tx: &Tx) -> Result<BTreeMap<String, Vec<(String, String)>>, Fault> {
    let sql = "SELECT host_id, number, id FROM compute_servers
               WHERE host_id IS NOT NULL AND deleted_at IS NULL ORDER BY number";
    let mut by_host: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for row in tx.query(sql, params![])? {
        by_host.entry(row.text(0)?).or_default().push((instance_name(row.int(1)?), row.text(2)?));
    }
    Ok(by_host)
}

/// How many servers run, by the ids of their hosts.
pub fn servers_running(tx: &Tx) -> Result<BTreeMap<String, i64>, Fault> {
    let sql = "SELECT host_id, count(*) FROM compute_servers
               WHERE host_id IS NOT NULL AND deleted_at IS NULL GROUP BY host_id";
    tx.query(sql, params![])?.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
}

/// The name under which a hypervisor knows a server.
pub fn instance_name(number: i64) -> String {
    format!("instance-{number:08x}")
}

/// How many servers of a host run.
pub fn servers_running_on(tx: &Tx, host_id: &str) -> Result<i64, Fault> {
    let sql = "SELECT count(*) FROM compute_servers WHERE host_id = ?1 AND deleted_at IS NULL";
    tx.query_one(sql, params![host_id])?.map_or(Ok(0), |row| row.int(0))
}

/// The host of a server by its id, if it has one.
pub fn server_host(tx: &Tx, id: &str) -> Result<Option<String>, Fault> {
    let sql = "SELECT host_id FROM compute_servers WHERE id = ?1 AND deleted_at IS NULL";
    Ok(tx.query_one(sql, params![id])?.map(|row| row.opt_text(0)).transpose()?.flatten())
}

/// What a project's servers take: servers, processors, memory. `user_id` narrows it to one user.
pub fn servers_usage(tx: &Tx, project_id: &str, user_id: Option<&str>) -> Result<(i64, i64, i64), Fault> {
    let sql = "SELECT count(*), COALESCE(CAST(sum(vcpus) AS BIGINT), 0), COALESCE(CAST(sum(memory_mib) AS BIGINT), 0)
               FROM compute_servers WHERE project_id = ?1 AND deleted_at IS NULL AND (?2 = '' OR user_id = ?2)";
    let row = tx.query_one(sql, params![project_id, user_id.unwrap_or_default()])?;
    row.map_or(Ok((0, 0, 0)), |row| Ok((row.int(0)?, row.int(1)?, row.int(2)?)))
}

/// Servers that were there at some time between `start` and `stop`, for usage.
pub fn servers_between(
    tx: &Tx,
    project_id: Option<&str>,
    start: i64,
    stop: i64,
) -> Result<Vec<Server>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM compute_servers WHERE launched_at IS NOT NULL AND launched_at < ?1
           AND (terminated_at IS NULL OR terminated_at > ?2) AND (?3 = '' OR project_id = ?3) ORDER BY project_id, id"
    );
    tx.query(&sql, params![stop, start, project_id.unwrap_or_default()])?.iter().map(read).collect()
}

/// The tags of a server.
pub fn tags(tx: &Tx, server_id: &str) -> Result<Vec<String>, Fault> {
    let sql = "SELECT tag FROM compute_server_tags WHERE server_id = ?1 ORDER BY tag";
    tx.query(sql, params![server_id])?.iter().map(|row| row.text(0)).collect()
}

/// The tags of many servers, by server.
pub fn tags_of_all(tx: &Tx, ids: &[String]) -> Result<HashMap<String, Vec<String>>, Fault> {
    let sql =
        "SELECT server_id, tag FROM compute_server_tags WHERE server_id IN ({ids}) ORDER BY server_id, tag";
    tx.lists_among(sql, ids, |row| row.text(1))
}

/// Adds a tag; false if it was there.
pub fn tag_add(tx: &Tx, server_id: &str, tag: &str) -> Result<bool, Fault> {
    let sql = "INSERT INTO compute_server_tags (server_id, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    Ok(tx.execute(sql, params![server_id, tag])? > 0)
}

/// Removes a tag; false if it was not there.
pub fn tag_remove(tx: &Tx, server_id: &str, tag: &str) -> Result<bool, Fault> {
    let sql = "DELETE FROM compute_server_tags WHERE server_id = ?1 AND tag = ?2";
    Ok(tx.execute(sql, params![server_id, tag])? > 0)
}

/// Removes all tags.
pub fn tags_clear(tx: &Tx, server_id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM compute_server_tags WHERE server_id = ?1", params![server_id]).map(drop)
}
