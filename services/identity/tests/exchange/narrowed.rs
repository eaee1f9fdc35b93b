//! Lists that are narrowed are read from the store in part: each must be what is left of the whole.

use crate::rig::Cloud;
use serde_json::{Value, json};

/// A tree of three projects, two users and a group, and grants of every kind among them.
struct Estate {
    cloud: Cloud,
    users: Vec<String>,
    projects: Vec<String>,
    roles: Vec<String>,
}

impl Estate {
    async fn new() -> Self {
        let cloud = Cloud::start().await;
        let (ann, bob) = (cloud.user("ann").await, cloud.user("bob").await);
        let group = cloud.post("/v3/groups", json!({"group": {"name": "masons"}})).await.id("group");
        cloud.put(&format!("/v3/groups/{group}/users/{bob}")).await;
        let mut projects = Vec::new();
        for name in ["house", "wall", "brick"] {
            let parent = projects.last().map_or(json!("default"), |id| json!(id));
            let body = json!({"project": {"name": name, "parent_id": parent}});
            projects.push(cloud.post("/v3/projects", body).await.id("project"));
        }
        let [house, wall, brick] = projects.as_slice() else { panic!("{projects:?}") };
        let (manager, reader) = (cloud.role("manager").await, cloud.role("reader").await);
        let down = "inherited_to_projects";
        for grant in [
            format!("/v3/projects/{house}/users/{ann}/roles/{manager}"),
            format!("/v3/projects/{brick}/groups/{group}/roles/{reader}"),
            format!("/v3/OS-INHERIT/projects/{house}/users/{ann}/roles/{manager}/{down}"),
            format!("/v3/OS-INHERIT/projects/{wall}/groups/{group}/roles/{manager}/{down}"),
            format!("/v3/OS-INHERIT/domains/default/users/{bob}/roles/{reader}/{down}"),
            format!("/v3/domains/default/groups/{group}/roles/{reader}"),
            format!("/v3/system/groups/{group}/roles/{reader}"),
        ] {
            assert_eq!(cloud.put(&grant).await.status, 204, "{grant}");
        }
        Self { cloud, users: vec![ann, bob], projects, roles: vec![manager, reader] }
    }

    async fn list(&self, query: &str) -> Vec<Value> {
        let told = self.cloud.get(&format!("/v3/role_assignments?{query}")).await;
        assert_eq!(told.status, 200, "{query}: {told:?}");
        told.body["role_assignments"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn assignments_are_those_of_the_whole_list() {
    let estate = Estate::new().await;
    let users = std::iter::once("").chain(estate.users.iter().map(String::as_str));
    let roles: Vec<&str> = std::iter::once("").chain(estate.roles.iter().map(String::as_str)).collect();
    let projects = estate.projects.iter().map(|id| ("scope.project.id", "/project/id", id.as_str()));
    let places: Vec<(&str, &str, &str)> = [("", "", ""), ("scope.domain.id", "/domain/id", "default")]
        .into_iter()
        .chain([("scope.system", "", "all")])
        .chain(projects)
        .collect();
    let mut some = 0;
    for way in ["include_names", "effective&include_names"] {
        let whole = estate.list(way).await;
        for user in users.clone() {
            for role in &roles {
                for (place, at, id) in &places {
                    let expected = whole.iter().filter(|one| {
                        let scope = &one["scope"];
                        let there = match *place {
                            "" => true,
                            "scope.system" => !scope["system"].is_null(),
                            _ => scope.pointer(at).is_some_and(|own| own == id),
                        };
                        (user.is_empty() || one["user"]["id"] == user)
                            && (role.is_empty() || one["role"]["id"] == *role)
                            && there
                    });
                    let expected: Vec<&Value> = expected.collect();
                    let query = format!("{way}&user.id={user}&role.id={role}&{place}={id}");
                    // Who says an empty id of a role says no id.
                    let query = query.replace("&role.id=&", "&").trim_end_matches("&=").to_owned();
                    let told = estate.list(&query).await;
                    assert_eq!(told.iter().collect::<Vec<_>>(), expected, "{query}");
                    some += usize::from(!told.is_empty());
                }
            }
        }
    }
    assert!(some > 40, "the estate has grants of every kind: {some}");
}

#[tokio::test]
async fn a_tree_has_what_its_projects_have() {
    let estate = Estate::new().await;
    for way in ["include_names", "effective&include_names"] {
        let mut each = Vec::new();
        for project in &estate.projects {
            each.extend(estate.list(&format!("{way}&scope.project.id={project}")).await);
        }
        let house = &estate.projects[0];
        let mut tree = estate.list(&format!("{way}&scope.project.id={house}&include_subtree")).await;
        for list in [&mut each, &mut tree] {
            list.sort_by_key(Value::to_string);
        }
        assert_eq!(tree, each, "{way}");
    }
}

#[tokio::test]
async fn a_name_is_looked_for_everywhere() {
    let estate = Estate::new().await;
    let cloud = &estate.cloud;
    let other = cloud.post("/v3/domains", json!({"domain": {"name": "other"}})).await.id("domain");
    for (noun, name, own) in [("user", "ann", &estate.users[0]), ("project", "wall", &estate.projects[1])] {
        let body = json!({noun: {"name": name, "domain_id": other}});
        let theirs = cloud.post(&format!("/v3/{noun}s"), body).await.id(noun);
        let mut both = vec![own.clone(), theirs.clone()];
        both.sort();
        for (query, expected) in [
            (format!("name={name}"), both.clone()),
            (format!("name={name}&domain_id=default"), vec![own.clone()]),
            (format!("name={name}&domain_id={other}"), vec![theirs.clone()]),
            (format!("domain_id={other}"), vec![theirs.clone()]),
            (format!("name={name}&name__contains=x"), Vec::new()),
            (format!("name={}", name.to_uppercase()), Vec::new()),
            ("name=".to_owned(), Vec::new()),
            // From a marker on, whatever the marker's own name and domain are.
            (format!("name={name}&marker={}", both[0]), vec![both[1].clone()]),
        ] {
            let told = cloud.get(&format!("/v3/{noun}s?{query}")).await;
            assert_eq!(told.each(&format!("{noun}s"), "id"), expected, "{noun} {query}");
        }
    }
    let domain = cloud.get("/v3/domains?name=other").await;
    assert_eq!(domain.each("domains", "id"), [other]);
    assert_eq!(cloud.get("/v3/domains?name=other&domain_id=x").await.each("domains", "name"), ["other"]);
}
