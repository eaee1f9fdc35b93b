//! What the scheduler asks: who has room, and a claim that holds or tells that somebody was faster.

use crate::PlacementService;
use crate::model::{Allocation, Inventory, Provider};
use crate::store::{allocation::*, provider::*};
use ::store::Tx;
use contract::placement::{Amounts, Candidate, Stock};
use fault::Fault;
use std::collections::{BTreeMap, BTreeSet};

fn moved_on(provider: &str) -> Fault {
    Fault::conflict(format!("The resource provider {provider} changed while it was looked at; look again."))
        .named("placement.concurrent_update")
}

fn inventory(provider_id: &str, class: &str, stock: &Stock) -> Inventory {
    Inventory {
        provider_id: provider_id.to_owned(),
        resource_class: class.to_owned(),
        total: stock.total,
        reserved: stock.reserved,
        min_unit: 1,
        max_unit: stock.max_unit,
        step_size: 1,
        allocation_ratio: stock.allocation_ratio,
        used: 0,
    }
}

fn stock(one: &Inventory) -> Stock {
    Stock {
        total: one.total,
        reserved: one.reserved,
        max_unit: one.max_unit,
        allocation_ratio: one.allocation_ratio,
    }
}

fn candidate(provider: Provider, own: &[Inventory]) -> Candidate {
    Candidate {
        stock: own.iter().map(|one| (one.resource_class.clone(), stock(one))).collect(),
        used: own.iter().map(|one| (one.resource_class.clone(), one.used)).collect(),
        provider_id: provider.id,
        name: provider.name,
        generation: provider.generation,
    }
}

/// What a provider has, or what is used of it, has changed: its room is counted anew.
fn weigh(tx: &Tx, provider_id: &str) -> Result<(), Fault> {
    let Some(provider) = provider_by_id(tx, provider_id)? else { return Ok(()) };
    provider_weigh(tx, provider_id, candidate(provider, &inventories(tx, provider_id)?).room())
}

impl contract::Placement for PlacementService {
    fn provider_ensure(
        &self,
        tx: &Tx,
        id: &str,
        name: &str,
        wanted: &BTreeMap<String, Stock>,
        wanted_traits: &[String],
    ) -> Result<(), Fault> {
        if provider_by_id(tx, id)?.is_none() && !provider_insert(tx, id, name)? {
            let said = format!("Conflicting resource provider name: {name} already exists.");
            return Err(Fault::conflict(said).named("placement.duplicate_name"));
        }
        let provider = provider_by_id(tx, id)?
            .ok_or_else(|| Fault::bug("a provider that was just made is not there"))?;
        let now = inventories(tx, id)?;
        let same = now.len() == wanted.len()
            && now.iter().all(|one| wanted.get(&one.resource_class) == Some(&stock(one)));
        let mut sorted = wanted_traits.to_vec();
        sorted.sort();
        sorted.dedup();
        if same && traits(tx, id)? == sorted && provider.name == name {
            return Ok(());
        }
        if provider.name != name && !provider_rename(tx, id, name)? {
            let said = format!("Conflicting resource provider name: {name} already exists.");
            return Err(Fault::conflict(said).named("placement.duplicate_name"));
        }
        for (class, stock) in wanted {
            inventory_put(tx, &inventory(id, class, stock))?;
        }
        for gone in now.iter().filter(|one| !wanted.contains_key(&one.resource_class) && one.used == 0) {
            inventory_delete(tx, id, &gone.resource_class)?;
        }
        traits_put(tx, id, &sorted)?;
        weigh(tx, id)?;
        if provider_advance(tx, id, provider.generation)? { Ok(()) } else { Err(moved_on(id)) }
    }

    fn provider_remove(&self, tx: &Tx, id: &str) -> Result<(), Fault> {
        if !allocations_of_provider(tx, id)?.is_empty() {
            let said = format!("Unable to delete resource provider {id}: Resource provider has allocations.");
            return Err(Fault::conflict(said).named("placement.resource_provider.cannot_delete_parent"));
        }
        provider_delete(tx, id)
    }

    fn candidates(
        &self,
        tx: &Tx,
        amounts: &Amounts,
        required: &[String],
        forbidden: &[String],
    ) -> Result<Vec<Candidate>, Fault> {
        let by_provider = inventories_by_provider(tx)?;
        let mut found = Vec::new();
        for provider in providers(tx)? {
            let Some(own) = by_provider.get(&provider.id) else { continue };
            let fits = amounts.iter().filter(|(_, amount)| **amount > 0).all(|(class, amount)| {
                own.iter().any(|one| one.resource_class == *class && one.has_room(*amount))
            });
            if !fits {
                continue;
            }
            if !required.is_empty() || !forbidden.is_empty() {
                let has = traits(tx, &provider.id)?;
                if required.iter().any(|one| !has.contains(one))
                    || forbidden.iter().any(|one| has.contains(one))
                {
                    continue;
                }
            }
            found.push(candidate(provider, own));
        }
        Ok(found)
    }

    fn provider(&self, tx: &Tx, id: &str) -> Result<Option<Candidate>, Fault> {
        let Some(provider) = provider_by_id(tx, id)? else { return Ok(None) };
        Ok(Some(candidate(provider, &inventories(tx, id)?)))
    }

    fn roomiest(&self, tx: &Tx, skip: usize, most: usize) -> Result<Vec<Candidate>, Fault> {
        let providers = providers_by_room(tx, skip, most)?;
        let ids: Vec<String> = providers.iter().map(|provider| provider.id.clone()).collect();
        let mut stocks = inventories_among(tx, &ids)?;
        let shown = |provider: Provider| {
            let own = stocks.remove(&provider.id).unwrap_or_default();
            candidate(provider, &own)
        };
        Ok(providers.into_iter().map(shown).collect())
    }

    fn traits(&self, tx: &Tx, id: &str) -> Result<Vec<String>, Fault> {
        traits(tx, id)
    }

    fn claim(
        &self,
        tx: &Tx,
        consumer_id: &str,
        candidate: &Candidate,
        amounts: &Amounts,
        project_id: &str,
        user_id: &str,
    ) -> Result<(), Fault> {
        let provider_id = candidate.provider_id.as_str();
        if !provider_advance(tx, provider_id, candidate.generation)? {
            return Err(moved_on(provider_id));
        }
        self.release(tx, consumer_id)?;
        let own = inventories(tx, provider_id)?;
        for (class, amount) in amounts.iter().filter(|(_, amount)| **amount > 0) {
            if !own.iter().any(|one| one.resource_class == *class && one.has_room(*amount)) {
                let said = format!(
                    "Unable to allocate inventory: {provider_id} has no room for {amount} of {class}."
                );
                return Err(Fault::conflict(said).named("placement.undefined_code"));
            }
            usage_add(tx, provider_id, class, i64::try_from(*amount).unwrap_or(i64::MAX))?;
            allocation_insert(
                tx,
                &Allocation {
                    consumer_id: consumer_id.to_owned(),
                    provider_id: provider_id.to_owned(),
                    resource_class: class.clone(),
                    used: *amount,
                    project_id: project_id.to_owned(),
                    user_id: user_id.to_owned(),
                    consumer_generation: 1,
                },
            )?;
        }
        weigh(tx, provider_id)
    }

    fn release(&self, tx: &Tx, consumer_id: &str) -> Result<(), Fault> {
        let had = allocations_of_consumer(tx, consumer_id)?;
        for one in &had {
            usage_add(tx, &one.provider_id, &one.resource_class, -i64::try_from(one.used).unwrap_or(0))?;
        }
        allocations_delete(tx, consumer_id)?;
        let providers: BTreeSet<&str> = had.iter().map(|one| one.provider_id.as_str()).collect();
        providers.into_iter().try_for_each(|provider| weigh(tx, provider))
    }

    fn used(&self, tx: &Tx) -> Result<BTreeMap<String, Amounts>, Fault> {
        let of =
            |stock: Vec<Inventory>| stock.into_iter().map(|one| (one.resource_class, one.used)).collect();
        Ok(inventories_by_provider(tx)?.into_iter().map(|(provider, stock)| (provider, of(stock))).collect())
    }
}
