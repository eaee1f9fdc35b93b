//! What is there after the first start: an external network, and for the demo project a network with a router.

use crate::Network;
use crate::model::attribute::Wish;
use crate::model::network::NetworkRow;
use crate::model::router::RouterRow;
use crate::model::subnet::Subnet;
use crate::record::{Json, Record};
use crate::store::Condition;
use fault::Fault;
use ipnet::Ipv4Net;
use metal::Kind;
use policy::Who;
use serde_json::json;
use store::Tx;

/// The fact that the first networks were made.
const FOUNDED: &str = "network.founded";

impl Network {
    /// Nothing has been made yet: [`Network::bootstrap`] has something to do. Stores that were founded before that was
    /// written down have an external network.
    pub fn is_fresh(&self, tx: &Tx) -> Result<bool, Fault> {
        Ok(tx.fact(FOUNDED)?.is_none() && Condition::is("name", "public").row::<NetworkRow>(tx)?.is_none())
    }

    /// Makes what a fresh cloud has, for the projects `admin` and `demo`; the external network gets this range, and the
    /// first address of it as its gateway. Nothing happens the second time, whatever was deleted since, nor without a
    /// project `admin`.
    pub fn bootstrap(&self, tx: &Tx, external: Ipv4Net) -> Result<(), Fault> {
        let Some(admin) = self.identity.project_named(tx, "admin")? else { return Ok(()) };
        if !self.is_fresh(tx)? {
            return Ok(());
        }
        self.default_group_ensure(tx, &admin)?;
        let public = self.public_make(tx, &admin, external)?;
        tx.fact_put(FOUNDED, 1)?;
        match self.identity.project_named(tx, "demo")? {
            Some(demo) => self.demo_make(tx, &demo, &public),
            None => Ok(()),
        }
    }

    fn public_make(&self, tx: &Tx, project: &str, external: Ipv4Net) -> Result<NetworkRow, Fault> {
        let settings = &self.settings;
        let public = Wish::default()
            .with("name", "public")
            .with("project_id", project)
            .with("router:external", true)
            .with("is_default", true)
            .with("provider:network_type", "flat")
            .with("provider:physical_network", settings.physical_network.as_str());
        let public = self.network_insert(tx, &public)?;
        let subnet = Wish::default()
            .with("name", "public-subnet")
            .with("project_id", project)
            .with("cidr", external.trunc().to_string())
            .with("ip_version", 4)
            .with("gateway_ip", external.hosts().next().map(|first| first.to_string()))
            .with("enable_dhcp", false);
        self.subnet_insert(tx, &Who::cloud(), &public, &subnet)?;
        Ok(public)
    }

    fn demo_make(&self, tx: &Tx, project: &str, public: &NetworkRow) -> Result<(), Fault> {
        self.default_group_ensure(tx, project)?;
        let private =
            self.network_insert(tx, &Wish::default().with("name", "private").with("project_id", project))?;
        let subnet = Wish::default()
            .with("name", "private-subnet")
            .with("project_id", project)
            .with("cidr", self.settings.private.trunc().to_string())
            .with("ip_version", 4)
            .with("dns_nameservers", json!(self.settings.name_servers));
        let subnet: Subnet = self.subnet_insert(tx, &Who::cloud(), &private, &subnet)?;
        let mut router = RouterRow {
            id: tx.entropy().dashed_id(),
            project_id: project.to_owned(),
            name: "router1".into(),
            description: String::new(),
            admin_up: true,
            gateway_port_id: None,
            enable_snat: true,
            routes: Json(Vec::new()),
            az_hints: Json(Vec::new()),
            tags: Json(Vec::new()),
            revision_number: 1,
            revision: 1,
            created_at: tx.now(),
            updated_at: tx.now(),
        };
        router.insert(tx)?;
        self.gateway_connect(tx, &mut router, public, &[])?;
        router.save(tx)?;
        self.interface_by_subnet(tx, &router, &subnet)?;
        reconcile::want(tx, Kind::Router.word(), &router.id)
    }
}
