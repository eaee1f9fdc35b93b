//! Images: what servers start from. Glance's API, v2.
//!
//! * [`routes`]: every operation on one screen · [`rules`]: who may call · [`envelope`]: how a fault is written
//! * [`api`]: decode, call one op, encode · [`ops`]: the rules of the cloud · `store`: SQL · [`model`]: plain data
//! * [`contract`]: what compute may ask
//!
//! Data is streamed to a file, inspected, and only then an image is active ([`ops::data`]): no other part of the cloud
//! ever opens a file that was not looked at.

pub mod api;
pub mod contract;
pub mod envelope;
pub mod migrations;
pub mod model;
pub mod ops;
pub mod routes;
pub mod rules;
mod store;

use crate::ops::data::DataDir;
use ::store::{Db, params};
use fault::{Fault, Means};
use policy::Policy;
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use web::Surface;

/// The image service.
pub struct ImageService {
    db: Db,
    data: DataDir,
    policy: Arc<Policy>,
}

impl ImageService {
    /// Brings the schema up to date, clears away what uploads of an earlier start left, and gives the service.
    pub fn new(db: Db, data: &Path, policy: Arc<Policy>) -> Result<Arc<Self>, Fault> {
        db.migrate("image", migrations::MIGRATIONS)?;
        let data = DataDir::open(data)?;
        let uploads = data.uploads().or_bug()?;
        let keep = db.write_now(move |tx| {
            store::image::uploads_forget(tx, &uploads)?;
            let rows = tx.query("SELECT id FROM images WHERE sha512 IS NOT NULL", params![])?;
            rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()
        })?;
        data.sweep(&keep).or_bug()?;
        Ok(Arc::new(Self { db, data, policy }))
    }

    /// The service as the wire sees it.
    pub fn surface(self: &Arc<Self>) -> Surface<Self> {
        Surface {
            name: "image",
            service: self.clone(),
            routes: routes::routes(),
            microversions: None,
            envelope: envelope::envelope,
            refusal: envelope::refusal,
            spelling: |path| Cow::Borrowed(path),
            head_is_get: false,
            request_id_header: None,
        }
    }
}
