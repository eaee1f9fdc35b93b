//! What administrators look at: providers, what they have and who has it.

use crate::PlacementService;
use crate::model::{Allocation, Inventory, Provider};
use crate::store::{allocation::*, provider::*};
use ::store::Tx;
use contract::Placement;
use contract::placement::{Amounts, Candidate};
use fault::Fault;
use policy::{Rule, Target};
use web::Cx;

/// A provider with everything that is known of it.
#[derive(Clone, Debug)]
pub struct Known {
    /// The provider.
    pub provider: Provider,
    /// What it has.
    pub inventories: Vec<Inventory>,
    /// Its traits.
    pub traits: Vec<String>,
    /// Who has what of it.
    pub allocations: Vec<Allocation>,
}

fn known(tx: &Tx, provider: Provider) -> Result<Known, Fault> {
    Ok(Known {
        inventories: inventories(tx, &provider.id)?,
        traits: traits(tx, &provider.id)?,
        allocations: allocations_of_provider(tx, &provider.id)?,
        provider,
    })
}

impl PlacementService {
    /// Every provider.
    pub async fn provider_list(&self, cx: &Cx) -> Result<Vec<Provider>, Fault> {
        cx.may(&crate::rules::PROVIDERS_LIST, &Target::none())?;
        self.db.read(providers).await
    }

    /// One provider, for an operation that `rule` names.
    pub async fn provider_show(&self, cx: &Cx, id: &str, rule: &'static Rule) -> Result<Known, Fault> {
        cx.may(rule, &Target::none())?;
        let id = id.to_owned();
        self.db
            .read(move |tx| {
                let said = || Fault::not_found(format!("No resource provider with uuid {id} found"));
                known(tx, provider_by_id(tx, &id)?.ok_or_else(said)?)
            })
            .await
    }

    /// What a consumer has.
    pub async fn allocation_list(
        &self,
        cx: &Cx,
        consumer_id: &str,
    ) -> Result<Vec<(Allocation, Provider)>, Fault> {
        cx.may(&crate::rules::ALLOCATIONS_LIST, &Target::none())?;
        let consumer_id = consumer_id.to_owned();
        self.db
            .read(move |tx| {
                let mut all = Vec::new();
                for one in allocations_of_consumer(tx, &consumer_id)? {
                    let provider = provider_by_id(tx, &one.provider_id)?;
                    all.extend(provider.map(|provider| (one, provider)));
                }
                Ok(all)
            })
            .await
    }

    /// Providers that have room.
    pub async fn candidate_list(
        &self,
        cx: &Cx,
        amounts: Amounts,
        required: Vec<String>,
        forbidden: Vec<String>,
    ) -> Result<Vec<(Candidate, Vec<String>)>, Fault> {
        cx.may(&crate::rules::CANDIDATES_LIST, &Target::none())?;
        let scheduler = Self { db: self.db.clone() };
        self.db
            .read(move |tx| {
                let found = scheduler.candidates(tx, &amounts, &required, &forbidden)?;
                found
                    .into_iter()
                    .map(|one| Ok((traits(tx, &one.provider_id)?, one)))
                    .map(|pair: Result<_, Fault>| pair.map(|(traits, one)| (one, traits)))
                    .collect()
            })
            .await
    }

    /// What a project uses, by class; with a user, only what that user's servers use.
    pub async fn usage_list(
        &self,
        cx: &Cx,
        project_id: &str,
        user_id: Option<String>,
    ) -> Result<Amounts, Fault> {
        cx.may(&crate::rules::USAGES, &Target::project(project_id))?;
        let project_id = project_id.to_owned();
        self.db
            .read(move |tx| {
                let mut sum = Amounts::new();
                for one in allocations_of_project(tx, &project_id)? {
                    if user_id.as_ref().is_none_or(|user| *user == one.user_id) {
                        *sum.entry(one.resource_class).or_default() += one.used;
                    }
                }
                Ok(sum)
            })
            .await
    }
}
