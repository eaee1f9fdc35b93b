//! The status that a kind of fault has in OpenStack, with the title that WebOb gives it.

use fault::Kind;

/// Status and title. Over quota has another status in each service; here it has that of most.
pub const fn status_and_title(kind: Kind) -> (u16, &'static str) {
    match kind {
        Kind::BadInput => (400, "Bad Request"),
        Kind::Unauthenticated => (401, "Unauthorized"),
        Kind::Forbidden | Kind::OverQuota => (403, "Forbidden"),
        Kind::NotFound => (404, "Not Found"),
        Kind::MethodNotAllowed => (405, "Method Not Allowed"),
        Kind::VersionUnsupported => (406, "Not Acceptable"),
        Kind::Conflict => (409, "Conflict"),
        Kind::Gone => (410, "Gone"),
        Kind::PreconditionFailed => (412, "Precondition Failed"),
        Kind::TooLarge => (413, "Request Entity Too Large"),
        Kind::UnsupportedMedia => (415, "Unsupported Media Type"),
        Kind::RangeUnsatisfiable => (416, "Requested Range Not Satisfiable"),
        Kind::Busy => (429, "Too Many Requests"),
        Kind::Bug => (500, "Internal Server Error"),
        Kind::NotImplemented => (501, "Not Implemented"),
        Kind::Unavailable => (503, "Service Unavailable"),
    }
}
