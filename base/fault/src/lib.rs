//! The one error that leaves a service.
//!
//! A [`Fault`] has a closed [`Kind`], a sentence for the caller and a cause for the log. Leaf errors become faults
//! where somebody knows what they mean ([`Means::means`]); each service writes a fault in its own envelope, as
//! OpenStack does. A [`Kind::Bug`] tells the caller nothing and the log everything.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

/// What went wrong, in terms that a caller can act on. Closed on purpose: envelopes match it without a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is malformed or asks for something impossible (400).
    BadInput,
    /// No token, or one that is not valid (any more) (401).
    Unauthenticated,
    /// The caller may see the thing but not do this to it (403).
    Forbidden,
    /// There is no such thing, or the caller may not know of it (404).
    NotFound,
    /// The path exists, the method does not (405).
    MethodNotAllowed,
    /// The asked version of the API does not exist (406).
    VersionUnsupported,
    /// The state of the thing forbids this now (409).
    Conflict,
    /// A quota would be exceeded; each service has its own status for it.
    OverQuota,
    /// The thing is gone for good, as data of an image that was killed (410).
    Gone,
    /// A condition that the caller set does not hold (412).
    PreconditionFailed,
    /// The body is larger than allowed (413).
    TooLarge,
    /// The body has a content type that the operation does not take (415).
    UnsupportedMedia,
    /// The asked range lies outside the data (416).
    RangeUnsatisfiable,
    /// Too many requests of this sort at once (429).
    Busy,
    /// A bug or a broken store (500). The caller learns the request id, the log the rest.
    Bug,
    /// OpenStack has this operation, this cloud has it not (501).
    NotImplemented,
    /// A part that is needed does not answer now (503).
    Unavailable,
}

type Cause = Box<dyn Error + Send + Sync + 'static>;

/// A failure: the public half goes on the wire, the cause goes to the log.
#[derive(Debug)]
pub struct Fault {
    /// What sort of failure it is.
    pub kind: Kind,
    /// Where OpenStack names the error beyond its status: Neutron's `type`, Placement's `code`. Empty elsewhere.
    pub code: &'static str,
    public: Cow<'static, str>,
    more: Option<Box<More>>,
}

/// What few faults have.
#[derive(Debug, Default)]
struct More {
    cause: Option<Cause>,
    explanation: Option<Box<str>>,
}

impl Fault {
    /// A fault with the sentence that the caller reads.
    pub fn new(kind: Kind, public: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, code: "", public: public.into(), more: None }
    }

    /// A bug: something that cannot be, with what we know of it.
    pub fn bug(cause: impl Into<Cause>) -> Self {
        Self::new(Kind::Bug, "").because(cause)
    }

    /// Names the error as its service does (Neutron's `type`, Placement's `code`).
    #[must_use]
    pub fn named(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    /// Adds the private cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Cause>) -> Self {
        self.more.get_or_insert_default().cause = Some(cause.into());
        self
    }

    /// Adds what would have let the caller, for the caller to read. It speaks of the caller alone.
    #[must_use]
    pub fn explained(mut self, explanation: impl Into<Box<str>>) -> Self {
        self.more.get_or_insert_default().explanation = Some(explanation.into());
        self
    }

    /// What would have let the caller, if a rule refused.
    pub fn explanation(&self) -> Option<&str> {
        self.more.as_ref()?.explanation.as_deref()
    }

    /// The sentence for the caller. Empty for a bug: the envelope then says what its service says of a bug.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The whole chain of causes, for the log.
    pub fn causes(&self) -> String {
        let mut text = String::new();
        let cause = self.more.as_ref().and_then(|more| more.cause.as_ref());
        let mut next = cause.map(|cause| cause.as_ref() as &dyn Error);
        while let Some(error) = next {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.public.is_empty(), self.causes()) {
            (false, causes) if causes.is_empty() => f.write_str(&self.public),
            (false, causes) => write!(f, "{} ({causes})", self.public),
            (true, causes) => write!(f, "{:?}: {causes}", self.kind),
        }
    }
}

impl Error for Fault {}

/// Gives a leaf error its meaning, at the only place that knows it.
pub trait Means<T> {
    /// This failure means `kind` to the caller, who reads `public`.
    fn means(self, kind: Kind, public: impl Into<Cow<'static, str>>) -> Result<T, Fault>;
    /// This failure cannot happen unless we have a bug.
    fn or_bug(self) -> Result<T, Fault>;
}

impl<T, E: Into<Cause>> Means<T> for Result<T, E> {
    fn means(self, kind: Kind, public: impl Into<Cow<'static, str>>) -> Result<T, Fault> {
        self.map_err(|cause| Fault::new(kind, public).because(cause))
    }

    fn or_bug(self) -> Result<T, Fault> {
        self.map_err(Fault::bug)
    }
}

macro_rules! shorthand {
    ($($(#[$doc:meta])* $name:ident => $kind:ident),* $(,)?) => {
        impl Fault {
            $($(#[$doc])* pub fn $name(public: impl Into<Cow<'static, str>>) -> Self { Self::new(Kind::$kind, public) })*
        }
    };
}

shorthand! {
    /// 400: the request asks for something impossible.
    bad_input => BadInput,
    /// 403: visible, but not for this caller to do.
    forbidden => Forbidden,
    /// 404: absent, or not for this caller to see.
    not_found => NotFound,
    /// 409: not in this state.
    conflict => Conflict,
    /// Over quota.
    over_quota => OverQuota,
    /// 503: a needed part does not answer.
    unavailable => Unavailable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_tells_the_caller_nothing_and_the_log_everything() {
        let fault = Fault::bug("the table is upside down");
        assert_eq!(fault.public(), "");
        assert_eq!(fault.causes(), "the table is upside down");
    }

    #[test]
    fn a_leaf_error_gets_its_meaning_where_it_is_known() {
        let leaf: Result<u8, _> = "x".parse::<u8>();
        let fault = leaf.means(Kind::BadInput, "That is no number.").unwrap_err();
        assert_eq!((fault.kind, fault.public()), (Kind::BadInput, "That is no number."));
        assert!(fault.causes().contains("invalid digit"));
    }
}
