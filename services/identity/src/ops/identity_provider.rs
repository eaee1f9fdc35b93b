//! Identity providers and their protocols.

use super::{conflict, missing, number, project::domain_of_provider, text};
use crate::Identity;
use crate::model::identity_provider::{IdentityProvider, Protocol};
use crate::rules;
use crate::store::{self, identity_provider::*, shadow::shadows_forget};
use ::store::Tx;
use fault::Fault;
use policy::{Rule, Target};
use serde_json::{Map, Value};
use web::Cx;

pub(super) fn provider(tx: &Tx, id: &str) -> Result<IdentityProvider, Fault> {
    provider_by_id(tx, id)?.ok_or_else(|| missing("Identity Provider", id))
}

pub(super) fn protocol(tx: &Tx, provider_id: &str, id: &str) -> Result<Protocol, Fault> {
    protocol_by_id(tx, provider_id, id)?.ok_or_else(|| {
        Fault::not_found(format!(
            "Could not find federated protocol {id} for Identity Provider: {provider_id}."
        ))
    })
}

fn check_mapping(tx: &Tx, id: &str) -> Result<(), Fault> {
    match store::mapping::mapping_by_id(tx, id)? {
        Some(_) => Ok(()),
        None => Err(Fault::bad_input(format!("Invalid mapping id: {id}"))),
    }
}

fn allowed(cx: &Cx, rule: &'static Rule) -> Result<(), Fault> {
    cx.may(rule, &Target::none())
}

/// Takes over what is given of a provider.
fn give(provider: &mut IdentityProvider, given: &Map<String, Value>) {
    provider.enabled = given.get("enabled").and_then(Value::as_bool).unwrap_or(provider.enabled);
    if given.contains_key("description") {
        provider.description = text(given, "description");
    }
    if given.contains_key("authorization_ttl") {
        provider.authorization_ttl = number(given, "authorization_ttl");
    }
    if let Some(remote_ids) = given.get("remote_ids") {
        let all = remote_ids.as_array().into_iter().flatten().filter_map(Value::as_str);
        provider.remote_ids = all.map(str::to_owned).collect();
        provider.remote_ids.sort();
    }
}

fn write_remote_ids(tx: &Tx, provider: &IdentityProvider) -> Result<(), Fault> {
    match remote_ids_put(tx, provider)? {
        None => Ok(()),
        Some(taken) => Err(conflict("identity_provider", &format!("Duplicate remote ID: {taken}"))),
    }
}

impl Identity {
    /// Every provider.
    pub async fn identity_provider_list(&self, cx: &Cx) -> Result<Vec<IdentityProvider>, Fault> {
        allowed(cx, &rules::LIST_IDENTITY_PROVIDERS)?;
        self.db.read(providers).await
    }

    /// One provider.
    pub async fn identity_provider_show(&self, cx: &Cx, id: &str) -> Result<IdentityProvider, Fault> {
        allowed(cx, &rules::GET_IDENTITY_PROVIDER)?;
        let id = id.to_owned();
        self.db.read(move |tx| provider(tx, &id)).await
    }

    /// Makes a provider; without a domain it gets one of its own.
    pub async fn identity_provider_create(
        &self,
        cx: &Cx,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<IdentityProvider, Fault> {
        allowed(cx, &rules::CREATE_IDENTITY_PROVIDER)?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                let domain_id = match text(&given, "domain_id") {
                    Some(id) => store::project::project_by_id(tx, &id)?
                        .filter(|domain| domain.is_domain)
                        .map(|domain| domain.id)
                        .ok_or_else(|| missing("domain", &id))?,
                    None => domain_of_provider(tx, &id)?,
                };
                let mut made = IdentityProvider {
                    id: id.clone(),
                    domain_id,
                    enabled: false,
                    description: None,
                    remote_ids: Vec::new(),
                    authorization_ttl: None,
                };
                give(&mut made, &given);
                if !provider_insert(tx, &made)? {
                    return Err(conflict("identity_provider", &format!("Duplicate entry: {id}")));
                }
                write_remote_ids(tx, &made)?;
                Ok(made)
            })
            .await
    }

    /// Changes a provider.
    pub async fn identity_provider_update(
        &self,
        cx: &Cx,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<IdentityProvider, Fault> {
        allowed(cx, &rules::UPDATE_IDENTITY_PROVIDER)?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                let mut changed = provider(tx, &id)?;
                give(&mut changed, &given);
                provider_update(tx, &changed)?;
                if given.contains_key("remote_ids") {
                    write_remote_ids(tx, &changed)?;
                }
                store::token::epoch_advance(tx)?;
                Ok(changed)
            })
            .await
    }

    /// Removes a provider, and the users that only it vouched for.
    pub async fn identity_provider_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        allowed(cx, &rules::DELETE_IDENTITY_PROVIDER)?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                provider(tx, &id)?;
                remove(tx, &id)?;
                store::token::epoch_advance(tx)
            })
            .await
    }

    /// The protocols of a provider, which need not be there.
    pub async fn protocol_list(&self, cx: &Cx, provider_id: &str) -> Result<Vec<Protocol>, Fault> {
        allowed(cx, &rules::LIST_PROTOCOLS)?;
        let id = provider_id.to_owned();
        self.db.read(move |tx| protocols(tx, &id)).await
    }

    /// One protocol.
    pub async fn protocol_show(&self, cx: &Cx, provider_id: &str, id: &str) -> Result<Protocol, Fault> {
        allowed(cx, &rules::GET_PROTOCOL)?;
        let (provider_id, id) = (provider_id.to_owned(), id.to_owned());
        self.db.read(move |tx| protocol(tx, &provider_id, &id)).await
    }

    /// Makes a protocol.
    pub async fn protocol_create(
        &self,
        cx: &Cx,
        provider_id: &str,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<Protocol, Fault> {
        allowed(cx, &rules::CREATE_PROTOCOL)?;
        let made = Protocol {
            id: id.to_owned(),
            provider_id: provider_id.to_owned(),
            mapping_id: text(&given, "mapping_id").unwrap_or_default(),
            remote_id_attribute: text(&given, "remote_id_attribute"),
        };
        self.db
            .write(move |tx| {
                check_mapping(tx, &made.mapping_id)?;
                provider(tx, &made.provider_id)?;
                match protocol_insert(tx, &made)? {
                    true => Ok(made.clone()),
                    false => {
                        let what = format!("Duplicate entry found with ID {}", made.id);
                        Err(conflict("federation_protocol", &what))
                    }
                }
            })
            .await
    }

    /// Changes a protocol.
    pub async fn protocol_update(
        &self,
        cx: &Cx,
        provider_id: &str,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<Protocol, Fault> {
        allowed(cx, &rules::UPDATE_PROTOCOL)?;
        let (provider_id, id) = (provider_id.to_owned(), id.to_owned());
        self.db
            .write(move |tx| {
                let mapping_id = text(&given, "mapping_id").unwrap_or_default();
                check_mapping(tx, &mapping_id)?;
                let mut changed = protocol(tx, &provider_id, &id)?;
                changed.mapping_id = mapping_id;
                if given.contains_key("remote_id_attribute") {
                    changed.remote_id_attribute = text(&given, "remote_id_attribute");
                }
                protocol_update(tx, &changed)?;
                Ok(changed)
            })
            .await
    }

    /// Removes a protocol, and the users that came by it alone.
    pub async fn protocol_delete(&self, cx: &Cx, provider_id: &str, id: &str) -> Result<(), Fault> {
        allowed(cx, &rules::DELETE_PROTOCOL)?;
        let (provider_id, id) = (provider_id.to_owned(), id.to_owned());
        self.db
            .write(move |tx| {
                protocol(tx, &provider_id, &id)?;
                protocol_delete(tx, &provider_id, &id)?;
                shadows_forget(tx, &provider_id, Some(&id))?;
                store::token::epoch_advance(tx)
            })
            .await
    }
}

/// A provider is gone, and so are the users that only it vouched for.
fn remove(tx: &Tx, id: &str) -> Result<(), Fault> {
    provider_delete(tx, id)?;
    shadows_forget(tx, id, None)
}

/// The domain is gone, and so are its providers.
pub(super) fn domain_forget(tx: &Tx, domain_id: &str) -> Result<(), Fault> {
    let all = providers(tx)?;
    all.iter().filter(|one| one.domain_id == domain_id).try_for_each(|one| remove(tx, &one.id))
}
