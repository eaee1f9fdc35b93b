//! What an operator can set of identity.

use crate::model::compliance::Compliance;
use crate::model::domain_config::Options;
use crate::model::limit::LimitModel;
use crate::model::token::Provider;
use crate::oidc::Relation;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The settings.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a token is valid.
    pub token_life: Duration,
    /// In which form tokens are given out; both are taken.
    pub token_provider: Provider,
    /// How long keys of tokens and credentials are in use before they are rotated; `None`: until somebody does it.
    pub key_rotation: Option<Duration>,
    /// How limits of projects and domains relate.
    pub limit_model: LimitModel,
    /// The rules for passwords.
    pub compliance: Compliance,
    /// Options of domains by name, for those that have none in the store.
    pub domain_options: Arc<BTreeMap<String, Options>>,
    /// For how long what a directory said of somebody stands.
    pub directory_memory: Duration,
    /// Identity providers that are relied on.
    pub federation: Federation,
}

/// What an operator can set of federation.
#[derive(Clone, Debug, Default)]
pub struct Federation {
    /// How long memberships by mapping hold where the provider says nothing; zero: as long as a token.
    pub authorization_ttl: Duration,
    /// Where browsers may have their tokens sent.
    pub trusted_dashboards: Vec<String>,
    /// The providers of OpenID Connect.
    pub relations: Vec<Relation>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            token_life: Duration::from_secs(3600),
            token_provider: Provider::Fernet,
            key_rotation: None,
            limit_model: LimitModel::Flat,
            compliance: Compliance::default(),
            domain_options: Arc::default(),
            directory_memory: Duration::from_secs(60),
            federation: Federation::default(),
        }
    }
}
