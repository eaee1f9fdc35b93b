//! Every operation of every service, asked over the router as each persona of the table of permissions.
//!
//! Whom the table refuses must be refused (403, or 404 where the thing is hidden), and whom it allows must not be. So an
//! operation that forgets to ask its rule is found, and one that asks another. Each persona asks for what is its own and for
//! what is a stranger's. What takes things away is asked last: of those who may, only the cloud's administrator does, and of
//! strangers' things, since the next one would find nothing.

mod bodies;
mod furnish;
mod names;
mod world;

use super::sweep::{self, Thing};
use crate::wire_up;
use bodies::Sent;
use http::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use web::routes::{Access, Row};
use world::{Persona, World};

/// An operation that decides otherwise than its rule says, because the real service does.
struct Meant {
    service: &'static str,
    name: &'static str,
    personas: &'static [&'static str],
    thing: Thing,
    because: &'static str,
}

const fn meant(
    service: &'static str,
    name: &'static str,
    personas: &'static [&'static str],
    thing: Thing,
    because: &'static str,
) -> Meant {
    Meant { service, name, personas, thing, because }
}

/// All of these. One that nobody meets is too many.
const MEANT: &[Meant] = &[
    meant("identity", "auth_catalog", NOT_IN_PROJECT, Thing::Own, CATALOGS),
    meant("network", "quota_show", IN_PROJECT, Thing::Own, OWN_LIMITS),
    meant("network", "quota_show", MANAGERS, Thing::Strange, DEFAULTS),
    meant("network", "quota_default", IN_PROJECT, Thing::Own, OWN_LIMITS),
    meant("network", "quota_default", MANAGERS, Thing::Strange, DEFAULTS),
    meant("network", "quota_details", IN_PROJECT, Thing::Own, OWN_LIMITS),
    meant("network", "quota_details", ADMINS, Thing::Own, WHATEVER_SCOPE),
    meant("network", "quota_details", ADMINS, Thing::Strange, WHATEVER_SCOPE),
    meant("network", "rbac_policy_create", ADMINS, Thing::Own, JOINED),
    meant("network", "rbac_policy_create", ADMINS, Thing::Strange, JOINED),
    meant("network", "rbac_policy_update", ADMINS, Thing::Own, JOINED),
    meant("network", "rbac_policy_update", ADMINS, Thing::Strange, JOINED),
];

const CATALOGS: &str = "Keystone has catalogs for projects alone";
const OWN_LIMITS: &str = "Neutron asks a rule only for the limits of others";
const DEFAULTS: &str = "Neutron asks the rule of the caller's own project, and tells him the defaults";
const WHATEVER_SCOPE: &str = "Neutron asks who is an administrator, in whatever scope";
const JOINED: &str = "Neutron joins the rules of what names attributes, and looks at no scope then";

/// Who is in the project, and whom a rule refuses that is for its managers.
const IN_PROJECT: &[&str] = &["project reader", "project member", "service"];
/// Whom that rule lets in.
const MANAGERS: &[&str] = &["project manager"];
/// Administrators whose tokens are not for a project.
const ADMINS: &[&str] = &["system admin", "domain admin"];

/// Whoever has a token for something else.
const NOT_IN_PROJECT: &[&str] = &[
    "system reader",
    "system member",
    "system manager",
    "system admin",
    "domain reader",
    "domain member",
    "domain manager",
    "domain admin",
    "no role",
];

/// Operations that an operator cannot close by their rule, as the real service has it.
const UNRULED: &[(&str, &str)] = &[("network", "quota_details")];

/// What Neutron says to somebody who has no project to make a thing in.
const HOMELESS: &str = "Running without keystone AuthN requires that project_id is specified";

/// What takes other things along comes after what asks for one of these.
const LAST: &[&str] = &["user_tokens_revoke", "domain_delete", "project_delete", "user_delete"];

/// An operation that asks a rule.
struct Deed {
    service: &'static str,
    mount: &'static str,
    row: Row,
    rule: &'static policy::Rule,
}

/// Those of the services that are mounted here, longest paths first: children before their parents.
fn deeds() -> Vec<Deed> {
    let mut deeds = Vec::new();
    for (service, mount, rows) in wire_up::tables() {
        for row in rows.into_iter().filter(|_| service != "simulation") {
            if let Access::Rule(rule) = row.access {
                deeds.push(Deed { service, mount, row, rule });
            }
        }
    }
    let depth = |row: &Row| row.path.split('/').count() - usize::from(LAST.contains(&row.name));
    deeds.sort_by_key(|deed| std::cmp::Reverse(depth(&deed.row)));
    deeds
}

impl Deed {
    fn request(&self, world: &World, persona: &Persona, thing: Thing) -> (Sent, bool) {
        let (path, real) = world.path(self.service, &self.row, persona, thing);
        let sent = Sent {
            method: self.row.method.clone(),
            path: format!("{}{path}", self.mount),
            version: self.row.until.map(|until| until.to_string()),
            ..bodies::of(world, self.service, &self.row, persona, thing)
        };
        (sent, real)
    }

    /// After it, the next one would find nothing.
    fn takes_away(&self) -> bool {
        self.row.method == Method::DELETE || self.row.name == "router_interface_remove"
    }

    /// For what somebody can ask, and what the table says to that. Where nothing of the request is anybody's, to be allowed
    /// anything is enough.
    fn questions(&self, world: &World, persona: &Persona) -> Vec<(Thing, bool)> {
        let service = self.rule.service;
        let cell = sweep::cell(&world.policy, service, self.rule.name, persona.who(service));
        let request = |thing| self.request(world, persona, thing);
        if request(Thing::Own) == request(Thing::Strange) {
            return vec![(Thing::Own, cell != '.')];
        }
        vec![(Thing::Own, matches!(cell, '*' | 'o' | 'b')), (Thing::Strange, cell == '*')]
    }

    /// Asks; gives the answer, and whether it refuses. What is hidden is not there, but what is not there anyway shows
    /// nothing. Neutron's lists are for everybody: rules leave out of them what somebody may not see. And it refuses before
    /// any rule to make something for somebody without a project.
    async fn asked(&self, world: &World, persona: &Persona, thing: Thing) -> (u16, Value, bool) {
        let (sent, real) = self.request(world, persona, thing);
        let list = self.service == "network" && sent.method == Method::GET && !self.row.path.contains('{');
        let (status, _, body) = world.ask(&persona.token, sent).await;
        let empty = |body: &Value| {
            let mut values = body.as_object().into_iter().flat_map(|body| body.values());
            values.all(|value| value.as_array().is_some_and(Vec::is_empty))
        };
        let homeless = status == 400 && body["NeutronError"]["message"] == HOMELESS;
        let hidden = status == 404 && real || status == 200 && list && empty(&body);
        let refused = status == 403 || hidden || homeless;
        (status, body, refused)
    }

    fn told(&self, persona: &Persona, thing: Thing, said: &str, status: u16, body: &Value) -> String {
        let whose = if thing == Thing::Own { "its own" } else { "a stranger's" };
        let Row { method, path, name, .. } = &self.row;
        let (service, persona, body) = (self.service, &persona.name, body.to_string());
        let body: String = body.chars().take(200).collect();
        format!(
            "{service} {method} {path} ({name}): {persona}, for {whose}, is {said} and answered {status} {body}"
        )
    }
}

/// The sweep: what was found wrong, and which of the exceptions were met.
#[derive(Default)]
struct Sweep {
    wrong: Vec<String>,
    met: HashSet<(usize, String)>,
}

impl Sweep {
    /// Asks as everybody, for what is his and for what is not; or as those alone whom the table refuses.
    async fn all(&mut self, world: &World, deed: &Deed, only_refused: bool) {
        for persona in &world.personas {
            for (thing, allowed) in deed.questions(world, persona) {
                if !(only_refused && allowed) {
                    self.one(world, deed, persona, thing, allowed).await;
                }
            }
        }
    }

    async fn one(&mut self, world: &World, deed: &Deed, persona: &Persona, thing: Thing, allowed: bool) {
        let excepted = MEANT.iter().position(|meant| {
            (meant.service, meant.name, meant.thing) == (deed.service, deed.row.name, thing)
                && meant.personas.contains(&persona.name.as_str())
        });
        let (status, body, refused) = deed.asked(world, persona, thing).await;
        let mut said = if allowed { "allowed" } else { "refused" }.to_owned();
        if let Some(at) = excepted {
            self.met.insert((at, persona.name.clone()));
            said.push_str(&format!(", but {}", MEANT[at].because));
        }
        if refused == (allowed != excepted.is_some()) || status == 500 {
            self.wrong.push(deed.told(persona, thing, &said, status, &body));
        }
    }
}

#[tokio::test]
async fn every_operation_decides_over_http_as_the_table_says() {
    let world = World::made().await;
    let (last, first): (Vec<_>, Vec<_>) = deeds().into_iter().partition(Deed::takes_away);
    let mut sweep = Sweep::default();
    for deed in &first {
        sweep.all(&world, deed, false).await;
    }
    for deed in &last {
        sweep.all(&world, deed, true).await;
    }
    let admin = world.persona("project admin");
    for deed in &last {
        if let Some((thing, true)) = deed.questions(&world, admin).pop() {
            sweep.one(&world, deed, admin, thing, true).await;
        }
    }
    let Sweep { wrong, met } = sweep;
    assert!(wrong.is_empty(), "{} answers are not as the table says:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(met.len(), MEANT.iter().map(|meant| meant.personas.len()).sum::<usize>(), "{met:?}");
}

#[tokio::test]
async fn a_rule_that_an_operator_closes_is_closed_to_administrators_too() {
    let world = World::made().await;
    let admin = world.persona("project admin");
    let mut wrong = Vec::new();
    for deed in deeds().iter().filter(|deed| !UNRULED.contains(&(deed.service, deed.row.name))) {
        let Deed { rule, .. } = deed;
        world.policy.amend(rule.service, format!("{:?}: '!'\n", rule.name)).unwrap();
        let (status, body, refused) = deed.asked(&world, admin, Thing::Strange).await;
        if !refused {
            wrong.push(deed.told(admin, Thing::Strange, "refused", status, &body));
        }
        world.policy.amend(rule.service, "").unwrap();
    }
    assert!(wrong.is_empty(), "{} operations ask another rule or none:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn an_operator_says_who_is_an_administrator() {
    let world = World::made().await;
    let seen = async |persona: &str| {
        let persona = world.persona(persona);
        let server = world.id("servers", persona, Thing::Strange).unwrap();
        let path = format!("/compute/v2.1/servers/{server}");
        world.ask(&persona.token, Sent { path, ..Sent::default() }).await
    };
    assert_eq!((seen("project admin").await.0, seen("project manager").await.0), (200, 404));
    world.policy.amend("compute", "context_is_admin: 'role:manager and not role:admin'\n").unwrap();
    assert_eq!((seen("project admin").await.0, seen("project manager").await.0), (404, 200));
    // What is told to administrators alone is told to those.
    let told = seen("project manager").await.2;
    assert!(told["server"].get("OS-EXT-SRV-ATTR:hypervisor_hostname").is_some(), "{told}");
}

#[tokio::test]
async fn an_operator_who_closes_the_rule_for_one_member_empties_their_list() {
    let world = World::made().await;
    let owner = world.persona("project member");
    let members = format!("/image/v2/images/{}/members", world.id("images", owner, Thing::Own).unwrap());
    let borrower = world.id("borrower", owner, Thing::Own).unwrap();
    let ask = async |method: Method, path: String, body: Value| {
        let (status, _, body) = world.ask(&owner.token, Sent { method, path, body, ..Sent::default() }).await;
        (status, body["members"].as_array().map(Vec::len))
    };
    let made = ask(Method::POST, members.clone(), json!({"member": borrower})).await;
    assert_eq!(made.0, 200);
    let one = format!("{members}/{borrower}");
    assert_eq!(ask(Method::GET, members.clone(), Value::Null).await, (200, Some(1)));
    assert_eq!(ask(Method::GET, one.clone(), Value::Null).await.0, 200);
    // The owner is none of them, and so answers for none.
    assert_eq!(ask(Method::PUT, one.clone(), json!({"status": "accepted"})).await.0, 403);
    world.policy.amend("image", "get_member: '!'\n").unwrap();
    assert_eq!(ask(Method::GET, members.clone(), Value::Null).await, (200, Some(0)));
    assert_eq!(ask(Method::GET, one.clone(), Value::Null).await.0, 404);
    assert_eq!(ask(Method::DELETE, one, Value::Null).await.0, 403);
}

#[tokio::test]
async fn an_operator_who_closes_the_rule_for_one_image_hides_every_image() {
    let world = World::made().await;
    let owner = world.persona("project member");
    let image = world.id("images", owner, Thing::Own).unwrap();
    let ask = async |method: Method, path: &str, body: Value| {
        let sent = Sent { method, path: path.to_owned(), body, ..Sent::default() };
        let (status, _, body) = world.ask(&owner.token, sent).await;
        (status, body["images"].as_array().map(Vec::len))
    };
    let one = format!("/image/v2/images/{image}");
    assert!(ask(Method::GET, "/image/v2/images", Value::Null).await.1 > Some(0));
    world.policy.amend("image", "get_image: '!'\ndeactivate: '!'\n").unwrap();
    assert_eq!(ask(Method::GET, "/image/v2/images?limit=1", Value::Null).await, (200, Some(0)));
    assert_eq!(ask(Method::GET, &one, Value::Null).await.0, 404);
    assert_eq!(ask(Method::POST, &format!("{one}/actions/deactivate"), Value::Null).await.0, 404);
    let boot = world.id("boot", owner, Thing::Own).unwrap();
    let server = json!({"server": {"name": "n", "imageRef": boot, "networks": "none",
        "flavorRef": world.id("flavor", owner, Thing::Own).unwrap()}});
    assert_eq!(ask(Method::POST, "/compute/v2.1/servers", server.clone()).await.0, 400);
    // Who may take an image away need not see it.
    assert_eq!(ask(Method::DELETE, &one, Value::Null).await.0, 204);
    world.policy.amend("image", "").unwrap();
    assert_eq!(ask(Method::POST, "/compute/v2.1/servers", server).await.0, 202);
}

#[tokio::test]
async fn an_operator_keeps_images_by_what_is_said_of_them() {
    let world = World::made().await;
    let owner = world.persona("project member");
    let image = format!("/image/v2/images/{}", world.id("active", owner, Thing::Own).unwrap());
    let ask = async |method: Method, path: &str, body: Value| {
        let kind = match method {
            Method::PATCH => "application/openstack-images-v2.1-json-patch",
            _ => "application/json",
        };
        let sent = Sent { method, path: path.to_owned(), body, kind, ..Sent::default() };
        world.ask(&owner.token, sent).await.0
    };
    let file = "restricted: \"not ('test_key':%(x_test_key)s and 'False':%(protected)s and role:member)\"\n\
                download_image: rule:restricted\nadd_image: \"'private':%(visibility)s\"\n";
    world.policy.amend("image", file).unwrap();
    let data = format!("{image}/file");
    assert_eq!(ask(Method::GET, &data, Value::Null).await, 200);
    let property = json!([{"op": "add", "path": "/x_test_key", "value": "test_key"}]);
    assert_eq!(ask(Method::PATCH, &image, property).await, 200);
    assert_eq!(ask(Method::GET, &data, Value::Null).await, 403);
    // A property of that name is not what Glance says of the image.
    let property = json!([{"op": "add", "path": "/image_id", "value": "mine"}]);
    assert_eq!(ask(Method::PATCH, &image, property).await, 200);
    world.policy.amend("image", "download_image: \"'mine':%(image_id)s\"\n").unwrap();
    assert_eq!(ask(Method::GET, &data, Value::Null).await, 403);
    world.policy.amend("image", file).unwrap();
    for (visibility, status) in [(json!({"visibility": "community"}), 403), (json!({}), 201)] {
        assert_eq!(ask(Method::POST, "/image/v2/images", visibility).await, status);
    }
}
