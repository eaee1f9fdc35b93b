//! What a list is narrowed to before it is read, so that looking for one name does not cost reading all.

/// The domain and the name that all of a list have; what is `None` may be any.
///
/// It only spares work: what comes of it is held once more against all that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// The id of the domain.
    pub domain_id: Option<String>,
    /// The name.
    pub name: Option<String>,
}
