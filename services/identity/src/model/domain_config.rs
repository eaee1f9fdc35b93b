//! Options of domains: which ones there are, and what they are where nothing is said.

use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Options by group.
pub type Options = Map<String, Value>;

/// What may be set, with what holds if it is not.
static DEFAULTS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("domain_options.json")).unwrap_or_default());

/// What may be set and is shown to nobody.
const SENSITIVE: (&str, &str) = ("ldap", "password");

/// Whether nobody is shown the option.
pub fn is_sensitive(group: &str, name: &str) -> bool {
    (group, name) == SENSITIVE
}

/// What holds where nobody said anything of an option.
pub(super) fn default_of(group: &str, name: &str) -> Value {
    DEFAULTS.get(group).and_then(|group| group.get(name)).cloned().unwrap_or_default()
}

/// Whether the options say that the domain's users and groups live in a directory.
pub fn is_directory(options: &Options) -> bool {
    options.get("identity").and_then(|identity| identity.get("driver")).is_some_and(|driver| driver == "ldap")
}

/// A part of the options: a group of them, or one in a group.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The group.
    pub group: Option<String>,
    /// The option in it.
    pub name: Option<String>,
}

impl Part {
    /// Whether there is such a part. The error is what Keystone says of it.
    pub fn check(&self) -> Result<(), String> {
        let Some(group) = &self.group else { return Ok(()) };
        let Some(known) = DEFAULTS.get(group) else {
            return Err(format!("Group {group} is not supported for domain specific configurations"));
        };
        match &self.name {
            Some(name) if known.get(name).is_none() && !is_sensitive(group, name) => Err(format!(
                "Option {name} in group {group} is not supported for domain specific configurations"
            )),
            _ => Ok(()),
        }
    }

    /// Whether an option lies in it.
    pub fn covers(&self, group: &str, name: &str) -> bool {
        self.group.as_deref().is_none_or(|own| own == group)
            && self.name.as_deref().is_none_or(|own| own == name)
    }

    /// As sentences name it.
    pub fn words(&self) -> String {
        match (&self.group, &self.name) {
            (Some(group), Some(name)) => format!("option {name} in group {group}"),
            (Some(group), None) => format!("group {group}"),
            (None, _) => "any options".to_owned(),
        }
    }

    /// What of the options it covers; of one option, that one alone.
    pub fn shown(&self, options: &Options) -> Options {
        match (&self.group, &self.name) {
            (Some(group), Some(name)) => {
                let value = options.get(group).and_then(|group| group.get(name));
                value.map(|value| (name.clone(), value.clone())).into_iter().collect()
            }
            (Some(group), None) => {
                options.get(group).map(|own| (group.clone(), own.clone())).into_iter().collect()
            }
            (None, _) => options.clone(),
        }
    }

    /// What holds where nothing is said.
    pub fn defaults(&self) -> Result<Options, String> {
        self.check()?;
        if let (Some(group), Some(name)) = (&self.group, &self.name)
            && is_sensitive(group, name)
        {
            return Err(format!("Reading the default for option {name} in group {group} is not supported"));
        }
        Ok(self.shown(DEFAULTS.as_object().unwrap_or(&Map::new())))
    }

    /// The options that a change of this part gives, by group. The error is what Keystone says of them.
    pub fn given(&self, given: Options) -> Result<Options, String> {
        let given = match (&self.group, &self.name) {
            (Some(group), Some(_)) => Map::from_iter([(group.clone(), Value::Object(given))]),
            _ => given,
        };
        check_options(&given)?;
        self.check()?;
        let Some(group) = &self.group else { return Ok(given) };
        let own = given.get(group).and_then(Value::as_object);
        let first = |options: &Options| options.keys().next().cloned().unwrap_or_default();
        match (own, &self.name) {
            (Some(own), Some(name)) if own.len() != 1 => Err(format!(
                "Trying to update option {name} in group {group}, so that, and only that, option must be specified  in the \
                 config"
            )),
            (Some(own), Some(name)) if !own.contains_key(name) => Err(format!(
                "Trying to update option {name} in group {group}, but config provided contains option {} instead",
                first(own)
            )),
            (_, None) if given.len() != 1 => Err(format!(
                "Trying to update group {group}, so that, and only that, group must be specified in the config"
            )),
            (None, _) => Err(format!(
                "request to update group {group}, but config provided contains group {} instead",
                first(&given)
            )),
            (Some(_), _) => Ok(given),
        }
    }
}

/// Options of LDAP that are set in the settings alone.
const SAID_ONLY: &[&str] = &["connection_timeout", "group_ad_nesting"];

/// Whether options in the settings are such as there are. The error names one that is not.
pub fn check_said(options: &Options) -> Result<(), String> {
    for (group, own) in options {
        let own = own.as_object().ok_or_else(|| format!("{group} is no group of options"))?;
        let ours = |name: &String| group == "ldap" && SAID_ONLY.contains(&name.as_str());
        for name in own.keys().filter(|name| !ours(name)) {
            Part { group: Some(group.clone()), name: Some(name.clone()) }.check()?;
        }
    }
    Ok(())
}

fn check_options(given: &Options) -> Result<(), String> {
    if given.is_empty() {
        return Err("No options specified".to_owned());
    }
    for (group, options) in given {
        let Some(options) = options.as_object().filter(|options| !options.is_empty()) else {
            return Err(format!(
                "The value of group {group} specified in the config should be a dictionary of options"
            ));
        };
        for name in options.keys() {
            Part { group: Some(group.clone()), name: Some(name.clone()) }.check()?;
        }
    }
    Ok(())
}
