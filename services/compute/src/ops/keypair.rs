//! Key pairs. They belong to users, not to projects.

use crate::model::keypair::{self, Keypair};
use crate::store::{keypair as rows, quota};
use crate::{Compute, rules};
use fault::Fault;
use policy::{Rule, Target};
use std::sync::Arc;
use web::Cx;

fn may(cx: &Cx, rule: &Rule, user_id: &str) -> Result<(), Fault> {
    cx.may(rule, &Target::none().with("user_id", user_id))
}

fn no_keypair(user_id: &str, name: &str) -> Fault {
    Fault::not_found(format!("Keypair {name} not found for user {user_id}"))
}

impl Compute {
    /// Imports a key, or makes one where none is given; answers the private half then.
    pub async fn keypair_create(
        self: &Arc<Self>,
        cx: &Cx,
        user_id: String,
        name: String,
        kind: String,
        public_key: Option<String>,
    ) -> Result<(Keypair, Option<String>), Fault> {
        may(cx, &rules::KEYPAIRS_CREATE, &user_id)?;
        let (public_key, private_key) = match public_key {
            Some(public_key) => (public_key, None),
            None => {
                let seed = self.db.entropy().bytes();
                let _elsewhere = self.db.clock().elsewhere();
                let made = tokio::task::spawn_blocking(move || keypair::generated(seed)).await;
                let (private, public) = made.map_err(Fault::bug)?.map_err(Fault::bug)?;
                (public, Some(private))
            }
        };
        let fingerprint = match kind.as_str() {
            "x509" => keypair::certificate_fingerprint(&public_key),
            _ => keypair::fingerprint(&public_key),
        };
        let pair = self
            .write(cx, move |_, tx, cx| {
                let limit = quota::limit(tx, cx.who.project(), "key_pairs")?;
                if limit >= 0 && rows::keypair_count(tx, &user_id)? >= limit {
                    return Err(Fault::over_quota("Quota exceeded, too many key pairs."));
                }
                let Some(fingerprint) = fingerprint.clone() else {
                    return Err(Fault::bad_input("Keypair data is invalid: failed to generate fingerprint"));
                };
                if rows::keypair_by_name(tx, &user_id, &name)?.is_some() {
                    return Err(Fault::conflict(format!("Key pair '{name}' already exists.")));
                }
                let pair = Keypair {
                    number: 0,
                    user_id: user_id.clone(),
                    name: name.clone(),
                    kind: kind.clone(),
                    public_key: public_key.clone(),
                    fingerprint,
                    created_at: tx.now(),
                };
                rows::keypair_insert(tx, &pair)?;
                Ok(pair)
            })
            .await?;
        Ok((pair, private_key))
    }

    /// A key pair.
    pub async fn keypair_show(
        self: &Arc<Self>,
        cx: &Cx,
        user_id: String,
        name: &str,
    ) -> Result<Keypair, Fault> {
        may(cx, &rules::KEYPAIRS_SHOW, &user_id)?;
        let name = name.to_owned();
        self.read(cx, move |_, tx, _| {
            rows::keypair_by_name(tx, &user_id, &name)?.ok_or_else(|| no_keypair(&user_id, &name))
        })
        .await
    }

    /// The key pairs of a user, by name.
    pub async fn keypair_list(
        self: &Arc<Self>,
        cx: &Cx,
        user_id: String,
        marker: Option<String>,
        limit: i64,
    ) -> Result<Vec<Keypair>, Fault> {
        may(cx, &rules::KEYPAIRS_INDEX, &user_id)?;
        self.read(cx, move |_, tx, _| {
            if let Some(marker) = &marker
                && rows::keypair_by_name(tx, &user_id, marker)?.is_none()
            {
                return Err(Fault::bad_input(format!("Marker {marker} could not be found.")));
            }
            rows::keypair_list(tx, &user_id, marker.as_deref().unwrap_or_default(), limit)
        })
        .await
    }

    /// Deletes a key pair. Servers keep what they were given.
    pub async fn keypair_delete(self: &Arc<Self>, cx: &Cx, user_id: String, name: &str) -> Result<(), Fault> {
        may(cx, &rules::KEYPAIRS_DELETE, &user_id)?;
        let name = name.to_owned();
        self.write(cx, move |_, tx, _| {
            if rows::keypair_delete(tx, &user_id, &name)? { Ok(()) } else { Err(no_keypair(&user_id, &name)) }
        })
        .await
    }
}
