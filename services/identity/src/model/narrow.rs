//! What a list is narrowed to before it is read, so that looking for one name does not cost reading all.

/// The domain and the name that all of a list have; what is `None` may be any.
///
/// For what is asked over the wire it only spares work: what comes of it is held against all that was asked once more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Narrow {
    /// The id of the domain.
    pub domain_id: Option<String>,
    /// The name.
    pub name: Option<String>,
}
