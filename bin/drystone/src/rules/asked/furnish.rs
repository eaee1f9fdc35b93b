//! The making of what is there when the personas ask.

use super::bodies::Sent;
use super::world::{Ids, NOWHERE, Persona, World};
use crate::rules::sweep;
use http::Method;
use serde_json::{Value, json};

const PASSWORD: &str = "Persona-Secret1";
const V3: &str = "/identity/v3";
const NETWORK: &str = "/network/v2.0";
const COMPUTE: &str = "/compute/v2.1";

impl World {
    pub(super) async fn furnish(&mut self) {
        self.shared = self.common().await;
        self.shared.extend(self.catalogued().await);
        self.shared.extend(self.operated().await);
        self.own = self.side("own").await;
        self.strange = self.side("strange").await;
        let (own, strange) = (&self.own, &self.strange);
        let (to_strange, to_own) = (self.given(own, strange).await, self.given(strange, own).await);
        self.own.insert("offered", to_own);
        self.strange.insert("offered", to_strange);
        let columns = sweep::personas(&self.policy, "identity");
        for (name, _) in columns {
            let persona = self.settled(name).await;
            self.personas.push(persona);
        }
    }

    async fn put(&self, path: &str, body: Value) {
        self.done(&self.admin, Method::PUT, path, body).await;
    }

    async fn get(&self, path: &str) -> Value {
        self.done(&self.admin, Method::GET, path, Value::Null).await
    }

    /// Makes a thing; gives its id.
    async fn make(&self, token: &str, path: &str, noun: &str, body: Value) -> String {
        let made = self.done(token, Method::POST, path, json!({noun: body})).await;
        id(made.get(noun).unwrap_or(&made))
    }

    /// A thing of identity.
    async fn known(&self, nouns: &str, noun: &str, body: Value) -> String {
        self.make(&self.admin, &format!("{V3}/{nouns}"), noun, body).await
    }

    async fn role(&self, name: &str) -> String {
        id(&self.get(&format!("{V3}/roles?name={name}")).await["roles"][0])
    }

    /// What identity has once for all.
    async fn common(&self) -> Ids {
        let spare = self.known("roles", "role", json!({"name": "spare"})).await;
        let implied = self.known("roles", "role", json!({"name": "implied"})).await;
        self.put(&format!("{V3}/roles/{spare}/implies/{implied}"), Value::Null).await;
        let configured = self.known("domains", "domain", json!({"name": "configured"})).await;
        let closed = self.known("domains", "domain", json!({"name": "closed", "enabled": false})).await;
        let options =
            json!({"identity": {"list_limit": 3, "driver": "sql"}, "ldap": {"url": "ldap://ldap.test"}});
        self.put(&format!("{V3}/domains/{configured}/config"), json!({"config": options})).await;
        let rules = json!([{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "REMOTE_USER"}]}]);
        let provider = json!({"auth_url": "http://there.test/v3", "sp_url": "http://there.test/sso"});
        for (path, body) in [
            ("mappings/m", json!({"mapping": {"rules": rules}})),
            ("identity_providers/i", json!({"identity_provider": {"enabled": true}})),
            ("identity_providers/i/protocols/p", json!({"protocol": {"mapping_id": "m"}})),
            ("service_providers/s", json!({"service_provider": provider})),
        ] {
            self.put(&format!("{V3}/OS-FEDERATION/{path}"), body).await;
        }
        [
            ("member", self.role("member").await),
            ("reader", self.role("reader").await),
            ("spare", spare),
            ("implied", implied),
            ("config_domain", configured),
            ("closed_domain", closed),
            ("compliance_domain", "default".into()),
            ("config_group", "identity".into()),
            ("config_option", "list_limit".into()),
            ("compliance_option", "password_regex".into()),
            ("mappings", "m".into()),
            ("identity_providers", "i".into()),
            ("protocols", "p".into()),
            ("service_providers", "s".into()),
            ("consumers", self.known("OS-OAUTH1/consumers", "consumer", json!({"description": "c"})).await),
            ("borrower", NOWHERE.into()),
            ("tags", "t".into()),
        ]
        .into()
    }

    /// The catalog, with policies and limits of what is in it.
    async fn catalogued(&self) -> Ids {
        let service = self.known("services", "service", json!({"type": "things"})).await;
        let spare = self.known("services", "service", json!({"type": "spares"})).await;
        let endpoint = json!({"service_id": service, "interface": "public", "url": "http://things.test"});
        let endpoint = self.known("endpoints", "endpoint", endpoint).await;
        let group = json!({"name": "g", "filters": {"interface": "public"}});
        let region = self.known("regions", "region", json!({"description": "r"})).await;
        let policy = self.known("policies", "policy", json!({"blob": "b", "type": "t"})).await;
        for of in [
            format!("endpoints/{endpoint}"),
            format!("services/{service}"),
            format!("services/{service}/regions/{region}"),
        ] {
            self.put(&format!("{V3}/policies/{policy}/OS-ENDPOINT-POLICY/{of}"), Value::Null).await;
        }
        let limit = |name: &str| json!({"service_id": service, "resource_name": name, "default_limit": 5});
        let limits = json!({"registered_limits": [limit("limited"), limit("spare")]});
        let limits = self.done(&self.admin, Method::POST, &format!("{V3}/registered_limits"), limits).await;
        let limit = |name: &str| {
            let all = limits["registered_limits"].as_array().unwrap();
            id(all.iter().find(|limit| limit["resource_name"] == name).unwrap())
        };
        [
            ("registered_limits", limit("limited")),
            ("spare_limit", limit("spare")),
            ("services", service),
            ("spare_service", spare),
            ("endpoints", endpoint),
            ("endpoint_groups", self.known("OS-EP-FILTER/endpoint_groups", "endpoint_group", group).await),
            ("regions", region),
            ("policies", policy),
        ]
        .into()
    }

    /// What the cloud's operators have: hosts, flavors, the public network, an image for everybody.
    async fn operated(&self) -> Ids {
        let admin = &self.admin;
        let flavor = async |name: &str, public: bool| {
            let body =
                json!({"name": name, "ram": 64, "vcpus": 1, "disk": 0, "os-flavor-access:is_public": public});
            self.make(admin, &format!("{COMPUTE}/flavors"), "flavor", body).await
        };
        let (open, closed) = (flavor("open", true).await, flavor("closed", false).await);
        let specs = json!({"extra_specs": {"hw:cpu_policy": "shared"}});
        self.done(admin, Method::POST, &format!("{COMPUTE}/flavors/{open}/os-extra_specs"), specs).await;
        let aggregate = json!({"aggregate": {"name": "a"}});
        let aggregate = self.done(admin, Method::POST, &format!("{COMPUTE}/os-aggregates"), aggregate).await;
        let services = self.get(&format!("{COMPUTE}/os-services?binary=nova-compute")).await;
        let providers = self.get("/placement/resource_providers").await;
        let boot = json!({"name": "boot", "visibility": "public"});
        self.lend_to_all().await;
        [
            ("flavor", id(&self.get(&format!("{COMPUTE}/flavors")).await["flavors"][0])),
            ("flavors", open),
            ("closed_flavor", closed),
            ("os-extra_specs", "hw:cpu_policy".into()),
            ("os-aggregates", aggregate["aggregate"]["id"].to_string()),
            ("public", id(&self.get(&format!("{NETWORK}/networks?name=public")).await["networks"][0])),
            ("agents", id(&self.get(&format!("{NETWORK}/agents")).await["agents"][0])),
            ("os-hypervisors", id(&self.get(&format!("{COMPUTE}/os-hypervisors")).await["hypervisors"][0])),
            ("host_name", "host".into()),
            ("os-services", id(&services["services"][0])),
            ("resource_providers", providers["resource_providers"][0]["uuid"].as_str().unwrap().to_owned()),
            ("inventories", "VCPU".into()),
            ("resources", "VCPU:1".into()),
            ("boot", self.image(admin, boot, true).await),
            ("metadata", "k".into()),
            ("extensions", "os-keypairs".into()),
            ("os-quota-class-sets", "default".into()),
        ]
        .into()
    }

    /// What the network service shares with everybody beside the public network.
    async fn lend_to_all(&self) {
        let admin = &self.admin;
        let pool = json!({"name": "everybody's", "prefixes": ["10.0.0.0/8"], "shared": true});
        self.make(admin, &format!("{NETWORK}/subnetpools"), "subnetpool", pool).await;
        let group = json!({"name": "everybody's"});
        let group = self.make(admin, &format!("{NETWORK}/security-groups"), "security_group", group).await;
        let with_all = json!({"object_type": "security_group", "object_id": group, "action": "access_as_shared",
            "target_tenant": "*"});
        self.make(admin, &format!("{NETWORK}/rbac-policies"), "rbac_policy", with_all).await;
    }

    /// A domain with a project and all that a project can have.
    async fn side(&self, name: &str) -> Ids {
        let domain = self.known("domains", "domain", json!({"name": name})).await;
        let project = self.known("projects", "project", json!({"name": name, "domain_id": domain})).await;
        let user = json!({"name": "owner", "domain_id": domain, "password": PASSWORD});
        let user = self.known("users", "user", user).await;
        let grantee = self.known("users", "user", json!({"name": "grantee", "domain_id": domain})).await;
        let group = self.known("groups", "group", json!({"name": "g", "domain_id": domain})).await;
        let nothing = || Value::Null;
        let admin = self.role("admin").await;
        self.put(&format!("{V3}/projects/{project}/users/{user}/roles/{admin}"), nothing()).await;
        self.put(&format!("{V3}/groups/{group}/users/{grantee}"), nothing()).await;
        let member = &self.shared["member"];
        for actor in [format!("users/{grantee}"), format!("groups/{group}")] {
            for target in [format!("projects/{project}"), format!("domains/{domain}")] {
                let granted = format!("{target}/{actor}/roles/{member}");
                self.put(&format!("{V3}/{granted}"), nothing()).await;
                self.put(&format!("{V3}/OS-INHERIT/{granted}/inherited_to_projects"), nothing()).await;
            }
            self.put(&format!("{V3}/system/{actor}/roles/{member}"), nothing()).await;
        }
        self.put(&format!("{V3}/projects/{project}/tags/t"), nothing()).await;
        let filtered = format!("{V3}/OS-EP-FILTER");
        let (endpoint, endpoints) = (&self.shared["endpoints"], &self.shared["endpoint_groups"]);
        self.put(&format!("{filtered}/projects/{project}/endpoints/{endpoint}"), nothing()).await;
        self.put(&format!("{filtered}/endpoint_groups/{endpoints}/projects/{project}"), nothing()).await;
        let limits = json!({"limits": [{"service_id": self.shared["services"], "resource_name": "limited",
            "resource_limit": 1, "project_id": project}]});
        let limits = self.done(&self.admin, Method::POST, &format!("{V3}/limits"), limits).await;
        let token = self.token("owner", &domain, PASSWORD, json!({"project": {"id": project}})).await;
        let mut ids: Ids = [
            ("limits", id(&limits["limits"][0])),
            ("domains", domain),
            ("projects", project.clone()),
            ("home", project.clone()),
            ("grantee", grantee),
            ("groups", group),
            ("trustee", user.clone()),
            ("users", user.clone()),
        ]
        .into();
        let quota = json!({"quota": {"security_group": 100}});
        self.put(&format!("{NETWORK}/quotas/{project}"), quota).await;
        ids.extend(self.switched(&token).await);
        ids.extend(self.stored(&token).await);
        ids.extend(self.computed(&token, &ids["networks"]).await);
        ids.extend(self.belongings(&token, &user, &project).await);
        // A stranger's key pair is named with its owner.
        ids.insert("os-keypairs", format!("k?user_id={user}"));
        ids.insert("token", token);
        ids
    }

    /// What a project has of the network service. What compute's proxies remove are groups of their own.
    async fn switched(&self, token: &str) -> Ids {
        let make = async |nouns: &str, noun: &str, body| {
            self.make(token, &format!("{NETWORK}/{nouns}"), noun, body).await
        };
        let network = make("networks", "network", json!({"name": "n"})).await;
        let subnet = json!({"network_id": network, "ip_version": 4, "cidr": "10.9.0.0/24"});
        let floating = json!({"floating_network_id": self.shared["public"]});
        let group = async |name: &str| make("security-groups", "security_group", json!({"name": name})).await;
        let rule = async |group: String| {
            let body = json!({"security_group_id": group, "direction": "ingress", "protocol": "icmp"});
            make("security-group-rules", "security_group_rule", body).await
        };
        let rbac = json!({"object_type": "network", "object_id": network, "action": "access_as_shared",
            "target_tenant": NOWHERE});
        let pool = json!({"name": "p", "prefixes": ["10.0.0.0/8"]});
        let ids: Ids = [
            ("subnets", make("subnets", "subnet", subnet).await),
            ("ports", make("ports", "port", json!({"network_id": network})).await),
            ("routers", make("routers", "router", json!({"name": "r"})).await),
            ("subnetpools", make("subnetpools", "subnetpool", pool).await),
            ("floatingips", make("floatingips", "floatingip", floating).await),
            ("security-groups", group("group").await),
            ("security-group-rules", rule(group("ruled").await).await),
            ("os-security-groups", group("proxied").await),
            ("os-security-group-rules", rule(group("ruled by proxy").await).await),
            ("rbac-policies", make("rbac-policies", "rbac_policy", rbac).await),
            ("networks", network),
        ]
        .into();
        for nouns in
            ["networks", "subnets", "ports", "routers", "subnetpools", "floatingips", "security-groups"]
        {
            let tag = format!("{NETWORK}/{nouns}/{}/tags/t", ids[nouns]);
            self.done(token, Method::PUT, &tag, Value::Null).await;
        }
        ids
    }

    /// An image with a tag, with data or without.
    async fn image(&self, token: &str, mut body: Value, filled: bool) -> String {
        body["disk_format"] = "raw".into();
        body["container_format"] = "bare".into();
        let made = id(&self.done(token, Method::POST, "/image/v2/images", body).await);
        let path = format!("/image/v2/images/{made}");
        self.done(token, Method::PUT, &format!("{path}/tags/t"), Value::Null).await;
        if filled {
            let (method, path, kind) = (Method::PUT, format!("{path}/file"), "application/octet-stream");
            let sent = Sent { method, path, kind, body: json!("data"), ..Sent::default() };
            assert_eq!(self.ask(token, sent).await.0, 204);
        }
        made
    }

    /// Its images: without and with data, lent to somebody who is not here, and to be given to the other side.
    async fn stored(&self, token: &str) -> Ids {
        let mut ids = Ids::new();
        for (noun, filled) in [("images", false), ("active", true), ("lent", true), ("gift", true)] {
            ids.insert(noun, self.image(token, json!({"name": noun}), filled).await);
        }
        self.offer(token, &ids["lent"], NOWHERE).await;
        ids
    }

    async fn offer(&self, token: &str, image: &str, to: &str) {
        let members = format!("/image/v2/images/{image}/members");
        self.done(token, Method::POST, &members, json!({"member": to})).await;
    }

    /// One side's image is offered to the other.
    async fn given(&self, giver: &Ids, taker: &Ids) -> String {
        self.offer(&giver["token"], &giver["gift"], &taker["projects"]).await;
        giver["gift"].clone()
    }

    /// Its servers. Nothing ever runs, and no reconciler gives ports.
    async fn computed(&self, token: &str, network: &str) -> Ids {
        let body = json!({"name": "s", "imageRef": self.shared["boot"], "flavorRef": self.shared["flavor"],
            "networks": "none", "metadata": {"k": "v"}, "tags": ["t"]});
        let server = self.make(token, &format!("{COMPUTE}/servers"), "server", body).await;
        let of_server = format!("{COMPUTE}/servers/{server}");
        let port = json!({"network_id": network, "device_id": server, "device_owner": "compute:nova"});
        let port = self.make(token, &format!("{NETWORK}/ports"), "port", port).await;
        let actions =
            self.done(token, Method::GET, &format!("{of_server}/os-instance-actions"), Value::Null).await;
        let action = actions["instanceActions"][0]["request_id"].as_str().unwrap().to_owned();
        let group = json!({"name": "g", "policy": "affinity"});
        let group = self.make(token, &format!("{COMPUTE}/os-server-groups"), "server_group", group).await;
        [
            ("servers", server),
            ("os-instance-actions", action),
            ("os-server-groups", group),
            ("os-interface", port),
            ("ips", "n".into()),
        ]
        .into()
    }

    /// What is a user's, made with a token of his for a project.
    async fn belongings(&self, token: &str, user: &str, project: &str) -> Ids {
        let of_user = format!("{V3}/users/{user}");
        let rule = json!([{"method": "GET", "path": "/v2.1/servers", "service": "compute"}]);
        let body = json!({"application_credential": {"name": "a", "access_rules": rule}});
        let made = self.done(token, Method::POST, &format!("{of_user}/application_credentials"), body).await;
        let made = &made["application_credential"];
        let trust = json!({"trustor_user_id": user, "trustee_user_id": user, "impersonation": false,
            "project_id": project, "roles": [{"name": "reader"}]});
        let credential = json!({"type": "t", "blob": "b", "user_id": user});
        let ec2 = format!("{of_user}/credentials/OS-EC2");
        let ec2 = self.done(&self.admin, Method::POST, &ec2, json!({"tenant_id": project})).await;
        let key = json!({"keypair": {"name": "k"}});
        self.done(token, Method::POST, &format!("{COMPUTE}/os-keypairs"), key).await;
        [
            ("application_credentials", id(made)),
            ("access_rules", id(&made["access_rules"][0])),
            ("trusts", self.make(token, &format!("{V3}/OS-TRUST/trusts"), "trust", trust).await),
            ("credentials", self.known("credentials", "credential", credential).await),
            ("OS-EC2", ec2["credential"]["access"].as_str().unwrap().to_owned()),
            ("os-keypairs", "k".to_owned()),
        ]
        .into()
    }

    /// A user with the roles of a persona, and things of his own. They need a project, which is another than the one that
    /// the persona's token is for.
    async fn settled(&self, name: String) -> Persona {
        let domain = self.own["domains"].clone();
        let user = json!({"name": name, "domain_id": domain, "password": PASSWORD});
        let user = self.known("users", "user", user).await;
        let home = self.known("projects", "project", json!({"name": name, "domain_id": domain})).await;
        let reader = &self.shared["reader"];
        self.put(&format!("{V3}/projects/{home}/users/{user}/roles/{reader}"), Value::Null).await;
        let project = &self.own["projects"];
        let (target, role, scope) = match name.split_once(' ') {
            Some(("system", role)) => (Some("system".to_owned()), role, json!({"system": {"all": true}})),
            Some(("domain", role)) => {
                (Some(format!("domains/{domain}")), role, json!({"domain": {"id": domain}}))
            }
            Some(("project", role)) => {
                (Some(format!("projects/{project}")), role, json!({"project": {"id": project}}))
            }
            None => (Some(format!("projects/{project}")), name.as_str(), json!({"project": {"id": project}})),
            Some(_) => (None, "", Value::Null),
        };
        if let Some(target) = target {
            let role = self.role(role).await;
            self.put(&format!("{V3}/{target}/users/{user}/roles/{role}"), Value::Null).await;
        }
        let token = self.token(&name, &domain, PASSWORD, scope).await;
        let at_home = self.token(&name, &domain, PASSWORD, json!({"project": {"id": home}})).await;
        let mut own = self.belongings(&at_home, &user, &home).await;
        own.extend([("users", user), ("home", home), ("token", token.clone())]);
        let who = self.policy.services().map(|service| {
            let column = sweep::personas(&self.policy, service).into_iter().find(|(known, _)| *known == name);
            (service, column.unwrap().1)
        });
        Persona { token, who: who.collect(), own, name }
    }
}

fn id(thing: &Value) -> String {
    thing["id"].as_str().unwrap_or_else(|| panic!("it has no id: {thing}")).to_owned()
}
