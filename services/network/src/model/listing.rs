//! Lists: filters on any attribute, order, pages with their links, chosen fields.
//!
//! The store narrows a list down by what it has an index for; what a client asked for is decided here, on the bodies,
//! so that any attribute can be asked for and means the same everywhere.

use super::attribute::{Attribute, Noun};
use super::check::Convert;
use super::faults;
use super::python;
use fault::Fault;
use serde_json::{Map, Value};
use std::cmp::Ordering;
use web::Query;

/// What a query asks of a list.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    filters: Vec<(String, Vec<Value>)>,
    pairs: Vec<(String, Vec<String>)>,
    tags: Vec<(TagFilter, Vec<String>)>,
    sorts: Vec<(String, bool)>,
    fields: Vec<String>,
    limit: Option<usize>,
    marker: Option<String>,
    reverse: bool,
    query: Query,
}

#[derive(Clone, Copy, Debug)]
enum TagFilter {
    All,
    Any,
    NotAll,
    NotAny,
}

const RESERVED: [&str; 6] = ["fields", "sort_key", "sort_dir", "limit", "marker", "page_reverse"];

impl Listing {
    /// Reads the query of a list of `noun`.
    pub fn of(noun: &Noun, query: &Query) -> Result<Self, Fault> {
        let mut listing = Self { query: query.clone(), ..Self::default() };
        listing.fields = query.all("fields").filter(|field| !field.is_empty()).map(str::to_owned).collect();
        listing.read_filters(noun, query)?;
        listing.read_sorts(noun, query)?;
        listing.read_page(query)?;
        Ok(listing)
    }

    /// Only the chosen fields of one thing.
    pub fn fields_of(query: &Query) -> Self {
        let fields = query.all("fields").filter(|field| !field.is_empty()).map(str::to_owned).collect();
        Self { fields, ..Self::default() }
    }

    /// The values that an attribute may have, if the query says so; the store narrows lists down with it.
    pub fn only(&self, name: &str) -> Option<Vec<String>> {
        let (_, values) = self.filters.iter().find(|(own, _)| own == name)?;
        Some(values.iter().map(python::text).collect())
    }

    /// The values of a part of `fixed_ips`, if the query names it.
    pub fn fixed_ip(&self, part: &str) -> Option<&[String]> {
        self.pairs.iter().find(|(own, _)| own == part).map(|(_, values)| values.as_slice())
    }

    fn read_filters(&mut self, noun: &Noun, query: &Query) -> Result<(), Fault> {
        let mut unknown: Vec<&str> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for (name, _) in query.pairs() {
            if RESERVED.contains(&name) || seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let values: Vec<&str> = query.all(name).collect();
            match (tag_filter(name), noun.attribute(name).filter(|attribute| attribute.has('F'))) {
                (Some(filter), _) if noun.attribute("tags").is_some() => {
                    let tags = values.iter().flat_map(|value| value.split(',')).map(str::to_owned).collect();
                    self.tags.push((filter, tags));
                }
                (_, Some(attribute)) if attribute.name == "fixed_ips" => self.read_pairs(&values)?,
                (_, Some(attribute)) => {
                    let values = values.into_iter().map(|value| converted(attribute, value));
                    self.filters.push((attribute.name.to_owned(), values.collect::<Result<_, _>>()?));
                }
                _ => unknown.push(name),
            }
        }
        if unknown.is_empty() {
            return Ok(());
        }
        Err(faults::bad(format!("{} is invalid attribute for filtering", python::list(unknown))))
    }

    fn read_pairs(&mut self, values: &[&str]) -> Result<(), Fault> {
        for value in values {
            let pair = value.split_once('=').filter(|(key, _)| !key.trim().is_empty());
            let (key, value) =
                pair.ok_or_else(|| faults::invalid(format!("'{value}' is not of the form <key>=[value]")))?;
            match self.pairs.iter_mut().find(|(own, _)| own == key.trim()) {
                Some((_, values)) => values.push(value.trim().to_owned()),
                None => self.pairs.push((key.trim().to_owned(), vec![value.trim().to_owned()])),
            }
        }
        Ok(())
    }

    fn read_sorts(&mut self, noun: &Noun, query: &Query) -> Result<(), Fault> {
        let keys: Vec<_> = query.all("sort_key").filter(|key| !key.is_empty()).collect();
        let directions: Vec<_> = query.all("sort_dir").filter(|key| !key.is_empty()).collect();
        if keys.len() != directions.len() {
            return Err(faults::bad("The number of sort_keys and sort_dirs must be same"));
        }
        let sortable = |key: &str| noun.attribute(key).is_some_and(|attribute| attribute.has('S'));
        let absent: Vec<_> = keys.iter().copied().filter(|key| !sortable(key)).collect();
        if !absent.is_empty() {
            return Err(faults::bad(format!("{} is invalid attribute for sort_keys", python::list(absent))));
        }
        let wrong: Vec<_> =
            directions.iter().copied().filter(|word| !matches!(*word, "asc" | "desc")).collect();
        if !wrong.is_empty() {
            let wrong = python::list(wrong);
            let sentence = format!("{wrong} is invalid value for sort_dirs, valid value is 'asc' and 'desc'");
            return Err(faults::bad(sentence));
        }
        self.sorts =
            keys.into_iter().zip(directions).map(|(key, word)| (key.to_owned(), word == "asc")).collect();
        Ok(())
    }

    fn read_page(&mut self, query: &Query) -> Result<(), Fault> {
        if let Some(text) = query.get("limit") {
            let limit: usize = text.trim().parse().map_err(|_| {
                let sentence = format!("Limit must be an integer 0 or greater and not '{text}'");
                faults::bad_request("limit", sentence)
            })?;
            self.limit = (limit > 0).then_some(limit);
        }
        self.marker = query.get("marker").filter(|_| self.limit.is_some()).map(str::to_owned);
        self.reverse = query.get("page_reverse").is_some_and(|word| word.eq_ignore_ascii_case("true"));
        Ok(())
    }

    /// Whether a body is one of those asked for.
    pub fn takes(&self, body: &Map<String, Value>) -> bool {
        self.filters.iter().all(|(name, values)| one_matches(body.get(name), values))
            && self.pairs.iter().all(|(part, values)| address_matches(body.get("fixed_ips"), part, values))
            && self.tags.iter().all(|(filter, tags)| tags_match(body.get("tags"), *filter, tags))
    }

    /// The page of a list, with links to its neighbours.
    pub fn page(&self, noun: &Noun, url: &str, bodies: Vec<Map<String, Value>>) -> Result<Value, Fault> {
        let mut bodies: Vec<_> = bodies.into_iter().filter(|body| self.takes(body)).collect();
        bodies.sort_by(|a, b| self.order(a, b));
        let mut answer = Map::new();
        if let Some(limit) = self.limit {
            bodies = self.cut(noun, bodies, limit)?;
            let links = self.links(url, &bodies, limit);
            answer.insert(noun.many.to_owned(), self.chosen_all(bodies));
            if !links.is_empty() {
                answer.insert(format!("{}_links", noun.many), Value::Array(links));
            }
        } else {
            answer.insert(noun.many.to_owned(), self.chosen_all(bodies));
        }
        Ok(Value::Object(answer))
    }

    fn chosen_all(&self, bodies: Vec<Map<String, Value>>) -> Value {
        bodies.into_iter().map(|body| Value::Object(self.chosen(body))).collect()
    }

    /// Only the fields that were asked for.
    pub fn chosen(&self, body: Map<String, Value>) -> Map<String, Value> {
        if self.fields.is_empty() {
            return body;
        }
        body.into_iter().filter(|(name, _)| self.fields.contains(name)).collect()
    }

    fn order(&self, a: &Map<String, Value>, b: &Map<String, Value>) -> Ordering {
        for (key, ascending) in &self.sorts {
            let order = compare(a.get(key), b.get(key));
            if order != Ordering::Equal {
                return if *ascending { order } else { order.reverse() };
            }
        }
        compare(a.get("id"), b.get("id"))
    }

    fn cut(
        &self,
        noun: &Noun,
        bodies: Vec<Map<String, Value>>,
        limit: usize,
    ) -> Result<Vec<Map<String, Value>>, Fault> {
        let at = match &self.marker {
            None => None,
            Some(marker) => {
                let found =
                    bodies.iter().position(|body| body.get("id").and_then(Value::as_str) == Some(marker));
                Some(found.ok_or_else(|| (noun.missing)(marker))?)
            }
        };
        let (from, to) = match (self.reverse, at) {
            (true, at) => {
                let end = at.unwrap_or(bodies.len());
                (end.saturating_sub(limit), end)
            }
            (false, at) => {
                let begin = at.map_or(0, |at| at + 1);
                (begin, begin.saturating_add(limit).min(bodies.len()))
            }
        };
        Ok(bodies.into_iter().skip(from).take(to.saturating_sub(from)).collect())
    }

    fn links(&self, url: &str, bodies: &[Map<String, Value>], limit: usize) -> Vec<Value> {
        let id = |body: Option<&Map<String, Value>>| body?.get("id")?.as_str().map(str::to_owned);
        let link = |marker: Option<String>, reverse: bool| {
            let kept = self.query.pairs().filter(|(name, _)| !matches!(*name, "marker" | "page_reverse"));
            let mut pairs: Vec<_> = kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            pairs.extend(marker.map(|marker| ("marker".to_owned(), marker)));
            if reverse {
                pairs.push(("page_reverse".to_owned(), "True".to_owned()));
            }
            let pairs = pairs
                .iter()
                .map(|(name, value)| format!("{}={}", web::ask::encoded(name), web::ask::encoded(value)));
            format!("{url}?{}", pairs.collect::<Vec<_>>().join("&"))
        };
        let short = bodies.len() < limit;
        let mut links = Vec::new();
        if !short || self.reverse {
            links.push(serde_json::json!({"rel": "next", "href": link(id(bodies.last()), false)}));
        }
        if !short || !self.reverse {
            links.push(serde_json::json!({"rel": "previous", "href": link(id(bodies.first()), true)}));
        }
        links
    }
}

fn tag_filter(name: &str) -> Option<TagFilter> {
    Some(match name {
        "tags" => TagFilter::All,
        "tags-any" => TagFilter::Any,
        "not-tags" => TagFilter::NotAll,
        "not-tags-any" => TagFilter::NotAny,
        _ => return None,
    })
}

fn converted(attribute: &Attribute, text: &str) -> Result<Value, Fault> {
    let value = Value::String(text.to_owned());
    match attribute.convert {
        Convert::Flag | Convert::FlagOrNull | Convert::Number | Convert::Mac | Convert::Address => {
            attribute.convert.apply(&value)
        }
        _ => Ok(value),
    }
}

fn one_matches(actual: Option<&Value>, wanted: &[Value]) -> bool {
    let matches = |actual: &Value| wanted.iter().any(|wanted| python::text(wanted) == python::text(actual));
    match actual {
        Some(Value::Array(items)) => items.iter().any(matches),
        Some(Value::Null) | None => false,
        Some(actual) => matches(actual),
    }
}

fn address_matches(fixed_ips: Option<&Value>, part: &str, values: &[String]) -> bool {
    let Some(Value::Array(items)) = fixed_ips else { return false };
    items.iter().any(|item| match part {
        "ip_address_substr" => {
            let address = item["ip_address"].as_str().unwrap_or_default();
            values.iter().any(|value| address.contains(value.as_str()))
        }
        part => values.iter().any(|value| item[part].as_str() == Some(value)),
    })
}

fn tags_match(actual: Option<&Value>, filter: TagFilter, wanted: &[String]) -> bool {
    let actual: Vec<&str> =
        actual.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let has = |tag: &String| actual.contains(&tag.as_str());
    match filter {
        TagFilter::All => wanted.iter().all(has),
        TagFilter::Any => wanted.iter().any(has),
        TagFilter::NotAll => !wanted.iter().all(has),
        TagFilter::NotAny => !wanted.iter().any(has),
    }
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_i64().cmp(&b.as_i64()),
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (None | Some(Value::Null), None | Some(Value::Null)) => Ordering::Equal,
        (None | Some(Value::Null), _) => Ordering::Less,
        (_, None | Some(Value::Null)) => Ordering::Greater,
        (Some(a), Some(b)) => python::text(a).cmp(&python::text(b)),
    }
}
