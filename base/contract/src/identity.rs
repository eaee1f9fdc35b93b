//! What identity tells the other services.

use fault::Fault;
use store::Tx;

/// What identity tells the other services.
pub trait Identity: Send + Sync + 'static {
    /// Whether there is such a project.
    fn has_project(&self, tx: &Tx, project_id: &str) -> Result<bool, Fault>;
    /// Whether there is such a user.
    fn has_user(&self, tx: &Tx, user_id: &str) -> Result<bool, Fault>;
    /// The id of a project by its name in the domain `default`, for bootstrap.
    fn project_named(&self, tx: &Tx, name: &str) -> Result<Option<String>, Fault>;
}
