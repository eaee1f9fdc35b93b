//! Which endpoints a policy document is for: one of them, all of a service, or those of a service in a region.

use super::catalog::{Endpoint, Region};

/// What a policy document can be associated with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// An endpoint, by its id.
    Endpoint(String),
    /// A service, by its id.
    Service(String),
    /// A service in a region and all that is below it.
    ServiceIn(String, String),
}

impl Subject {
    /// What an endpoint comes under, the nearest first: the first that has a document has the endpoint's.
    pub fn of(endpoint: &Endpoint, regions: &[Region]) -> Vec<Self> {
        let mut all = vec![Self::Endpoint(endpoint.id.clone())];
        let by_id = |id: &String| regions.iter().find(|region| region.id == *id);
        let mut here = endpoint.region_id.as_ref().and_then(by_id);
        // no way up is longer than there are regions
        for _ in regions {
            let Some(region) = here else { break };
            all.push(Self::ServiceIn(endpoint.service_id.clone(), region.id.clone()));
            here = region.parent_region_id.as_ref().and_then(by_id);
        }
        all.push(Self::Service(endpoint.service_id.clone()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Map;

    #[test]
    fn what_is_nearer_comes_first() {
        let region = |id: &str, parent: Option<&str>| Region {
            id: id.to_owned(),
            parent_region_id: parent.map(str::to_owned),
            description: String::new(),
            extra: Map::new(),
        };
        let endpoint = Endpoint {
            id: "end".to_owned(),
            service_id: "image".to_owned(),
            interface: "public".to_owned(),
            region_id: Some("town".to_owned()),
            url: String::new(),
            enabled: true,
            extra: Map::new(),
        };
        let within = |id: &str| Subject::ServiceIn("image".to_owned(), id.to_owned());
        let (own, service) = (Subject::Endpoint("end".to_owned()), Subject::Service("image".to_owned()));
        let regions = [region("land", None), region("town", Some("land")), region("sea", None)];
        let all = [own.clone(), within("town"), within("land"), service.clone()];
        assert_eq!(Subject::of(&endpoint, &regions), all);
        let nowhere = Endpoint { region_id: None, ..endpoint.clone() };
        assert_eq!(Subject::of(&nowhere, &regions), [own, service]);
        let circle = [region("town", Some("land")), region("land", Some("town"))];
        assert_eq!(Subject::of(&endpoint, &circle).len(), 4, "a circle ends");
    }
}
