//! Bodies by attribute maps, as Neutron checks them: what may be given, what it is when it is not, what it must be.
//!
//! Each noun has a table of attributes. [`Noun::wish`] turns the body of a request into a [`Wish`]: unknown names are
//! refused, defaults filled in, values converted and checked, in Neutron's order and in its words.

use super::check::{Check, Convert};
use super::faults;
use fault::Fault;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// What an attribute is when a create does not give it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// There is none: it must be given.
    Required,
    /// It stays unspecified: the operation decides.
    Unset,
    /// `null`.
    Null,
    /// A flag.
    Flag(bool),
    /// A text.
    Text(&'static str),
    /// A number.
    Number(i64),
    /// An empty list.
    Empty,
}

/// An attribute of a noun.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// P: may be in a POST, U: may be in a PUT, V: is shown, F: filters lists, S: sorts them, E: has a rule of its own.
    pub may: &'static str,
    /// Its default.
    pub default: Default,
    /// How what is given is brought into form.
    pub convert: Convert,
    /// What it must be.
    pub check: Check,
}

/// A row of a noun's table.
pub const fn at(
    name: &'static str,
    may: &'static str,
    default: Default,
    convert: Convert,
    check: Check,
) -> Attribute {
    Attribute { name, may, default, convert, check }
}

/// An attribute that is only shown (and perhaps filtered and sorted by).
pub const fn shown(name: &'static str, may: &'static str) -> Attribute {
    at(name, may, Default::Unset, Convert::None, Check::None)
}

impl Attribute {
    /// Whether its parts have rules of their own.
    pub fn parted(&self) -> bool {
        matches!(self.check, Check::Gateway | Check::FixedIps | Check::AddressPairs)
    }

    /// Whether it has the property (a letter of [`Attribute::may`]).
    pub fn has(&self, property: char) -> bool {
        self.may.contains(property)
    }
}

/// A sort of thing in the API.
#[derive(Debug)]
pub struct Noun {
    /// One of them in bodies (`security_group`).
    pub one: &'static str,
    /// Many of them in bodies.
    pub many: &'static str,
    /// Many of them in paths (`security-groups`).
    pub path: &'static str,
    /// Its attributes.
    pub attributes: &'static [Attribute],
    /// What is said when there is none of an id.
    pub missing: fn(&str) -> Fault,
}

/// For whom a request makes things.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    /// The project whose things they are unless the request says otherwise.
    pub project: Option<&'a str>,
    /// The request may say otherwise.
    pub for_others: bool,
}

/// What a request asks for, checked and completed.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    values: Map<String, Value>,
    given: BTreeSet<String>,
}

impl Noun {
    /// The attribute of that name; `project_id` and `tenant_id` are one.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        let found = |name: &str| self.attributes.iter().find(|attribute| attribute.name == name);
        found(name).or_else(|| if name == "tenant_id" { found("project_id") } else { None })
    }

    /// The wishes of a create: one, or many in a bulk.
    pub fn creates(&self, body: &Value, maker: Maker) -> Result<(Vec<Wish>, bool), Fault> {
        let Some(body) = body.as_object() else { return Err(faults::bad("Body contains invalid data")) };
        if let Some(items) = body.get(self.many) {
            let items = items.as_array().filter(|items| !items.is_empty());
            let items = items.ok_or_else(|| faults::bad("Resources required"))?;
            let wishes = items.iter().map(|item| self.wish(item.get(self.one).unwrap_or(item), maker, true));
            return Ok((wishes.collect::<Result<_, _>>()?, true));
        }
        Ok((vec![self.wish(self.inner(body)?, maker, true)?], false))
    }

    /// The wish of an update.
    pub fn update(&self, body: &Value, maker: Maker) -> Result<Wish, Fault> {
        let Some(body) = body.as_object() else { return Err(faults::bad("Body contains invalid data")) };
        self.wish(self.inner(body)?, maker, false)
    }

    fn inner<'a>(&self, body: &'a Map<String, Value>) -> Result<&'a Value, Fault> {
        let inner = body.get(self.one).filter(|inner| !inner.is_null());
        inner.ok_or_else(|| faults::bad(format!("Unable to find '{}' in request body", self.one)))
    }

    /// One wish from the inner body.
    pub fn wish(&self, body: &Value, maker: Maker, create: bool) -> Result<Wish, Fault> {
        let Some(body) = body.as_object() else {
            return Err(faults::bad(format!("Object '{}' contains invalid data", self.one)));
        };
        let given = body.keys().cloned().collect();
        let mut values = body.clone();
        self.populate_project(&mut values, maker, create)?;
        let unknown = values.keys().filter(|name| self.attribute(name).is_none()).map(String::as_str);
        let unknown: Vec<_> = unknown.collect();
        if !unknown.is_empty() {
            return Err(faults::bad(format!("Unrecognized attribute(s) '{}'", unknown.join(", "))));
        }
        let completed = if create { self.fill(values)? } else { self.writable(values)? };
        Ok(Wish { values: self.convert(completed)?, given })
    }

    fn populate_project(
        &self,
        values: &mut Map<String, Value>,
        maker: Maker,
        create: bool,
    ) -> Result<(), Fault> {
        let (tenant, project) = (values.remove("tenant_id"), values.get("project_id").cloned());
        if let (Some(tenant), Some(project)) = (&tenant, &project)
            && tenant != project
        {
            return Err(faults::bad("'project_id' and 'tenant_id' do not match"));
        }
        let project = project.or(tenant);
        if let Some(project) = project {
            if project != maker.project.unwrap_or_default() && !maker.for_others {
                return Err(faults::bad(
                    "Specifying 'project_id' other than the authenticated project in request is not allowed for the \
                     current user.",
                ));
            }
            values.insert("project_id".into(), project);
        } else if create && self.attribute("project_id").is_some() {
            let homeless = "Running without keystone AuthN requires that project_id is specified";
            let project = maker.project.ok_or_else(|| faults::bad(homeless))?;
            values.insert("project_id".into(), project.into());
        }
        Ok(())
    }

    /// Fills in defaults; refuses what a create must not say and what it must say and does not.
    fn fill(&self, mut values: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
        for attribute in self.attributes {
            let name = attribute.name;
            if !attribute.has('P') {
                if values.contains_key(name) {
                    return Err(faults::bad(format!("Attribute '{name}' not allowed in POST")));
                }
                continue;
            }
            if values.contains_key(name) {
                continue;
            }
            let default = match attribute.default {
                Default::Required => {
                    let sentence =
                        format!("Failed to parse request. Required attribute '{name}' not specified");
                    return Err(faults::bad(sentence));
                }
                Default::Unset => continue,
                Default::Null => Value::Null,
                Default::Flag(flag) => flag.into(),
                Default::Text(text) => text.into(),
                Default::Number(number) => number.into(),
                Default::Empty => Value::Array(Vec::new()),
            };
            values.insert(name.into(), default);
        }
        Ok(values)
    }

    fn writable(&self, values: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
        for attribute in self.attributes {
            if values.contains_key(attribute.name) && !attribute.has('U') {
                return Err(faults::bad(format!("Cannot update read-only attribute {}", attribute.name)));
            }
        }
        Ok(values)
    }

    fn convert(&self, mut values: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
        for attribute in self.attributes {
            let Some(value) = values.get_mut(attribute.name) else { continue };
            *value = attribute.convert.apply(value)?;
            if let Some(reason) = attribute.check.refuses(value)? {
                let sentence = format!("Invalid input for {}. Reason: {reason}.", attribute.name);
                return Err(faults::bad(sentence));
            }
        }
        Ok(values)
    }
}

impl Wish {
    /// Whether the attribute is specified, by the caller or by a default.
    pub fn has(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Whether the caller named it.
    pub fn gave(&self, name: &str) -> bool {
        self.given.contains(name)
    }

    /// The value, if it is specified.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// Every attribute that is specified.
    pub fn values(&self) -> &Map<String, Value> {
        &self.values
    }

    /// The text, if it is specified and one.
    pub fn text(&self, name: &str) -> Option<String> {
        self.values.get(name)?.as_str().map(str::to_owned)
    }

    /// The text, or nothing.
    pub fn text_or_empty(&self, name: &str) -> String {
        self.text(name).unwrap_or_default()
    }

    /// The flag, if it is specified and one.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.values.get(name)?.as_bool()
    }

    /// The number, if it is specified and one.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.values.get(name)?.as_i64()
    }

    /// The list, if it is specified and one.
    pub fn list(&self, name: &str) -> Option<&Vec<Value>> {
        self.values.get(name)?.as_array()
    }

    /// The list of texts, if it is specified and one.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        Some(self.list(name)?.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
    }

    /// The owner that is asked for.
    pub fn project(&self) -> String {
        self.text_or_empty("project_id")
    }

    /// Sets a value, for wishes that the cloud itself has.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.values.insert(name.into(), value.into());
        self
    }

    /// The attributes that have rules of their own and are asked for explicitly: given by the caller and, in a
    /// create, other than their default.
    pub fn ruled(&self, noun: &Noun, create: bool) -> Vec<&'static Attribute> {
        let explicit = |attribute: &&Attribute| {
            let Some(value) = self.values.get(attribute.name).filter(|_| self.gave(attribute.name)) else {
                return false;
            };
            let default = match attribute.default {
                _ if !create => None,
                Default::Required | Default::Unset => None,
                Default::Null => Some(Value::Null),
                Default::Flag(flag) => Some(flag.into()),
                Default::Text(text) => Some(text.into()),
                Default::Number(number) => Some(number.into()),
                Default::Empty => Some(Value::Array(Vec::new())),
            };
            attribute.has('E') && default.as_ref() != Some(value)
        };
        noun.attributes.iter().filter(explicit).collect()
    }
}
