//! What a token may be used for at all, where its owner was given less than all: requests of some services, by method and
//! path. A path can have `{anything}` or `*` for one step, and `**` for any number.

/// One kind of request that is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The type of the service.
    pub service: String,
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Byte(u8),
    /// One step of a path: at least one byte, and no slash.
    Step,
    Anything,
}

impl Access {
    /// Whether a request is of this kind.
    pub fn covers(&self, service: &str, method: &str, path: &str) -> bool {
        self.service == service && self.method == method && fits(&pieces(&self.path), path.as_bytes())
    }
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut rest = pattern.as_bytes();
    let mut pieces = Vec::new();
    while let Some(byte) = rest.first() {
        let (piece, length) = match *byte {
            b'{' => match rest.iter().position(|byte| *byte == b'}') {
                Some(end) => (Some(Piece::Step), end + 1),
                None => (None, 1),
            },
            b'}' => (None, 1),
            b'*' if rest.starts_with(b"**") => (Some(Piece::Anything), 2),
            b'*' => (Some(Piece::Step), 1),
            byte => (Some(Piece::Byte(byte)), 1),
        };
        pieces.extend(piece);
        rest = &rest[length..];
    }
    pieces
}

/// Follows all places that the pattern may have come to, so that no pattern takes long.
fn fits(pieces: &[Piece], path: &[u8]) -> bool {
    let mut places = vec![false; path.len() + 1];
    places[0] = true;
    for piece in pieces {
        let mut next = vec![false; path.len() + 1];
        let mut on = false;
        for (at, byte) in path.iter().enumerate() {
            match piece {
                Piece::Byte(wanted) => next[at + 1] = places[at] && byte == wanted,
                Piece::Step => {
                    on = (on || places[at]) && *byte != b'/';
                    next[at + 1] = on;
                }
                Piece::Anything => {
                    on |= places[at];
                    next[at] = on;
                }
            }
        }
        if *piece == Piece::Anything {
            next[path.len()] = on || places[path.len()];
        }
        places = next;
    }
    places[path.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits_path(pattern: &str, path: &str) -> bool {
        fits(&pieces(pattern), path.as_bytes())
    }

    #[test]
    fn paths_are_matched_step_by_step() {
        for (pattern, path, wanted) in [
            ("/v2.1/servers", "/v2.1/servers", true),
            ("/v2.1/servers", "/v2x1/servers", false),
            ("/v2.1/servers", "/v2.1/servers/x", false),
            ("/v2.1/servers/{id}", "/v2.1/servers/x", true),
            ("/v2.1/servers/*", "/v2.1/servers/", false),
            ("/v2.1/servers/*/ips", "/v2.1/servers/x/ips", true),
            ("/v2.1/servers/*", "/v2.1/servers/x/ips", false),
            ("/v2.1/**", "/v2.1/servers/x/ips", true),
            ("/v2.1/**", "/v2.1/", true),
            ("**", "", true),
            ("**/ips", "/v2.1/servers/x/ips", true),
            ("", "", true),
            ("/{", "/", true),
            ("/ä*", "/äü", true),
        ] {
            assert_eq!(fits_path(pattern, path), wanted, "{pattern} {path}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let (pattern, path) = ("**a".repeat(75), "a".repeat(4000) + "b");
        assert!(!fits_path(&pattern, &path));
    }
}
