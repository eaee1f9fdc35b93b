//! Identity providers, their protocols and mappings, the users for whom they vouch, and clouds that take the users of this
//! one.

use super::keystone::each;
use super::{Report, Wishes};
use crate::model::identity_provider::{IdentityProvider, Protocol};
use crate::model::mapping::{DEFAULT_VERSION, Mapping, schema::check};
use crate::model::service_provider::ServiceProvider;
use crate::store::{group::*, identity_provider::*, mapping::*, service_provider::*, shadow::*, user::*};
use ::store::Tx;
use ::store::foreign::{Record, Tables};
use fault::Fault;
use kernel::Micros;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Federation {
    providers: Vec<IdentityProvider>,
    mappings: Vec<Mapping>,
    protocols: Vec<Protocol>,
    service_providers: Vec<ServiceProvider>,
    shadows: Vec<Shadow>,
    memberships: Vec<Membership>,
}

/// What a provider calls a user.
#[derive(Debug)]
struct Shadow {
    provider_id: String,
    protocol_id: String,
    unique_id: String,
    user_id: String,
    display_name: Option<String>,
}

/// A membership that a provider's word gave, and when it gave it last.
#[derive(Debug)]
struct Membership {
    user_id: String,
    group_id: String,
    provider_id: String,
    verified_at: Micros,
}

impl Federation {
    pub(super) fn read(tables: &Tables) -> Result<Self, Fault> {
        let mut remote_ids: HashMap<String, Vec<String>> = HashMap::new();
        for row in tables.rows("idp_remote_ids") {
            if let Some(provider) = row.opt_text("idp_id")? {
                remote_ids.entry(provider).or_default().push(row.text("remote_id")?);
            }
        }
        let mut providers = each(tables, "identity_provider", provider)?;
        for one in &mut providers {
            one.remote_ids = remote_ids.remove(&one.id).unwrap_or_default();
            one.remote_ids.sort();
        }
        Ok(Self {
            providers,
            mappings: each(tables, "mapping", mapping)?,
            protocols: each(tables, "federation_protocol", protocol)?,
            service_providers: each(tables, "service_provider", service_provider)?,
            shadows: each(tables, "federated_user", shadow)?,
            memberships: each(tables, "expiring_user_group_membership", membership)?,
        })
    }

    /// What is shown of users who have no name here, but with their providers.
    pub(super) fn names(&self) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for one in &self.shadows {
            let name = one.display_name.as_ref().unwrap_or(&one.unique_id);
            names.entry(one.user_id.clone()).or_insert_with(|| name.clone());
        }
        names
    }

    /// Takes it over. The users are there already; `nameless` are those who have no name of their own.
    pub(super) fn take(
        &self,
        tx: &Tx,
        nameless: &HashSet<String>,
        wishes: &Wishes,
        report: &mut Report,
    ) -> Result<(), Fault> {
        for one in &self.providers {
            let found = provider_by_id(tx, &one.id)?;
            if found.as_ref().is_some_and(|found| found.domain_id != one.domain_id) {
                let why =
                    format!("The identity provider {} is of another domain here: remove it first.", one.id);
                return Err(Fault::conflict(why));
            }
            report
                .put("identity providers", found, one, |new| provider_write(tx, one, new).map(|()| true))?;
        }
        for one in &self.mappings {
            let rules: Map<String, Value> = [("rules".to_owned(), one.rules.clone())].into_iter().collect();
            if check(&rules, &one.schema_version).is_err() {
                report.leave("mappings that cannot be applied here", 1);
                continue;
            }
            report.put("mappings", mapping_by_id(tx, &one.id)?, one, |new| match new {
                true => mapping_insert(tx, one),
                false => mapping_update(tx, one).map(|()| true),
            })?;
        }
        for one in &self.protocols {
            let found = protocol_by_id(tx, &one.provider_id, &one.id)?;
            report.put("protocols", found, one, |new| match new {
                true => protocol_insert(tx, one),
                false => protocol_update(tx, one).map(|()| true),
            })?;
        }
        for one in &self.service_providers {
            let found = service_provider_by_id(tx, &one.id)?;
            report.put("service providers", found, one, |new| match new {
                true => service_provider_insert(tx, one),
                false => service_provider_update(tx, one).map(|()| true),
            })?;
        }
        for one in &self.shadows {
            one.take(tx, nameless, report)?;
        }
        for one in &self.memberships {
            let own = self.providers.iter().find(|provider| provider.id == one.provider_id);
            one.take(tx, one.verified_at.plus(life(own, wishes)), report)?;
        }
        Ok(())
    }
}

impl Shadow {
    fn take(&self, tx: &Tx, nameless: &HashSet<String>, report: &mut Report) -> Result<(), Fault> {
        let Self { provider_id, protocol_id, unique_id, user_id, display_name } = self;
        if user_by_id(tx, user_id)?.is_none() {
            report.leave("federated users who are not here", 1);
            return Ok(());
        }
        let found = user_of_shadow(tx, provider_id, protocol_id, unique_id)?;
        report.put("federated users", found, user_id, |_| {
            let name = display_name.as_ref().unwrap_or(unique_id);
            match nameless.contains(user_id) {
                true => shadow_put(tx, provider_id, protocol_id, unique_id, user_id, name)?,
                false => shadow_link(tx, provider_id, protocol_id, unique_id, user_id)?,
            }
            Ok(true)
        })
    }
}

impl Membership {
    /// Of two ends the later one holds.
    fn take(&self, tx: &Tx, end: Micros, report: &mut Report) -> Result<(), Fault> {
        let Self { user_id, group_id, provider_id, .. } = self;
        if user_by_id(tx, user_id)?.is_none() || group_by_id(tx, group_id)?.is_none() {
            report.leave("memberships of users who are not here", 1);
            return Ok(());
        }
        if end <= tx.now() {
            report.leave("memberships that have ended", 1);
            return Ok(());
        }
        let known = memberships_of_user(tx, user_id, Some(provider_id))?;
        let found = known.into_iter().find(|(group, _)| group == group_id).map(|(_, end)| end);
        let end = found.map_or(end, |found| found.max(end));
        report.put("memberships that end", found, &end, |_| {
            membership_put(tx, user_id, group_id, provider_id, end).map(|()| true)
        })
    }
}

fn provider_write(tx: &Tx, one: &IdentityProvider, new: bool) -> Result<(), Fault> {
    if new {
        provider_insert(tx, one)?;
    } else {
        provider_update(tx, one)?;
    }
    match remote_ids_put(tx, one)? {
        None => Ok(()),
        Some(taken) => {
            Err(Fault::conflict(format!("Another identity provider here has the remote id {taken} already.")))
        }
    }
}

/// How long a membership by a provider's word holds.
fn life(provider: Option<&IdentityProvider>, wishes: &Wishes) -> Duration {
    let minutes =
        provider.and_then(|one| one.authorization_ttl).and_then(|minutes| u64::try_from(minutes).ok());
    let own = minutes.map(|minutes| Duration::from_secs(minutes.saturating_mul(60)));
    own.filter(|life| !life.is_zero()).unwrap_or(wishes.membership_life)
}

fn provider(row: &Record) -> Result<IdentityProvider, Fault> {
    Ok(IdentityProvider {
        id: row.text("id")?,
        domain_id: row.text("domain_id")?,
        enabled: row.flag("enabled")?,
        description: row.opt_text("description")?,
        remote_ids: Vec::new(),
        authorization_ttl: row.opt_int("authorization_ttl")?,
    })
}

/// Its rules are JSON in JSON. Versions came with Keystone 2024.1.
fn mapping(row: &Record) -> Result<Mapping, Fault> {
    let version = if row.has("schema_version") { row.opt_text("schema_version")? } else { None };
    let rules = match row.json("rules")? {
        Value::String(text) => serde_json::from_str(&text).unwrap_or_default(),
        rules => rules,
    };
    Ok(Mapping {
        id: row.text("id")?,
        rules,
        schema_version: version.unwrap_or_else(|| DEFAULT_VERSION.to_owned()),
    })
}

fn protocol(row: &Record) -> Result<Protocol, Fault> {
    Ok(Protocol {
        id: row.text("id")?,
        provider_id: row.text("idp_id")?,
        mapping_id: row.text("mapping_id")?,
        remote_id_attribute: row.opt_text("remote_id_attribute")?,
    })
}

fn service_provider(row: &Record) -> Result<ServiceProvider, Fault> {
    Ok(ServiceProvider {
        id: row.text("id")?,
        enabled: row.flag("enabled")?,
        description: row.opt_text("description")?,
        auth_url: row.text("auth_url")?,
        sp_url: row.text("sp_url")?,
        relay_state_prefix: row.text("relay_state_prefix")?,
    })
}

fn shadow(row: &Record) -> Result<Shadow, Fault> {
    Ok(Shadow {
        provider_id: row.text("idp_id")?,
        protocol_id: row.text("protocol_id")?,
        unique_id: row.text("unique_id")?,
        user_id: row.text("user_id")?,
        display_name: row.opt_text("display_name")?,
    })
}

fn membership(row: &Record) -> Result<Membership, Fault> {
    Ok(Membership {
        user_id: row.text("user_id")?,
        group_id: row.text("group_id")?,
        provider_id: row.text("idp_id")?,
        verified_at: row.opt_at("last_verified")?.unwrap_or_default(),
    })
}
