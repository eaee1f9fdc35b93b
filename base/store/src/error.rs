//! What a database answers instead of rows, reduced to what a caller can act on, for both databases alike.

use fault::{Fault, Kind};

/// Why a statement failed. [`crate::Tx::try_execute`] returns it to callers that branch on it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A unique key is taken. `columns` names the key's columns; it is empty for an index over an expression.
    #[error("the key ({}) of {table} is taken", columns.join(", "))]
    Unique {
        /// The table.
        table: String,
        /// The columns of the key, without the table.
        columns: Vec<String>,
    },
    /// A foreign key: what is referred to is missing, or what is removed is still referred to.
    #[error("a foreign key does not hold: {0}")]
    Foreign(String),
    /// The disk of the store is full.
    #[error("the disk of the store is full: {0}")]
    Full(String),
    /// Another transaction was first; the store runs the closure again.
    #[error("another transaction was first: {0}")]
    Busy(String),
    /// The connection to the database was lost.
    #[error("the connection to the database was lost: {0}")]
    Lost(String),
    /// A text has a zero byte, which PostgreSQL does not keep.
    #[error("a text has a zero byte")]
    Zero,
    /// Anything else: the statement is wrong, or the store is broken.
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    /// What this means where nobody branched on it.
    pub fn fault(self) -> Fault {
        let (kind, public) = match &self {
            Self::Unique { .. } => (Kind::Conflict, "It exists already."),
            Self::Foreign(_) => {
                (Kind::Conflict, "It is in use, or something that it refers to does not exist.")
            }
            Self::Busy(_) => (Kind::Unavailable, "The store is too busy. Nothing was changed."),
            Self::Lost(_) => (Kind::Unavailable, "The store does not answer."),
            Self::Zero => (Kind::BadInput, "Text must not have the character U+0000 in it."),
            // OpenStack's services answer 500 too when their database cannot write; the log has the reason.
            Self::Full(_) | Self::Other(_) => (Kind::Bug, ""),
        };
        Fault::new(kind, public).because(self)
    }
}
