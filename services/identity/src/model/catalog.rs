//! Regions, services and endpoints, and the catalog that they make up in a token.

use serde_json::{Map, Value, json};

/// A region.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// Its id, chosen by whoever made it.
    pub id: String,
    /// The region that it is part of.
    pub parent_region_id: Option<String>,
    /// For people.
    pub description: String,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its id.
    pub id: String,
    /// Its type (`compute`).
    pub kind: String,
    /// Its name (`nova`).
    pub name: Option<String>,
    /// It is in the catalog.
    pub enabled: bool,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

/// An endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its id.
    pub id: String,
    /// Its service.
    pub service_id: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// Its region.
    pub region_id: Option<String>,
    /// Its address, with `$(project_id)s` and the like to be filled in.
    pub url: String,
    /// It is in the catalog.
    pub enabled: bool,
    /// Attributes of the caller's own.
    pub extra: Map<String, Value>,
}

impl Region {
    /// As the API writes it below `region`.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("description".into(), json!(self.description));
        body.insert("parent_region_id".into(), json!(self.parent_region_id));
        body.insert(
            "links".into(),
            json!({"self": format!("{base}/v3/regions/{}", web::ask::encoded(&self.id))}),
        );
        Value::Object(body)
    }
}

impl Service {
    /// As the API writes it below `service`. A name that was never given is empty.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("type".into(), json!(self.kind));
        body.insert("name".into(), json!(self.name.clone().unwrap_or_default()));
        body.insert("enabled".into(), json!(self.enabled));
        body.insert("links".into(), json!({"self": format!("{base}/v3/services/{}", self.id)}));
        Value::Object(body)
    }
}

impl Endpoint {
    /// As the API writes it below `endpoint`: the region twice, once under its old name.
    pub fn body(&self, base: &str) -> Value {
        let mut body = self.extra.clone();
        body.insert("id".into(), json!(self.id));
        body.insert("service_id".into(), json!(self.service_id));
        body.insert("interface".into(), json!(self.interface));
        body.insert("region_id".into(), json!(self.region_id));
        body.insert("region".into(), json!(self.region_id));
        body.insert("url".into(), json!(self.url));
        body.insert("enabled".into(), json!(self.enabled));
        body.insert("links".into(), json!({"self": format!("{base}/v3/endpoints/{}", self.id)}));
        Value::Object(body)
    }

    /// The address with what a token is for filled in; `None` when it asks for something that the token has not.
    pub fn filled(&self, project_id: Option<&str>, user_id: &str) -> Option<String> {
        let mut url = self.url.replace("$(", "%(");
        for (name, value) in
            [("project_id", project_id), ("tenant_id", project_id), ("user_id", Some(user_id))]
        {
            let slot = format!("%({name})s");
            if url.contains(&slot) {
                url = url.replace(&slot, value?);
            }
        }
        (!url.contains('%')).then_some(url)
    }
}

/// The catalog in a token.
pub fn catalog(
    services: &[Service],
    endpoints: &[Endpoint],
    project_id: Option<&str>,
    user_id: &str,
) -> Vec<Value> {
    let entry = |service: &Service| {
        let own = endpoints.iter().filter(|endpoint| endpoint.enabled && endpoint.service_id == service.id);
        let own: Vec<Value> = own
            .filter_map(|endpoint| {
                let mut entry = endpoint.extra.clone();
                entry.insert("id".into(), json!(endpoint.id));
                entry.insert("interface".into(), json!(endpoint.interface));
                entry.insert("region_id".into(), json!(endpoint.region_id));
                entry.insert("url".into(), json!(endpoint.filled(project_id, user_id)?));
                entry.insert("region".into(), json!(endpoint.region_id));
                Some(Value::Object(entry))
            })
            .collect();
        json!({"endpoints": own, "id": service.id, "type": service.kind, "name": service.name.clone().unwrap_or_default()})
    };
    services.iter().filter(|service| service.enabled).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_filled_or_the_endpoint_is_left_out() {
        let endpoint = |url: &str| Endpoint {
            id: "e".into(),
            service_id: "s".into(),
            interface: "public".into(),
            region_id: None,
            url: url.into(),
            enabled: true,
            extra: Map::new(),
        };
        assert_eq!(endpoint("http://h/$(project_id)s").filled(Some("p"), "u").unwrap(), "http://h/p");
        assert_eq!(endpoint("http://h/%(tenant_id)s").filled(None, "u"), None);
        assert_eq!(endpoint("http://h/%(unknown)s").filled(Some("p"), "u"), None);
        assert_eq!(
            endpoint("http://h/%20x").filled(Some("p"), "u"),
            None,
            "a percent sign is the beginning of a slot"
        );
    }
}
