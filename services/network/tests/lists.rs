//! Filters, order, pages, fields, tags.

use crate::cloud::{Cloud, DEMO};
use serde_json::{Value, json};

fn named(body: &Value) -> Vec<String> {
    body["ports"].as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_cut_into_pages() {
    let cloud = Cloud::start().await;
    let network = cloud.get(DEMO, "/v2.0/networks?name=private").await.ids("networks")[0].clone();
    let ports: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|name| json!({"network_id": network, "name": name, "tags": ["all", name]}))
        .collect();
    assert_eq!(cloud.post(DEMO, "/v2.0/ports", json!({"ports": ports})).await.status, 201);
    let ask = async |query: &str| cloud.get(DEMO, &format!("/v2.0/ports?{query}")).await;
    assert_eq!(named(&ask("name=b&name=d&sort_key=name&sort_dir=desc").await.body), ["d", "b"]);
    assert_eq!(named(&ask("tags=all,c").await.body), ["c"]);
    assert_eq!(named(&ask("tags-any=a,c&sort_key=name&sort_dir=asc").await.body), ["a", "c"]);
    assert_eq!(named(&ask("tags=all&not-tags-any=a,c&sort_key=name&sort_dir=asc").await.body), ["b", "d"]);
    assert_eq!(
        ask("name=a&fields=name&fields=tags").await.body["ports"],
        json!([{"name": "a", "tags": ["all", "a"]}])
    );
    let address =
        ask("name=c").await.body["ports"][0]["fixed_ips"][0]["ip_address"].as_str().unwrap().to_owned();
    assert_eq!(named(&ask(&format!("fixed_ips=ip_address={address}")).await.body), ["c"]);
    let first = ask("tags=all&sort_key=name&sort_dir=asc&limit=3").await;
    assert_eq!(named(&first.body), ["a", "b", "c"]);
    let link = first.body["ports_links"][0]["href"].as_str().unwrap().to_owned();
    let path = link.split_once("/network").unwrap().1.to_owned();
    let second = cloud.get(DEMO, &path).await.body;
    assert_eq!(named(&second), ["d"]);
    assert_eq!(second["ports_links"].as_array().unwrap().len(), 1, "only back");
    let back =
        second["ports_links"][0]["href"].as_str().unwrap().split_once("/network").unwrap().1.to_owned();
    assert_eq!(named(&cloud.get(DEMO, &back).await.body), ["a", "b", "c"]);
}

#[tokio::test]
async fn queries_that_make_no_sense() {
    let cloud = Cloud::start().await;
    for (query, message) in [
        ("bogus=1&other=2", "['bogus', 'other'] is invalid attribute for filtering"),
        ("sort_key=name", "The number of sort_keys and sort_dirs must be same"),
        (
            "sort_key=name&sort_dir=up",
            "['up'] is invalid value for sort_dirs, valid value is 'asc' and 'desc'",
        ),
        ("limit=x", "Bad limit request: Limit must be an integer 0 or greater and not 'x'."),
    ] {
        let told = cloud.get(DEMO, &format!("/v2.0/ports?{query}")).await;
        assert_eq!((told.error().0, told.error().2), (400, message), "{query}");
    }
}
