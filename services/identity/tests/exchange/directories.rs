//! Users and groups that live in LDAP, over the wire, beside Debian's `slapd`.

use crate::rig::{Cloud, LIFE, Told, project};
use crate::slapd::{Slapd, person, team};
use http::Method;
use identity::model::directory::public_id;
use identity::places::{FOR_ALL, PLACES};
use identity::settings::Settings;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longer than what a directory said stands.
const LATER: Duration = Duration::from_secs(61);

const ADA: &str = "uid=ada,ou=People,dc=example";

/// A cloud with a domain `corp` whose users `slapd` has.
struct Corp {
    cloud: Cloud,
    slapd: Slapd,
    domain: String,
}

impl Corp {
    async fn start() -> Self {
        let people = [
            person("ada", "Ada", "ada-word"),
            person("ben", "Ben", "ben-word"),
            person("cy", "Cy", "cy-word"),
        ];
        let teams = [team("makers", &["ada", "ben"]), team("idlers", &["cy", "gone"])];
        Self::of(&format!("{}{}", people.concat(), teams.concat()), Cloud::start().await).await
    }

    async fn of(entries: &str, cloud: Cloud) -> Self {
        let slapd = Slapd::start(entries).await;
        let domain = cloud.post("/v3/domains", json!({"domain": {"name": "corp"}})).await.id("domain");
        let corp = Self { cloud, slapd, domain };
        corp.configure(json!({})).await;
        corp
    }

    /// The domain's options are what they were, and these.
    async fn configure(&self, more: Value) {
        let path = format!("/v3/domains/{}/config", self.domain);
        let told = self.cloud.ask(Method::PUT, &path, &self.cloud.admin, self.slapd.options(more)).await;
        assert!(told.status < 300, "{told:?}");
    }

    fn user(&self, uid: &str) -> String {
        public_id(&self.domain, "user", uid)
    }

    fn group(&self, name: &str) -> String {
        public_id(&self.domain, "group", name)
    }

    async fn login(&self, user: Value, password: &str, scope: Value) -> Told {
        let mut user = user;
        user["password"] = json!(password);
        let mut body = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}});
        if !scope.is_null() {
            body["auth"]["scope"] = scope;
        }
        self.cloud.authenticate(body).await
    }

    async fn login_named(&self, name: &str, password: &str) -> Told {
        self.login(json!({"name": name, "domain": {"name": "corp"}}), password, Value::Null).await
    }

    async fn token(&self, name: &str, password: &str, scope: Value) -> String {
        let told = self.login(json!({"name": name, "domain": {"name": "corp"}}), password, scope).await;
        assert_eq!(told.status, 201, "{told:?}");
        told.header("x-subject-token").to_owned()
    }

    async fn names(&self, path: &str, nouns: &str) -> Vec<String> {
        self.cloud.get(path).await.each(nouns, "name")
    }

    fn later(&self) {
        self.cloud.fixture.clock.advance(LATER);
    }
}

#[tokio::test]
async fn users_and_groups_are_listed_and_shown() {
    for fixture in store::testing::databases() {
        let corp = Corp::of(
            &format!("{}{}", person("ada", "Ada", "x"), team("makers", &["ada", "gone"])),
            Cloud::on(fixture).await,
        )
        .await;
        let (domain, ada, makers) = (&corp.domain, corp.user("ada"), corp.group("makers"));
        assert_eq!(corp.names(&format!("/v3/users?domain_id={domain}"), "users").await, ["ada"]);
        assert_eq!(corp.names(&format!("/v3/users?domain_id={domain}&name=ada"), "users").await, ["ada"]);
        assert!(corp.names(&format!("/v3/users?domain_id={domain}&name=a*"), "users").await.is_empty());
        assert!(
            !corp.names("/v3/users", "users").await.contains(&"ada".to_owned()),
            "no domain was asked for"
        );
        let shown = corp.cloud.get(&format!("/v3/users/{ada}")).await.one("user");
        assert_eq!(
            [
                &shown["id"],
                &shown["name"],
                &shown["domain_id"],
                &shown["enabled"],
                &shown["email"],
                &shown["options"]
            ],
            [&json!(ada), &json!("ada"), &json!(domain), &json!(true), &json!("ada@example"), &json!({})]
        );
        assert_eq!(corp.names(&format!("/v3/groups?domain_id={domain}"), "groups").await, ["makers"]);
        assert_eq!(corp.cloud.get(&format!("/v3/groups/{makers}")).await.one("group")["name"], "makers");
        assert_eq!(corp.names(&format!("/v3/groups/{makers}/users"), "users").await, ["ada"]);
        assert_eq!(corp.names(&format!("/v3/users/{ada}/groups"), "groups").await, ["makers"]);
        assert_eq!(corp.cloud.head(&format!("/v3/groups/{makers}/users/{ada}")).await.status, 204);
        let stranger = corp.user("gone");
        assert_eq!(corp.cloud.get(&format!("/v3/users/{stranger}")).await.status, 404);
    }
}

#[tokio::test]
async fn the_password_is_the_directorys() {
    let corp = Corp::start().await;
    let told = corp.login_named("ada", "ada-word").await;
    assert_eq!(
        (told.status, told.one("token")["user"]["id"].as_str()),
        (201, Some(corp.user("ada").as_str()))
    );
    let by_id = corp.login(json!({"id": corp.user("ada")}), "ada-word", Value::Null).await;
    assert_eq!(by_id.status, 201, "{by_id:?}");
    let said = "The request you have made requires authentication.";
    for (name, password) in [
        ("ada", "ben-word"),
        ("ada", ""),
        ("nobody", "x"),
        ("*", "ada-word"),
        ("a*", "ada-word"),
        ("ada)(uid=*", "ada-word"),
        ("*)(|(uid=*", "ada-word"),
        ("ada\u{0}", "ada-word"),
        ("\\61da", "ada-word"),
        ("reader", "reads"),
    ] {
        let told = corp.login_named(name, password).await;
        assert_eq!((told.status, told.message()), (401, said), "{name:?} {password:?}");
    }
}

#[tokio::test]
async fn grants_hold_for_users_and_groups() {
    let corp = Corp::start().await;
    let yard = corp.cloud.project("yard").await;
    let (member, reader) = (corp.cloud.role("member").await, corp.cloud.role("reader").await);
    let (ben, cy) = (corp.user("ben"), corp.user("cy"));
    let to_group = format!("/v3/projects/{yard}/groups/{}/roles/{member}", corp.group("makers"));
    assert_eq!(corp.cloud.put(&to_group).await.status, 404, "nobody asked for that group yet");
    assert_eq!(corp.login_named("ben", "ben-word").await.status, 201);
    corp.names(&format!("/v3/groups?domain_id={}", corp.domain), "groups").await;
    assert_eq!(corp.cloud.put(&to_group).await.status, 204);
    let scope = project("yard");
    let told = corp.login(json!({"id": ben}), "ben-word", scope.clone()).await.one("token");
    let roles: Vec<&str> =
        told["roles"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert!(roles.contains(&"member") && !roles.contains(&"admin"), "{roles:?}");
    corp.names(&format!("/v3/users?domain_id={}", corp.domain), "users").await;
    assert_eq!(corp.login(json!({"id": cy}), "cy-word", scope.clone()).await.status, 401);
    assert_eq!(corp.cloud.put(&format!("/v3/projects/{yard}/users/{cy}/roles/{reader}")).await.status, 204);
    assert_eq!(corp.login(json!({"id": cy}), "cy-word", scope).await.status, 201);
    let list = corp
        .cloud
        .get(&format!("/v3/role_assignments?scope.project.id={yard}&effective&include_names"))
        .await;
    let users: Vec<&str> = list.body["role_assignments"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["user"]["name"].as_str())
        .collect();
    for name in ["ada", "ben", "cy"] {
        assert!(users.contains(&name), "{users:?}");
    }
}

#[tokio::test]
async fn who_is_disabled_or_gone_there_is_so_here_soon() {
    let corp = Corp::start().await;
    let token = corp.token("ada", "ada-word", Value::Null).await;
    assert!(corp.cloud.valid(&token).await);
    corp.slapd.set(ADA, "employeeType", "FALSE").await;
    assert!(corp.cloud.valid(&token).await, "what it said stands for a minute");
    corp.later();
    assert!(!corp.cloud.valid(&token).await);
    assert_eq!(corp.login_named("ada", "ada-word").await.status, 401);
    corp.slapd.set(ADA, "employeeType", "TRUE").await;
    let token = corp.token("ada", "ada-word", Value::Null).await;
    corp.slapd.remove(ADA).await;
    corp.later();
    assert!(!corp.cloud.valid(&token).await);
}

#[tokio::test]
async fn who_leaves_a_group_there_loses_its_roles_here_soon() {
    let corp = Corp::start().await;
    corp.names(&format!("/v3/groups?domain_id={}", corp.domain), "groups").await;
    let (yard, member) = (corp.cloud.project("yard").await, corp.cloud.role("member").await);
    let path = format!("/v3/projects/{yard}/groups/{}/roles/{member}", corp.group("makers"));
    assert_eq!(corp.cloud.put(&path).await.status, 204);
    let token = corp.token("ada", "ada-word", project("yard")).await;
    corp.slapd.set("cn=makers,ou=Teams,dc=example", "member", "uid=ben,ou=People,dc=example").await;
    corp.later();
    assert!(!corp.cloud.valid(&token).await);
}

#[tokio::test]
async fn it_is_asked_about_those_alone_whom_a_list_is_of() {
    let corp = Corp::start().await;
    for nouns in ["users", "groups"] {
        corp.names(&format!("/v3/{nouns}?domain_id={}", corp.domain), nouns).await;
    }
    let (yard, member) = (corp.cloud.project("yard").await, corp.cloud.role("member").await);
    for team in ["makers", "idlers"] {
        let path = format!("/v3/projects/{yard}/groups/{}/roles/{member}", corp.group(team));
        assert_eq!(corp.cloud.put(&path).await.status, 204);
    }
    corp.cloud.user("eve").await;
    let eve = corp.cloud.token("eve", "eve", Value::Null).await;
    let list = format!("/v3/role_assignments?effective&scope.project.id={yard}");
    let of_ada = format!("{list}&user.id={}&role.id={member}", corp.user("ada"));
    let mut asked = corp.slapd.searches().await;
    let mut since = async || {
        let now = corp.slapd.searches().await;
        let count = now - std::mem::replace(&mut asked, now) - 1;
        corp.later();
        count
    };
    assert_eq!(corp.cloud.ask(Method::GET, &list, &eve, Value::Null).await.status, 403);
    assert_eq!(since().await, 0, "whoever may not see the list cannot have the directory asked");
    let through = |told: Told| told.body["role_assignments"][0]["links"]["membership"].is_string();
    assert!(through(corp.cloud.get(&of_ada).await));
    assert_eq!(since().await, 2, "who it is, and in which groups");
    corp.slapd.set("cn=makers,ou=Teams,dc=example", "member", "uid=ben,ou=People,dc=example").await;
    assert!(!through(corp.cloud.get(&of_ada).await), "no group is asked for its members");
    assert!(since().await >= 2);
    assert!(through(corp.cloud.get(&list).await));
    assert!(since().await > 2, "two groups, and who is in them");
}

#[tokio::test]
async fn nothing_is_written_there() {
    let corp = Corp::start().await;
    let (domain, ada, makers) = (corp.domain.clone(), corp.user("ada"), corp.group("makers"));
    corp.names(&format!("/v3/users?domain_id={domain}"), "users").await;
    corp.names(&format!("/v3/groups?domain_id={domain}"), "groups").await;
    let ours = corp.cloud.user("ours").await;
    let said = "You are not authorized to perform the requested action.";
    let user = json!({"user": {"name": "new", "domain_id": domain}});
    let group = json!({"group": {"name": "new", "domain_id": domain}});
    let word = json!({"user": {"original_password": "ada-word", "password": "other"}});
    let cloud = &corp.cloud;
    for told in [
        cloud.post("/v3/users", user).await,
        cloud.patch(&format!("/v3/users/{ada}"), json!({"user": {"email": "x"}})).await,
        cloud.delete(&format!("/v3/users/{ada}")).await,
        cloud.post("/v3/groups", group).await,
        cloud.patch(&format!("/v3/groups/{makers}"), json!({"group": {"description": "x"}})).await,
        cloud.delete(&format!("/v3/groups/{makers}")).await,
        cloud.put(&format!("/v3/groups/{makers}/users/{ada}")).await,
        cloud.delete(&format!("/v3/groups/{makers}/users/{ada}")).await,
        cloud.post(&format!("/v3/users/{ada}/password"), word).await,
    ] {
        assert_eq!((told.status, told.message()), (403, said), "{told:?}");
    }
    let across = cloud.put(&format!("/v3/groups/{makers}/users/{ours}")).await;
    assert_eq!(across.status, 403);
    assert!(across.message().starts_with("Group membership across backend boundaries"), "{across:?}");
    assert_eq!(corp.login_named("ada", "ada-word").await.status, 201, "it is all as it was");
}

#[tokio::test]
async fn a_dead_directory_stops_its_own_users_alone() {
    let mut corp = Corp::start().await;
    let token = corp.token("ada", "ada-word", Value::Null).await;
    corp.slapd.stop();
    assert!(corp.cloud.valid(&token).await, "what it said stands for a minute");
    corp.later();
    let said = "Unable to establish a connection to the LDAP server of this domain.";
    for told in [
        corp.login_named("ada", "ada-word").await,
        corp.cloud.get(&format!("/v3/users?domain_id={}", corp.domain)).await,
        corp.cloud.get(&format!("/v3/users/{}", corp.user("ada"))).await,
        corp.cloud.ask(Method::GET, "/v3/auth/projects", &token, Value::Null).await,
    ] {
        assert_eq!((told.status, told.message()), (503, said));
    }
    corp.cloud.token("admin", "secret", project("admin")).await;
    assert_eq!(corp.cloud.get("/v3/users").await.status, 200);
    corp.slapd.resume().await;
    tokio::time::sleep(Duration::from_millis(2100)).await;
    assert!(corp.cloud.valid(&token).await);
}

#[tokio::test]
async fn a_directory_that_says_nothing_is_not_waited_for_long() {
    let corp = Corp::start().await;
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", mute.local_addr().unwrap());
    corp.configure(json!({"url": url, "pool_connection_timeout": 1})).await;
    let began = Instant::now();
    assert_eq!(corp.login_named("ada", "ada-word").await.status, 503);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_flood_at_a_slow_directory_is_refused_and_nobody_else_waits() {
    let corp = Arc::new(Corp::start().await);
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", mute.local_addr().unwrap());
    corp.configure(json!({"url": url, "pool_connection_timeout": 10})).await;
    let mut flood = tokio::task::JoinSet::new();
    for number in 0..2 * PLACES {
        let corp = corp.clone();
        flood.spawn(async move { corp.login_named(&format!("nobody-{number}"), "wrong").await });
    }
    let first = flood.join_next().await.unwrap().unwrap();
    assert_eq!(first.status, 429, "who finds no place is told at once");
    assert!(first.header("retry-after").parse::<u64>().unwrap() > 0);
    let mut told = vec![first];
    corp.cloud.token("admin", "secret", project("admin")).await;
    while let Some(one) = flood.try_join_next() {
        told.push(one.unwrap());
    }
    assert!(told.iter().all(|one| one.status == 429), "the others still wait, and the administrator is in");
    told.extend(flood.join_all().await);
    let count = |status| told.iter().filter(|told| told.status == status).count();
    assert_eq!((count(429), count(503)), (2 * PLACES - FOR_ALL, FOR_ALL));
}

#[tokio::test]
async fn for_a_user_that_is_not_there_a_password_is_tried_as_well() {
    let corp = Corp::start().await;
    assert_eq!(corp.login_named("ada", "wrong").await.status, 401, "there are connections now");
    let before = corp.slapd.binds().await;
    assert_eq!(corp.login_named("ada", "wrong").await.status, 401);
    let known = corp.slapd.binds().await - before;
    assert_eq!(corp.login_named("nobody", "wrong").await.status, 401);
    assert_eq!(corp.slapd.binds().await - before - known, known);
}

#[tokio::test]
async fn it_is_spoken_to_over_tls_and_must_be_vouched_for() {
    let corp = Corp::start().await;
    let (tls, authority) = (corp.slapd.tls_url(), corp.slapd.authority());
    for (more, status) in [
        (json!({"url": tls, "tls_cacertfile": authority}), 201),
        (json!({"use_tls": true, "tls_cacertfile": authority}), 201),
        (json!({"url": tls}), 503),
        (json!({"use_tls": true}), 503),
        (json!({"url": tls, "tls_req_cert": "never"}), 201),
        (json!({"url": tls, "tls_cacertfile": "/nowhere"}), 503),
        (json!({"password": "wrong"}), 503),
        (json!({"user_filter": "((("}), 503),
        (json!({"url": "http://127.0.0.1"}), 503),
    ] {
        corp.configure(more.clone()).await;
        assert_eq!(corp.login_named("ada", "ada-word").await.status, status, "{more}");
    }
}

/// As after a Keystone was taken over: the mappings are there, and nothing else of the directory.
#[tokio::test]
async fn whom_nobody_has_seen_yet_is_asked_about() {
    let options = |slapd: &Slapd| {
        let config = slapd.options(json!({}))["config"].clone();
        std::collections::BTreeMap::from([("corp".to_owned(), config.as_object().unwrap().clone())])
    };
    let slapd = Slapd::start(&[person("ada", "Ada", "ada-word"), team("makers", &["ada"])].concat()).await;
    let settings =
        Settings { domain_options: Arc::new(options(&slapd)), token_life: LIFE, ..Settings::default() };
    let cloud = Cloud::with(store::testing::chosen(), settings).await;
    let domain = cloud.post("/v3/domains", json!({"domain": {"name": "corp"}})).await.id("domain");
    let corp = Corp { cloud, slapd, domain: domain.clone() };
    assert_eq!(
        corp.names(&format!("/v3/groups?domain_id={domain}"), "groups").await,
        ["makers"],
        "as the settings say"
    );
    let (yard, member) = (corp.cloud.project("yard").await, corp.cloud.role("member").await);
    let makers = corp.group("makers");
    assert_eq!(
        corp.cloud.put(&format!("/v3/projects/{yard}/groups/{makers}/roles/{member}")).await.status,
        204
    );
    let forget = |tx: &store::Tx| {
        for rows in [
            "identity_users WHERE mirrored = 1",
            "identity_groups WHERE mirrored = 1",
            "identity_memberships",
        ] {
            tx.execute(&format!("DELETE FROM {rows}"), &[])?;
        }
        Ok(())
    };
    corp.cloud.fixture.db.write_now(forget).unwrap();
    corp.later();
    let list = corp.cloud.get(&format!("/v3/role_assignments?scope.project.id={yard}&include_names")).await;
    assert_eq!(list.body["role_assignments"][0]["group"]["name"], "makers", "{list:?}");
    assert_eq!(
        corp.login(json!({"name": "ada", "domain": {"id": domain}}), "ada-word", project("yard"))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn two_thousand_users_come_in_pages() {
    let people: String = (0..2000).map(|at| person(&format!("u{at}"), "U", "x")).collect();
    let corp = Corp::of(&people, Cloud::start().await).await;
    let path = format!("/v3/users?domain_id={}", corp.domain);
    assert_eq!(corp.cloud.get(&path).await.body["users"].as_array().unwrap().len(), 2000);
    let page = corp.cloud.get(&format!("{path}&limit=10")).await;
    assert_eq!(page.body["users"].as_array().unwrap().len(), 10);
    corp.configure(json!({"page_size": 0})).await;
    let told = corp.cloud.get(&path).await;
    assert_eq!(told.status, 503, "it tells nobody so many at once");
    assert!(told.message().contains("exceeded size limit"), "{told:?}");
}

#[tokio::test]
async fn a_filter_and_the_ways_to_be_disabled_are_followed() {
    let corp = Corp::start().await;
    corp.slapd.set(ADA, "employeeNumber", "514").await;
    corp.slapd.set(ADA, "employeeType", "FALSE").await;
    let path = |uid: &str| format!("/v3/users?domain_id={}&name={uid}", corp.domain);
    for (more, ada, ben) in [
        (json!({}), json!(false), json!(true)),
        (json!({"user_enabled_invert": true}), json!(true), json!(false)),
        (json!({"user_enabled_default": "False"}), json!(false), json!(false)),
        (
            json!({"user_enabled_attribute": "employeeNumber", "user_enabled_mask": 2, "user_enabled_default": "512"}),
            json!(false),
            json!(true),
        ),
        (json!({"user_attribute_ignore": ["enabled"]}), json!(true), json!(true)),
        (
            json!({"user_enabled_emulation": true, "user_enabled_emulation_dn": "cn=makers,ou=Teams,dc=example"}),
            json!(true),
            json!(true),
        ),
        (
            json!({"user_enabled_emulation": true, "user_enabled_emulation_dn": "cn=idlers,ou=Teams,dc=example"}),
            json!(false),
            json!(false),
        ),
        (json!({"user_filter": "(uid=ben)"}), Value::Null, json!(true)),
    ] {
        corp.configure(more.clone()).await;
        for (uid, wanted) in [("ada", ada), ("ben", ben)] {
            let told = corp.cloud.get(&path(uid)).await;
            assert_eq!(told.body["users"][0]["enabled"], wanted, "{uid} {more}");
        }
    }
}

#[tokio::test]
async fn names_need_not_be_unique_and_a_domain_takes_all_along() {
    let people = [person("ada", "Same", "ada-word"), person("ben", "Same", "ben-word")].concat();
    let corp = Corp::of(&people, Cloud::start().await).await;
    corp.configure(json!({"user_name_attribute": "sn"})).await;
    let path = format!("/v3/users?domain_id={}", corp.domain);
    assert_eq!(corp.names(&path, "users").await, ["Same", "Same"]);
    let domain = format!("/v3/domains/{}", corp.domain);
    let (yard, reader) = (corp.cloud.project("yard").await, corp.cloud.role("reader").await);
    let grant = format!("/v3/projects/{yard}/users/{}/roles/{reader}", corp.user("ada"));
    assert_eq!(corp.cloud.put(&grant).await.status, 204);
    corp.cloud.patch(&domain, json!({"domain": {"enabled": false}})).await.one("domain");
    assert_eq!(corp.cloud.delete(&domain).await.status, 204);
    assert_eq!(corp.cloud.get(&format!("/v3/users/{}", corp.user("ada"))).await.status, 404);
    let left = corp.cloud.get(&format!("/v3/role_assignments?scope.project.id={yard}")).await;
    assert_eq!(left.body["role_assignments"], json!([]));
}
