//! Flavors.

use crate::model::flavor::{Flavor, FlavorFacts};
use crate::store::flavor as rows;
use crate::{Compute, rules};
use fault::Fault;
use policy::Target;
use std::collections::BTreeMap;
use std::sync::Arc;
use store::list::{Direction, List, ListError};
use store::{Tx, params};
use web::Cx;

/// Which flavors are asked for.
#[derive(Clone, Debug, Default)]
pub struct FlavorQuery {
    /// `Some(true)`: public ones and those that the project may use; `None`: all.
    pub is_public: Option<bool>,
    /// At least this much memory.
    pub min_ram: Option<i64>,
    /// At least this much disk.
    pub min_disk: Option<i64>,
    /// With this in the name.
    pub name: Option<String>,
    /// Sorted by this.
    pub sort_key: String,
    /// Upwards or downwards.
    pub descending: bool,
    /// Starting after this one.
    pub marker: Option<String>,
    /// So many.
    pub limit: u32,
}

/// Nova's words for a flavor that does not exist.
pub fn no_flavor(id: &str) -> Fault {
    Fault::not_found(format!("Flavor {id} could not be found."))
}

/// The flavor if the project may use it.
pub fn usable(tx: &Tx, cx: &Cx, id: &str) -> Result<Option<Flavor>, Fault> {
    let Some(flavor) = rows::flavor_by_id(tx, id)? else { return Ok(None) };
    let mine = flavor.is_public
        || cx.who.admin
        || rows::flavor_projects(tx, id)?.iter().any(|project| project == cx.who.project());
    Ok(mine.then_some(flavor))
}

impl Compute {
    /// The flavor.
    pub async fn flavor_show(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<Flavor, Fault> {
        let id = id.to_owned();
        self.read(cx, move |_, tx, cx| usable(tx, cx, &id)?.ok_or_else(|| no_flavor(&id))).await
    }

    /// Flavors.
    pub async fn flavor_list(self: &Arc<Self>, cx: &Cx, query: FlavorQuery) -> Result<Vec<Flavor>, Fault> {
        self.read(cx, move |_, tx, cx| {
            let mut list = List::new(&rows::FLAVORS);
            let access = "EXISTS (SELECT 1 FROM compute_flavor_access a WHERE a.flavor_id = compute_flavors.id AND a.project_id = ?)";
            match (query.is_public, cx.who.admin) {
                (None, true) => {}
                (Some(false), true) => drop(list.matching("is_public = 0", params![])),
                (Some(true) | None, _) => {
                    let condition: &'static str = "is_public = 1 OR EXISTS (SELECT 1 FROM compute_flavor_access a \
                        WHERE a.flavor_id = compute_flavors.id AND a.project_id = ?)";
                    list.matching(condition, params![cx.who.project()]);
                }
                (Some(false), false) => drop(list.matching(access, params![cx.who.project()])),
            }
            if !cx.who.admin {
                list.matching("disabled = 0", params![]);
            }
            if let Some(least) = query.min_ram {
                list.matching("memory_mib >= ?", params![least]);
            }
            if let Some(least) = query.min_disk {
                list.matching("root_gib >= ?", params![least]);
            }
            if let Some(name) = &query.name {
                list.matching("name = ?", params![name]);
            }
            let direction = if query.descending { Direction::Desc } else { Direction::Asc };
            list.sort(&query.sort_key, direction).map_err(ListError::fault)?;
            list.marker(query.marker.as_deref()).limit(Some(query.limit));
            rows::flavor_list(tx, &list).map_err(|error| match error {
                ListError::UnknownMarker(marker) => Fault::bad_input(format!("marker [{marker}] not found")),
                other => other.fault(),
            })
        })
        .await
    }

    /// Makes a flavor. An empty id is chosen here.
    pub async fn flavor_create(self: &Arc<Self>, cx: &Cx, flavor: Flavor) -> Result<Flavor, Fault> {
        cx.may(&rules::FLAVOR_MANAGE_CREATE, &Target::none())?;
        self.write(cx, move |_, tx, _| {
            let mut flavor = flavor.clone();
            if flavor.facts.id.is_empty() {
                flavor.facts.id = tx.entropy().dashed_id();
            }
            if rows::flavor_by_id(tx, &flavor.facts.id)?.is_some() {
                return Err(Fault::conflict(format!("Flavor with ID {} already exists.", flavor.facts.id)));
            }
            if rows::flavor_name_taken(tx, &flavor.facts.name)? {
                return Err(Fault::conflict(format!(
                    "Flavor with name {} already exists.",
                    flavor.facts.name
                )));
            }
            rows::flavor_insert(tx, &flavor)?;
            Ok(flavor)
        })
        .await
    }

    /// Changes the description of a flavor.
    pub async fn flavor_update(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        description: Option<String>,
    ) -> Result<Flavor, Fault> {
        cx.may(&rules::FLAVOR_MANAGE_UPDATE, &Target::none())?;
        let id = id.to_owned();
        self.write(cx, move |_, tx, _| {
            rows::flavor_describe(tx, &id, description.clone())?;
            rows::flavor_by_id(tx, &id)?.ok_or_else(|| no_flavor(&id))
        })
        .await
    }

    /// Deletes a flavor.
    pub async fn flavor_delete(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<(), Fault> {
        cx.may(&rules::FLAVOR_MANAGE_DELETE, &Target::none())?;
        let id = id.to_owned();
        self.write(
            cx,
            move |_, tx, _| if rows::flavor_delete(tx, &id)? { Ok(()) } else { Err(no_flavor(&id)) },
        )
        .await
    }

    /// Adds or changes extra specs.
    pub async fn flavor_specs_set(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        specs: BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let id = id.to_owned();
        self.write(cx, move |_, tx, _| {
            rows::flavor_by_id(tx, &id)?.ok_or_else(|| no_flavor(&id))?;
            rows::flavor_specs_set(tx, &id, &specs)
        })
        .await
    }

    /// Deletes an extra spec.
    pub async fn flavor_spec_delete(self: &Arc<Self>, cx: &Cx, id: &str, name: &str) -> Result<(), Fault> {
        cx.may(&rules::FLAVOR_EXTRA_SPECS_DELETE, &Target::none())?;
        let (id, name) = (id.to_owned(), name.to_owned());
        self.write(cx, move |_, tx, _| {
            rows::flavor_by_id(tx, &id)?.ok_or_else(|| no_flavor(&id))?;
            if rows::flavor_spec_delete(tx, &id, &name)? { Ok(()) } else { Err(no_spec(&id, &name)) }
        })
        .await
    }

    /// The projects that may use a flavor.
    pub async fn flavor_access_list(self: &Arc<Self>, cx: &Cx, id: &str) -> Result<Vec<String>, Fault> {
        cx.may(&rules::FLAVOR_ACCESS, &Target::own(&cx.who))?;
        let id = id.to_owned();
        self.read(cx, move |_, tx, _| {
            let flavor = rows::flavor_by_id(tx, &id)?.ok_or_else(|| no_flavor(&id))?;
            if flavor.is_public {
                return Err(Fault::not_found("Access list not available for public flavors."));
            }
            rows::flavor_projects(tx, &id)
        })
        .await
    }

    /// Lets a project use a flavor.
    pub async fn flavor_access_add(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        project_id: &str,
    ) -> Result<Vec<String>, Fault> {
        cx.may(&rules::FLAVOR_ACCESS_ADD_TENANT_ACCESS, &Target::none())?;
        let (id, project_id) = (id.to_owned(), project_id.to_owned());
        self.write(cx, move |this, tx, cx| {
            this.project_must_be(tx, &project_id)?;
            let flavor = rows::flavor_by_id(tx, &id)?.ok_or_else(|| no_flavor(&id))?;
            if flavor.is_public && cx.has(crate::versions::FLAVOR_ACCESS_CHECKED) {
                return Err(Fault::conflict("Can not add access to a public flavor."));
            }
            if !rows::flavor_access_add(tx, &id, &project_id)? {
                return Err(Fault::conflict(format!(
                    "Flavor access already exists for flavor {id} and project {project_id} combination."
                )));
            }
            rows::flavor_projects(tx, &id)
        })
        .await
    }

    /// Does not let a project use a flavor any more.
    pub async fn flavor_access_remove(
        self: &Arc<Self>,
        cx: &Cx,
        id: &str,
        project_id: &str,
    ) -> Result<Vec<String>, Fault> {
        cx.may(&rules::FLAVOR_ACCESS_REMOVE_TENANT_ACCESS, &Target::none())?;
        let (id, project_id) = (id.to_owned(), project_id.to_owned());
        self.write(cx, move |_, tx, _| {
            rows::flavor_by_id(tx, &id)?.ok_or_else(|| no_flavor(&id))?;
            if !rows::flavor_access_remove(tx, &id, &project_id)? {
                return Err(Fault::not_found(format!(
                    "Flavor access not found for {id} / {project_id} combination."
                )));
            }
            rows::flavor_projects(tx, &id)
        })
        .await
    }

    /// Refuses a project that does not exist, as Nova does.
    pub(crate) fn project_must_be(&self, tx: &Tx, project_id: &str) -> Result<(), Fault> {
        if self.identity.has_project(tx, project_id)? {
            return Ok(());
        }
        Err(Fault::bad_input(format!("Project ID {project_id} is not a valid project.")))
    }
}

/// Nova's words for an extra spec that a flavor has not.
pub fn no_spec(id: &str, name: &str) -> Fault {
    Fault::not_found(format!("Flavor {id} has no extra specs with key {name}."))
}

/// The flavors of a new cloud: id, name, processors, MiB, GiB.
const FIRST: &[(&str, &str, u64, u64, u64)] = &[
    ("c1", "cirros256", 1, 256, 1),
    ("d1", "ds512M", 1, 512, 5),
    ("d2", "ds1G", 1, 1024, 10),
    ("1", "m1.tiny", 1, 512, 1),
    ("2", "m1.small", 1, 2048, 20),
    ("3", "m1.medium", 2, 4096, 40),
    ("4", "m1.large", 4, 8192, 80),
    ("5", "m1.xlarge", 8, 16384, 160),
    ("42", "m1.nano", 1, 128, 1),
    ("84", "m1.micro", 1, 256, 1),
];

/// The fact that the first flavors were made.
const FOUNDED: &str = "compute.founded";

/// Makes the first flavors, once. Stores that were founded before that was written down have some.
pub fn bootstrap(tx: &Tx) -> Result<(), Fault> {
    if tx.fact(FOUNDED)?.is_some() {
        return Ok(());
    }
    tx.fact_put(FOUNDED, 1)?;
    if tx.query_one("SELECT 1 FROM compute_flavors", &[])?.is_some() {
        return Ok(());
    }
    for (id, name, vcpus, memory_mib, root_gib) in FIRST {
        let facts = FlavorFacts {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            vcpus: *vcpus,
            memory_mib: *memory_mib,
            root_gib: *root_gib,
            ..FlavorFacts::default()
        };
        let flavor = Flavor {
            facts,
            number: 0,
            rxtx_factor: 1.0,
            is_public: true,
            disabled: false,
            description: None,
        };
        rows::flavor_insert(tx, &flavor)?;
    }
    Ok(())
}
