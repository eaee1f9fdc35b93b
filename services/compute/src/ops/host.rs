//! Hosts as operators see them: hypervisors, services, availability zones.

use crate::model::host::{Host, Service};
use crate::store as rows;
use crate::{Compute, rules};
use contract::placement::{Amounts, Stock};
use fault::Fault;
use metal::HostFacts;
use policy::Target;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store::Tx;
use web::Cx;

/// A hypervisor with its service, and with its use and its servers as far as they were asked for.
#[derive(Clone, Debug)]
pub struct Hypervisor {
    /// The host.
    pub host: Host,
    /// Its service.
    pub service: Service,
    /// What is in use.
    pub used: Amounts,
    /// Memory that the host keeps for itself, in MiB.
    pub reserved_mib: u64,
    /// How many servers it has.
    pub servers_count: i64,
    /// Their names and ids.
    pub servers: Vec<(String, String)>,
}

/// What is wanted of hypervisors beside what they are. Each is read once for all of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Beside {
    /// What is in use, and how many servers there are.
    pub used: bool,
    /// Names and ids of the servers.
    pub servers: bool,
}

/// What is changed about a service. `None` leaves as is.
#[derive(Clone, Debug, Default)]
pub struct ServiceChange {
    /// Take no new servers, for this reason.
    pub disabled: Option<(bool, Option<String>)>,
    /// Known to be dead.
    pub forced_down: Option<bool>,
}

/// Which service is meant.
#[derive(Clone, Debug)]
pub enum ServiceKey {
    /// By its id, of either form.
    Id(String),
    /// By host and kind.
    Of(String, String),
}

impl Compute {
    /// The hypervisors whose name contains `pattern`.
    pub async fn hypervisor_list(
        self: &Arc<Self>,
        cx: &Cx,
        rule: &'static policy::Rule,
        pattern: Option<String>,
        beside: Beside,
    ) -> Result<Vec<Hypervisor>, Fault> {
        cx.may(rule, &Target::none())?;
        self.read(cx, move |this, tx, _| {
            let mut hosts = rows::host::host_list(tx)?;
            hosts.retain(|host| pattern.as_ref().is_none_or(|pattern| host.name.contains(pattern.as_str())));
            this.hypervisors(tx, hosts, beside)
        })
        .await
    }

    /// One hypervisor, by the id of either form.
    pub async fn hypervisor_show(
        self: &Arc<Self>,
        cx: &Cx,
        rule: &'static policy::Rule,
        id: &str,
        beside: Beside,
    ) -> Result<Hypervisor, Fault> {
        cx.may(rule, &Target::none())?;
        let id = id.to_owned();
        self.read(cx, move |this, tx, _| {
            let mut hosts = rows::host::host_list(tx)?;
            hosts.retain(|host| host.id == id || host.number.to_string() == id);
            let shown = this.hypervisors(tx, hosts, beside)?.pop();
            shown.ok_or_else(|| Fault::not_found(format!("Hypervisor with ID '{id}' could not be found.")))
        })
        .await
    }

    fn hypervisors(&self, tx: &Tx, hosts: Vec<Host>, beside: Beside) -> Result<Vec<Hypervisor>, Fault> {
        let names: Vec<String> = hosts.iter().map(|host| host.name.clone()).collect();
        // A host without service is none for operators.
        let mut services = rows::host::services_of(tx, &names)?;
        let (mut used, running) = match beside.used {
            true => (self.placement.used(tx)?, rows::server::servers_running(tx)?),
            false => Default::default(),
        };
        let mut servers = if beside.servers { rows::server::server_names(tx)? } else { BTreeMap::new() };
        let shown = |host: Host| {
            Some(Hypervisor {
                service: services.remove(&host.name)?,
                used: used.remove(&host.id).unwrap_or_default(),
                reserved_mib: self.settings.reserved_memory_mib,
                servers_count: running.get(&host.id).copied().unwrap_or(0),
                servers: servers.remove(&host.id).unwrap_or_default(),
                host,
            })
        };
        Ok(hosts.into_iter().filter_map(shown).collect())
    }

    /// The services, with their zones.
    pub async fn service_list(self: &Arc<Self>, cx: &Cx) -> Result<Vec<Service>, Fault> {
        cx.may(&rules::SERVICES_LIST, &Target::none())?;
        self.read(cx, |this, tx, _| this.services(tx)).await
    }

    pub(crate) fn services(&self, tx: &Tx) -> Result<Vec<Service>, Fault> {
        let zones = rows::aggregate::zones(tx)?;
        let mut services = rows::host::service_list(tx)?;
        for service in &mut services {
            let inside = service.kind != "nova-compute";
            service.zone = if inside { "internal".to_owned() } else { self.zone_of(&zones, &service.host) };
            if inside {
                service.seen_at = Some(tx.now());
            }
        }
        Ok(services)
    }

    /// Switches a service.
    pub async fn service_update(
        self: &Arc<Self>,
        cx: &Cx,
        key: ServiceKey,
        change: ServiceChange,
    ) -> Result<Service, Fault> {
        cx.may(&rules::SERVICES_UPDATE, &Target::none())?;
        self.write(cx, move |this, tx, _| {
            let services = this.services(tx)?;
            let found = services.into_iter().find(|service| match &key {
                ServiceKey::Id(id) => service.id == *id || service.number.to_string() == *id,
                ServiceKey::Of(host, kind) => service.host == *host && service.kind == *kind,
            });
            let mut service = found.ok_or_else(|| match &key {
                ServiceKey::Id(id) => Fault::not_found(format!("Service {id} could not be found.")),
                ServiceKey::Of(host, kind) => {
                    Fault::not_found(format!("Could not find binary {kind} on host {host}."))
                }
            })?;
            only_compute(&service.kind)?;
            if let Some((disabled, reason)) = &change.disabled {
                service.disabled = *disabled;
                service.disabled_reason.clone_from(reason);
            }
            if let Some(forced_down) = change.forced_down {
                service.forced_down = forced_down;
            }
            rows::host::service_save(tx, &service)?;
            this.services(tx)?
                .into_iter()
                .find(|own| own.id == service.id)
                .ok_or_else(|| Fault::bug("a service went"))
        })
        .await
    }

    /// Forgets a service and its host. One that has servers is kept.
    pub async fn service_delete(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::SERVICES_DELETE, &Target::none())?;
        let id = id.to_owned();
        self.write(cx, move |this, tx, _| {
            let service = rows::host::service_by_id(tx, &id)?;
            let service = service.ok_or_else(|| Fault::not_found(format!("Service {id} not found.")))?;
            if service.kind == "nova-compute"
                && let Some(host) = rows::host::host_by_name(tx, &service.host)?
            {
                if rows::server::servers_running_on(tx, &host.id)? > 0 {
                    return Err(Fault::conflict(
                        "Unable to delete compute service that is hosting instances. Migrate or delete the instances first.",
                    ));
                }
                for aggregate in rows::aggregate::aggregate_list(tx)? {
                    rows::aggregate::aggregate_host_remove(tx, aggregate.number, &host.name)?;
                }
                this.placement.provider_remove(tx, &host.id)?;
                rows::host::host_delete(tx, &host.id)?;
            }
            rows::host::service_delete(tx, &service.id)
        })
        .await
    }

    /// The availability zones that take servers, and those that do not.
    pub(crate) fn zones(&self, tx: &Tx) -> Result<(BTreeSet<String>, BTreeSet<String>), Fault> {
        let (mut available, mut not) = (BTreeSet::new(), BTreeSet::new());
        for service in self.services(tx)? {
            if service.disabled {
                not.insert(service.zone)
            } else {
                available.insert(service.zone)
            };
        }
        not.retain(|zone| !available.contains(zone));
        Ok((available, not))
    }

    /// The zones (available, not), and with details the services of each.
    pub async fn zone_list(
        self: &Arc<Self>,
        cx: &Cx,
        detail: bool,
    ) -> Result<(BTreeSet<String>, BTreeSet<String>, Vec<Service>), Fault> {
        let rule = if detail { &rules::AVAILABILITY_ZONE_DETAIL } else { &rules::AVAILABILITY_ZONE_LIST };
        cx.may(rule, &Target::none())?;
        self.read(cx, |this, tx, _| {
            let (available, not) = this.zones(tx)?;
            Ok((available, not, this.services(tx)?))
        })
        .await
    }

    /// A host is here: it, its service and its placement provider are as its agent says.
    pub fn host_arrived(&self, tx: &Tx, facts: &HostFacts) -> Result<(), Fault> {
        if let Some(old) = rows::host::host_by_name(tx, &facts.name)?.filter(|old| old.id != facts.id) {
            self.host_replaced(tx, &old)?;
        }
        rows::host::host_joined(tx, facts)?;
        let (mut stock, mut traits) = (self.stock(facts), facts.traits.clone());
        if let Some(own) = self.placement.provider(tx, &facts.id)? {
            keep_stock(&mut stock, own.stock);
            traits.extend(self.placement.traits(tx, &facts.id)?.into_iter().filter(|name| !ours(name)));
        }
        self.placement.provider_ensure(tx, &facts.id, &facts.name, &stock, &traits)
    }

    /// A host that was set up anew under its old name: what is left of the old one makes room for it.
    fn host_replaced(&self, tx: &Tx, old: &Host) -> Result<(), Fault> {
        if rows::server::servers_running_on(tx, &old.id)? == 0 {
            self.placement.provider_remove(tx, &old.id)?;
            return rows::host::host_delete(tx, &old.id);
        }
        // Its servers can still be deleted; nothing new goes there, since it has no service any more.
        let name = format!("{}.{}", old.name, old.id.split('-').next().unwrap_or_default());
        rows::host::host_rename(tx, &old.id, &name)?;
        self.placement.provider_ensure(tx, &old.id, &name, &self.stock(&old.facts), &[])
    }

    fn stock(&self, facts: &HostFacts) -> BTreeMap<String, Stock> {
        let settings = &self.settings;
        let stock = |total: u64, reserved: u64, ratio: f64| Stock {
            total,
            reserved,
            max_unit: total,
            allocation_ratio: ratio,
        };
        let reserved = settings.reserved_memory_mib.min(facts.memory_mib / 2);
        let all = [
            ("VCPU", stock(u64::from(facts.vcpus), 0, settings.cpu_ratio)),
            ("MEMORY_MB", stock(facts.memory_mib, reserved, settings.memory_ratio)),
            ("DISK_GB", stock(facts.disk_gib, 0, settings.disk_ratio)),
        ];
        // A host without any of a class has no stock of it.
        all.into_iter()
            .filter(|(_, stock)| stock.total > 0)
            .map(|(class, stock)| (class.to_owned(), stock))
            .collect()
    }
}

/// What an operator changed of a provider's stock stays, as in Nova: allocation ratios, and classes of other kinds.
fn keep_stock(stock: &mut BTreeMap<String, Stock>, own: BTreeMap<String, Stock>) {
    for (class, given) in own {
        match stock.get_mut(&class) {
            Some(told) => told.allocation_ratio = given.allocation_ratio,
            None if class.starts_with("CUSTOM_") => drop(stock.insert(class, given)),
            None => {}
        }
    }
}

/// Traits that hosts tell of themselves; all others are an operator's and stay.
fn ours(name: &str) -> bool {
    name.starts_with("COMPUTE_") || name.starts_with("HW_CPU_")
}

/// Services other than Nova's compute service cannot be switched.
pub(crate) fn only_compute(kind: &str) -> Result<(), Fault> {
    if kind == "nova-compute" {
        return Ok(());
    }
    Err(Fault::bad_input(format!(
        "Updating a {kind} service is not supported. Only nova-compute services can be updated."
    )))
}
