//! What may go wrong: [`HostError`] is what an agent says, [`LinkError`] what a caller on the controller branches on.

use crate::host::Rank;
use metal::DriverError;
use serde::{Deserialize, Serialize};

/// Why a host did not do what it was asked. Travels over the link as JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
pub enum HostError {
    /// The host holds something newer already.
    #[error("the host holds {held:?} already")]
    Stale {
        /// The rank that it holds.
        held: Rank,
    },
    /// The host holds other content at this very rank.
    #[error("the host holds other content at the same rank")]
    Conflict,
    /// The record's format is newer than this agent.
    #[error("this agent does not know format {format}")]
    UnknownFormat {
        /// The format that was sent.
        format: u32,
    },
    /// The host knows no such thing.
    #[error("{what} is not on this host")]
    Missing {
        /// What was asked for.
        what: String,
    },
    /// Something that is needed is not there yet.
    #[error("{why}")]
    NotYet {
        /// What is missing.
        why: String,
    },
    /// This can never be done.
    #[error("{why}")]
    Refused {
        /// The reason.
        why: String,
    },
    /// The host's file system is full.
    #[error("no space is left for {what}")]
    Full {
        /// What there was no room for.
        what: String,
    },
    /// It failed; asking again may help.
    #[error("{why}")]
    Failed {
        /// The reason.
        why: String,
    },
}

impl HostError {
    /// A failure with this reason.
    pub fn failed(why: impl ToString) -> Self {
        Self::Failed { why: why.to_string() }
    }

    /// What a driver's error means to the controller.
    pub fn of(error: DriverError) -> Self {
        match error {
            DriverError::NotYet(why) => Self::NotYet { why },
            DriverError::Refused(why) => Self::Refused { why },
            DriverError::Failed(why) => Self::Failed { why },
            DriverError::Full(what) => Self::Full { what },
        }
    }
}

/// Why a call to a host did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The host is not connected, the link broke during the call, or no answer came in time. Whether the call was
    /// carried out is not known: all calls may be repeated.
    #[error("host {0} is away")]
    Away(String),
    /// The host holds something newer than what was sent.
    #[error("the host holds {held:?} already")]
    Stale {
        /// The rank that it holds.
        held: Rank,
    },
    /// The host will never do this: contradicting content at one rank, an unknown format, an impossible wish.
    #[error("{0}")]
    Refused(String),
    /// The host knows no such thing.
    #[error("{0}")]
    Missing(String),
    /// Something that is needed is not there yet.
    #[error("{0}")]
    NotYet(String),
    /// The host's file system is full.
    #[error("{0}")]
    Full(String),
    /// The host tried and failed; asking again may help.
    #[error("{0}")]
    Failed(String),
}

impl LinkError {
    /// What an agent's error means to a caller.
    pub fn of(error: HostError) -> Self {
        let text = error.to_string();
        match error {
            HostError::Stale { held } => Self::Stale { held },
            HostError::Conflict | HostError::UnknownFormat { .. } | HostError::Refused { .. } => {
                Self::Refused(text)
            }
            HostError::Missing { .. } => Self::Missing(text),
            HostError::NotYet { .. } => Self::NotYet(text),
            HostError::Full { .. } => Self::Full(text),
            HostError::Failed { .. } => Self::Failed(text),
        }
    }
}
