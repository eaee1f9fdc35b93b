//! Service providers: kept, and told in tokens. Nothing here vouches for users there yet.

use super::{duplicate_id, missing, text};
use crate::Identity;
use crate::model::service_provider::{RELAY_STATE_PREFIX, ServiceProvider};
use crate::rules;
use crate::store::service_provider::*;
use crate::store::token::epoch_advance;
use ::store::Tx;
use fault::Fault;
use policy::Target;
use serde_json::{Map, Value};
use web::Cx;

fn provider(tx: &Tx, id: &str) -> Result<ServiceProvider, Fault> {
    service_provider_by_id(tx, id)?.ok_or_else(|| missing("Service Provider", id))
}

/// Takes over what is given of a provider.
fn give(provider: &mut ServiceProvider, given: &Map<String, Value>) {
    let own = |name: &str, was: &str| text(given, name).unwrap_or_else(|| was.to_owned());
    provider.enabled = given.get("enabled").and_then(Value::as_bool).unwrap_or(provider.enabled);
    provider.auth_url = own("auth_url", &provider.auth_url);
    provider.sp_url = own("sp_url", &provider.sp_url);
    provider.relay_state_prefix = own("relay_state_prefix", &provider.relay_state_prefix);
    if given.contains_key("description") {
        provider.description = text(given, "description");
    }
}

impl Identity {
    /// Every service provider.
    pub async fn service_provider_list(&self, cx: &Cx) -> Result<Vec<ServiceProvider>, Fault> {
        cx.may(&rules::LIST_SERVICE_PROVIDERS, &Target::none())?;
        self.db.read(service_providers).await
    }

    /// One service provider.
    pub async fn service_provider_show(&self, cx: &Cx, id: &str) -> Result<ServiceProvider, Fault> {
        cx.may(&rules::GET_SERVICE_PROVIDER, &Target::none())?;
        let id = id.to_owned();
        self.db.read(move |tx| provider(tx, &id)).await
    }

    /// Makes a service provider.
    pub async fn service_provider_create(
        &self,
        cx: &Cx,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<ServiceProvider, Fault> {
        cx.may(&rules::CREATE_SERVICE_PROVIDER, &Target::none())?;
        let mut made = ServiceProvider {
            id: id.to_owned(),
            enabled: false,
            description: None,
            auth_url: String::new(),
            sp_url: String::new(),
            relay_state_prefix: RELAY_STATE_PREFIX.to_owned(),
        };
        give(&mut made, &given);
        self.db
            .write(move |tx| {
                if !service_provider_insert(tx, &made)? {
                    return Err(duplicate_id("service_provider", &made.id));
                }
                epoch_advance(tx)?;
                Ok(made.clone())
            })
            .await
    }

    /// Changes a service provider.
    pub async fn service_provider_update(
        &self,
        cx: &Cx,
        id: &str,
        given: Map<String, Value>,
    ) -> Result<ServiceProvider, Fault> {
        cx.may(&rules::UPDATE_SERVICE_PROVIDER, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                let mut changed = provider(tx, &id)?;
                give(&mut changed, &given);
                service_provider_update(tx, &changed)?;
                epoch_advance(tx)?;
                Ok(changed)
            })
            .await
    }

    /// Removes a service provider.
    pub async fn service_provider_delete(&self, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::DELETE_SERVICE_PROVIDER, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                provider(tx, &id)?;
                service_provider_delete(tx, &id)?;
                epoch_advance(tx)
            })
            .await
    }
}
