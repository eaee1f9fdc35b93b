//! What identity tells the other services.

use crate::Identity;
use crate::store;
use ::store::Tx;
use fault::Fault;

impl contract::Identity for Identity {
    fn has_project(&self, tx: &Tx, project_id: &str) -> Result<bool, Fault> {
        Ok(store::project::project_by_id(tx, project_id)?.is_some())
    }

    fn has_user(&self, tx: &Tx, user_id: &str) -> Result<bool, Fault> {
        Ok(store::user::user_by_id(tx, user_id)?.is_some())
    }

    fn project_named(&self, tx: &Tx, name: &str) -> Result<Option<String>, Fault> {
        Ok(store::project::project_by_name(tx, "default", name)?.map(|project| project.id))
    }
}
