//! Options of domains. Those of `ldap` are followed by `directory`, where the driver of `identity` is that; the others
//! are kept for whoever reads them.

use super::missing;
use crate::Identity;
use crate::bootstrap::DEFAULT_DOMAIN;
use crate::model::domain_config::{Options, Part};
use crate::rules;
use crate::store::{domain_config::*, project::project_by_id};
use ::store::Tx;
use fault::Fault;
use policy::Target;
use serde_json::{Map, json};
use web::Cx;

/// What Keystone says of options that do not fit.
fn unfit(reason: impl std::fmt::Display) -> Fault {
    Fault::forbidden(format!("Invalid domain specific configuration: {reason}."))
}

fn absent(domain_id: &str, part: &Part) -> Fault {
    let words = part.words();
    Fault::not_found(format!("Could not find {words} in domain configuration for domain {domain_id}."))
}

fn check_domain(tx: &Tx, id: &str) -> Result<(), Fault> {
    let found = project_by_id(tx, id)?.filter(|domain| domain.is_domain);
    found.map(drop).ok_or_else(|| missing("domain", id))
}

impl Identity {
    /// A part of a domain's options.
    pub async fn domain_config_show(&self, cx: &Cx, id: &str, part: Part) -> Result<Options, Fault> {
        cx.may(&rules::GET_DOMAIN_CONFIG, &Target::none())?;
        let id = id.to_owned();
        self.db
            .read(move |tx| {
                part.check().map_err(unfit)?;
                let shown = part.shown(&domain_options(tx, &id)?);
                if shown.is_empty() { Err(absent(&id, &part)) } else { Ok(shown) }
            })
            .await
    }

    /// What holds where a domain has no option.
    pub fn domain_config_default(&self, cx: &Cx, part: &Part) -> Result<Options, Fault> {
        cx.may(&rules::GET_DOMAIN_CONFIG_DEFAULT, &Target::none())?;
        part.defaults().map_err(unfit)
    }

    /// The rules for passwords, as far as whoever chooses one must know them.
    pub fn domain_config_compliance(&self, cx: &Cx, id: &str, name: Option<&str>) -> Result<Options, Fault> {
        cx.may(&rules::GET_SECURITY_COMPLIANCE_DOMAIN_CONFIG, &Target::none())?;
        if id != DEFAULT_DOMAIN {
            return Err(unfit(
                "Reading security compliance information for any domain other than the default domain is not allowed or \
                 supported.",
            ));
        }
        let form = self.settings.compliance.form.as_ref();
        let all = json!({
            "password_regex": form.map(|form| &form.expression),
            "password_regex_description": form.map(|form| &form.description),
        });
        match name {
            None => Ok(Map::from_iter([("security_compliance".to_owned(), all)])),
            Some(name) => match all.get(name) {
                Some(value) => Ok(Map::from_iter([(name.to_owned(), value.clone())])),
                None => Err(unfit(
                    "Reading security compliance values other than password_regex and password_regex_description is not \
                     allowed.",
                )),
            },
        }
    }

    /// Puts a domain's options in the place of those that it had. Says whether it had any.
    pub async fn domain_config_create(
        &self,
        cx: &Cx,
        id: &str,
        given: Options,
    ) -> Result<(Options, bool), Fault> {
        cx.may(&rules::CREATE_DOMAIN_CONFIG, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                check_domain(tx, &id)?;
                let given = Part::default().given(given.clone()).map_err(unfit)?;
                let had = domain_has_options(tx, &id, &Part::default())?;
                domain_options_delete(tx, &id, &Part::default())?;
                domain_options_put(tx, &id, &given)?;
                Ok((domain_options(tx, &id)?, had))
            })
            .await
    }

    /// Changes a part of a domain's options. Answers all of them.
    pub async fn domain_config_update(
        &self,
        cx: &Cx,
        id: &str,
        part: Part,
        given: Options,
    ) -> Result<Options, Fault> {
        cx.may(&rules::UPDATE_DOMAIN_CONFIG, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                check_domain(tx, &id)?;
                let given = part.given(given.clone()).map_err(unfit)?;
                if part.group.is_some() && !domain_has_options(tx, &id, &part)? {
                    return Err(absent(&id, &part));
                }
                domain_options_put(tx, &id, &given)?;
                domain_options(tx, &id)
            })
            .await
    }

    /// Removes a part of a domain's options.
    pub async fn domain_config_delete(&self, cx: &Cx, id: &str, part: Part) -> Result<(), Fault> {
        cx.may(&rules::DELETE_DOMAIN_CONFIG, &Target::none())?;
        let id = id.to_owned();
        self.db
            .write(move |tx| {
                check_domain(tx, &id)?;
                part.check().map_err(unfit)?;
                if part.group.is_some() && !domain_has_options(tx, &id, &part)? {
                    return Err(absent(&id, &part));
                }
                domain_options_delete(tx, &id, &part)
            })
            .await
    }
}
