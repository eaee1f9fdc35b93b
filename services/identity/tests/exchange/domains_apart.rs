//! What those who have a token for a domain see and do of another domain, over the wire.

use crate::rig::{Cloud, NOWHERE, login};
use http::Method;
use serde_json::{Value, json};

impl Cloud {
    /// The id of something new in a domain.
    async fn make_in(&self, noun: &str, name: &str, domain: &str) -> String {
        self.post(&format!("/v3/{noun}s"), json!({noun: {"name": name, "domain_id": domain}})).await.id(noun)
    }
}

#[tokio::test]
async fn members_of_another_domain_are_not_shown() {
    let cloud = Cloud::start().await;
    let other = cloud.post("/v3/domains", json!({"domain": {"name": "other"}})).await.id("domain");
    let [here, there] = ["default", &*other];
    let (ours, theirs) =
        (cloud.make_in("group", "ours", here).await, cloud.make_in("group", "theirs", there).await);
    let (ann, bob) = (cloud.make_in("user", "ann", here).await, cloud.make_in("user", "bob", there).await);
    for group in [&ours, &theirs] {
        for user in [&ann, &bob] {
            assert_eq!(cloud.put(&format!("/v3/groups/{group}/users/{user}")).await.status, 204);
        }
    }
    let (role, eve) = (cloud.role("reader").await, cloud.user("eve").await);
    cloud.put(&format!("/v3/domains/default/users/{eve}/roles/{role}")).await;
    let token = cloud.token("eve", "eve", json!({"domain": {"id": "default"}})).await;
    for (path, nouns, all, shown) in [
        (format!("/v3/groups/{ours}/users"), "users", [&ann, &bob], &ann),
        (format!("/v3/users/{ann}/groups"), "groups", [&ours, &theirs], &ours),
    ] {
        let mut all = all.map(String::clone);
        all.sort();
        assert_eq!(cloud.get(&path).await.each(nouns, "id"), all, "the administrator sees all");
        let told = cloud.ask(Method::GET, &path, &token, Value::Null).await;
        assert_eq!(told.each(nouns, "id"), [&**shown], "{path}");
    }
}

#[tokio::test]
async fn a_role_of_a_domain_is_for_its_projects() {
    let cloud = Cloud::start().await;
    let other = cloud.post("/v3/domains", json!({"domain": {"name": "other"}})).await.id("domain");
    let role = cloud.make_in("role", "keeper", &other).await;
    let (ours, theirs) = (cloud.project("ours").await, cloud.make_in("project", "theirs", &other).await);
    let (user, group) = (cloud.user("ann").await, cloud.make_in("group", "g", "default").await);
    let sentence = |project: &str| {
        format!("Project {project} must be in the same domain as the role {role} being assigned.")
    };
    for actor in [format!("users/{user}"), format!("groups/{group}")] {
        for (way, end) in [("/v3", ""), ("/v3/OS-INHERIT", "/inherited_to_projects")] {
            let grant = |project: &str| format!("{way}/projects/{project}/{actor}/roles/{role}{end}");
            let refused = cloud.put(&grant(&ours)).await;
            assert_eq!((refused.status, refused.message()), (403, &*sentence(&ours)), "{actor} {way}");
            assert_eq!(cloud.delete(&grant(&ours)).await.status, 404, "nothing was granted");
            assert_eq!(cloud.put(&grant(&theirs)).await.status, 204, "{actor} {way}");
        }
        assert_eq!(cloud.put(&format!("/v3/domains/default/{actor}/roles/{role}")).await.status, 204);
    }
    let token = cloud.authenticate(login("ann", "ann", json!({"project": {"id": ours}}))).await;
    assert_eq!(token.status, 401);
}

#[tokio::test]
async fn who_may_what_in_another_domain_is_not_told() {
    let cloud = Cloud::start().await;
    let other = cloud.post("/v3/domains", json!({"domain": {"name": "other"}})).await.id("domain");
    let (ours, theirs) = (cloud.project("ours").await, cloud.make_in("project", "theirs", &other).await);
    let (role, ann, eve) = (cloud.role("reader").await, cloud.user("ann").await, cloud.user("eve").await);
    let places = [
        format!("projects/{ours}"),
        format!("projects/{theirs}"),
        format!("domains/{other}"),
        "system".to_owned(),
    ];
    for place in &places {
        assert_eq!(cloud.put(&format!("/v3/{place}/users/{ann}/roles/{role}")).await.status, 204, "{place}");
    }
    cloud.put(&format!("/v3/domains/default/users/{eve}/roles/{role}")).await;
    let token = cloud.token("eve", "eve", json!({"domain": {"id": "default"}})).await;
    let list = async |token: &str, query: &str| {
        let path = format!("/v3/role_assignments?{query}");
        cloud.ask(Method::GET, &path, token, Value::Null).await
    };
    let count = |told: &crate::rig::Told| told.body["role_assignments"].as_array().map(Vec::len);
    let of_ann = format!("user.id={ann}");
    assert_eq!(count(&list(&cloud.admin, &of_ann).await), Some(4), "the administrator is told all");
    let told = list(&token, &of_ann).await;
    assert_eq!(count(&told), Some(1));
    assert_eq!(told.body["role_assignments"][0]["scope"]["project"]["id"], ours.as_str());
    assert_eq!(count(&list(&token, &format!("{of_ann}&effective")).await), Some(1));
    for elsewhere in [
        format!("scope.project.id={theirs}"),
        format!("scope.domain.id={other}"),
        "scope.system=all".to_owned(),
    ] {
        assert_eq!(count(&list(&token, &elsewhere).await), Some(0), "{elsewhere}");
    }
    assert_eq!(count(&list(&token, &format!("scope.project.id={ours}&include_subtree")).await), Some(1));
    assert_eq!(list(&token, &format!("scope.project.id={theirs}&include_subtree")).await.status, 403);
    assert_eq!(list(&token, &format!("scope.project.id={NOWHERE}&include_subtree")).await.status, 404);
}

#[tokio::test]
async fn roles_of_domains_are_not_for_those_in_them() {
    let cloud = Cloud::start().await;
    let own = cloud.make_in("role", "keeper", "default").await;
    let (admin, eve) = (cloud.role("admin").await, cloud.user("eve").await);
    cloud.put(&format!("/v3/domains/default/users/{eve}/roles/{admin}")).await;
    let token = cloud.token("eve", "eve", json!({"domain": {"id": "default"}})).await;
    for (path, status) in [
        (format!("/v3/roles/{own}"), 403),
        ("/v3/roles?domain_id=default".to_owned(), 403),
        (format!("/v3/roles/{admin}"), 200),
        ("/v3/roles".to_owned(), 200),
    ] {
        assert_eq!(cloud.ask(Method::GET, &path, &token, Value::Null).await.status, status, "{path}");
        assert_eq!(cloud.get(&path).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_domains_manager_says_where_a_user_is_to_be() {
    let cloud = Cloud::start().await;
    let other = cloud.post("/v3/domains", json!({"domain": {"name": "other"}})).await.id("domain");
    let (role, eve) = (cloud.role("manager").await, cloud.user("eve").await);
    cloud.put(&format!("/v3/domains/default/users/{eve}/roles/{role}")).await;
    let token = cloud.token("eve", "eve", json!({"domain": {"id": "default"}})).await;
    for (body, status) in [
        (json!({"name": "a"}), 403),
        (json!({"name": "a", "domain_id": other}), 403),
        (json!({"name": "a", "domain_id": "default"}), 201),
    ] {
        let told = cloud.ask(Method::POST, "/v3/users", &token, json!({"user": body})).await;
        assert_eq!(told.status, status, "{body}");
    }
}
