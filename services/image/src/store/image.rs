//! Rows of images and their tags.

use crate::model::image::{Image, Status};
use ::store::list::{Column, Direction::Desc, Noun};
use ::store::{Row, Tx, params};
use fault::Fault;

/// What rows of lists are made of.
pub const SELECT: &str = "SELECT id, name, status, visibility, owner, disk_format, container_format, bytes, \
                      virtual_bytes, checksum, sha512, min_disk, min_ram, protected, hidden, created_at, updated_at \
                      FROM images";

/// What lists can be filtered and sorted by.
pub static IMAGES: Noun = Noun {
    from: "images",
    id: "id",
    order: &[("created_at", Desc)],
    columns: &[
        Column::text("id", "id"),
        Column::text("name", "name").nullable(),
        Column::text("status", "status"),
        Column::text("visibility", "visibility"),
        Column::text("owner", "owner"),
        Column::text("disk_format", "disk_format").nullable(),
        Column::text("container_format", "container_format").nullable(),
        Column::text("checksum", "checksum").nullable(),
        Column::text("os_hash_value", "sha512").nullable(),
        Column::int("size", "bytes").nullable(),
        Column::int("min_disk", "min_disk"),
        Column::int("min_ram", "min_ram"),
        Column::time("created_at", "created_at"),
        Column::time("updated_at", "updated_at"),
    ],
};

fn count(row: &Row, column: usize) -> Result<Option<u64>, Fault> {
    Ok(row.opt_int(column)?.and_then(|number| u64::try_from(number).ok()))
}

/// An image from its row.
pub fn image(tx: &Tx, row: &Row) -> Result<Image, Fault> {
    let id = row.text(0)?;
    let tags = tx.query("SELECT tag FROM image_tags WHERE image_id = ?1 ORDER BY tag", params![&id])?;
    let properties =
        tx.query("SELECT name, value FROM image_properties WHERE image_id = ?1", params![&id])?;
    let word = row.text(2)?;
    Ok(Image {
        name: row.opt_text(1)?,
        status: Status::of(&word)
            .ok_or_else(|| Fault::bug(format!("the image {id} has the status {word}")))?,
        visibility: row.text(3)?,
        owner: row.text(4)?,
        disk_format: row.opt_text(5)?,
        container_format: row.opt_text(6)?,
        bytes: count(row, 7)?,
        virtual_bytes: count(row, 8)?,
        checksum: row.opt_text(9)?,
        sha512: row.opt_text(10)?,
        min_disk: count(row, 11)?.unwrap_or(0),
        min_ram: count(row, 12)?.unwrap_or(0),
        protected: row.flag(13)?,
        hidden: row.flag(14)?,
        tags: tags.iter().map(|tag| tag.text(0)).collect::<Result<_, _>>()?,
        properties: properties
            .iter()
            .map(|one| Ok((one.text(0)?, one.text(1)?)))
            .collect::<Result<_, Fault>>()?,
        created_at: row.at(15)?,
        updated_at: row.at(16)?,
        id,
    })
}

/// The image of that id.
pub fn image_by_id(tx: &Tx, id: &str) -> Result<Option<Image>, Fault> {
    tx.query_one(&format!("{SELECT} WHERE id = ?1"), params![id])?
        .as_ref()
        .map(|row| image(tx, row))
        .transpose()
}

/// Adds an image; false if its id is taken.
pub fn image_insert(tx: &Tx, image: &Image) -> Result<bool, Fault> {
    let sql = "INSERT INTO images (id, name, status, visibility, owner, disk_format, container_format, min_disk, \
               min_ram, protected, hidden, created_at, updated_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT (id) DO NOTHING";
    let inserted = tx.execute(
        sql,
        params![
            &image.id,
            image.name.as_deref(),
            image.status.word(),
            &image.visibility,
            &image.owner,
            image.disk_format.as_deref(),
            image.container_format.as_deref(),
            number(image.min_disk),
            number(image.min_ram),
            image.protected,
            image.hidden,
            image.created_at,
            image.updated_at
        ],
    )?;
    if inserted > 0 {
        parts_write(tx, image)?;
    }
    Ok(inserted > 0)
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Writes what users change of an image, tags included.
pub fn image_update(tx: &Tx, image: &Image) -> Result<(), Fault> {
    let sql = "UPDATE images SET name = ?2, status = ?3, visibility = ?4, owner = ?5, disk_format = ?6, \
               container_format = ?7, min_disk = ?8, min_ram = ?9, protected = ?10, hidden = ?11, \
               updated_at = ?12 WHERE id = ?1";
    tx.execute(
        sql,
        params![
            &image.id,
            image.name.as_deref(),
            image.status.word(),
            &image.visibility,
            &image.owner,
            image.disk_format.as_deref(),
            image.container_format.as_deref(),
            number(image.min_disk),
            number(image.min_ram),
            image.protected,
            image.hidden,
            tx.now()
        ],
    )?;
    parts_write(tx, image)
}

/// Tags and properties.
fn parts_write(tx: &Tx, image: &Image) -> Result<(), Fault> {
    tx.execute("DELETE FROM image_tags WHERE image_id = ?1", params![&image.id])?;
    for tag in &image.tags {
        tx.execute("INSERT INTO image_tags (image_id, tag) VALUES (?1, ?2)", params![&image.id, tag])?;
    }
    tx.execute("DELETE FROM image_properties WHERE image_id = ?1", params![&image.id])?;
    for (name, value) in &image.properties {
        let sql = "INSERT INTO image_properties (image_id, name, value) VALUES (?1, ?2, ?3)";
        tx.execute(sql, params![&image.id, name, value])?;
    }
    Ok(())
}

/// An upload begins; false if the image has data or another upload already.
pub fn upload_begin(tx: &Tx, id: &str, upload: &str) -> Result<bool, Fault> {
    let sql = "UPDATE images SET status = 'saving', upload = ?2, updated_at = ?3 WHERE id = ?1 AND status = 'queued'";
    Ok(tx.execute(sql, params![id, upload, tx.now()])? > 0)
}

/// What an upload brought.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// Bytes of data.
    pub bytes: u64,
    /// Bytes of the disk that it describes.
    pub virtual_bytes: u64,
    /// MD5 in hex.
    pub checksum: String,
    /// SHA-512 in hex.
    pub sha512: String,
}

/// An upload has ended well; false if the image is gone or not this upload's any more.
pub fn upload_end(tx: &Tx, id: &str, upload: &str, got: &Uploaded) -> Result<bool, Fault> {
    let sql = "UPDATE images SET status = 'active', upload = NULL, bytes = ?3, virtual_bytes = ?4, checksum = ?5, \
               sha512 = ?6, updated_at = ?7 WHERE id = ?1 AND upload = ?2";
    let values = params![
        id,
        upload,
        number(got.bytes),
        number(got.virtual_bytes),
        &got.checksum,
        &got.sha512,
        tx.now()
    ];
    Ok(tx.execute(sql, values)? > 0)
}

/// An upload failed: the image waits for data again.
pub fn upload_fail(tx: &Tx, id: &str, upload: &str) -> Result<(), Fault> {
    let sql =
        "UPDATE images SET status = 'queued', upload = NULL, updated_at = ?3 WHERE id = ?1 AND upload = ?2";
    tx.execute(sql, params![id, upload, tx.now()])?;
    Ok(())
}

/// Every upload of an earlier start has failed: on a store of several controllers those whose files are `ours`.
pub fn uploads_forget(tx: &Tx, ours: &[String]) -> Result<(), Fault> {
    let failed = "UPDATE images SET status = 'queued', upload = NULL WHERE status = 'saving'";
    if !tx.is_postgres() {
        return tx.execute(failed, params![]).map(drop);
    }
    ours.iter()
        .try_for_each(|upload| tx.execute(&format!("{failed} AND upload = ?1"), params![upload]).map(drop))
}

/// Removes an image, its tags and members.
pub fn image_delete(tx: &Tx, id: &str) -> Result<(), Fault> {
    tx.execute("DELETE FROM image_tags WHERE image_id = ?1", params![id])?;
    tx.execute("DELETE FROM image_properties WHERE image_id = ?1", params![id])?;
    tx.execute("DELETE FROM image_members WHERE image_id = ?1", params![id])?;
    tx.execute("DELETE FROM images WHERE id = ?1", params![id])?;
    Ok(())
}
