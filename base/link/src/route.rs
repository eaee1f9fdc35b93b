//! The calls of the link: their paths, as the controller writes and the agent reads them.

use crate::wire::Body;
use http::{Method, Request};
use metal::Kind;

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Hello,
    Ensure,
    Ledger,
    Reports { kinds: Vec<Kind> },
    ImageHas,
    ImagePut,
    ImageForget,
    Console { server_id: String, bytes: u64 },
    Screen { server_id: String },
    Forget,
    Status,
}

impl Route {
    fn method(&self) -> Method {
        match self {
            Self::Hello | Self::Ledger | Self::Reports { .. } | Self::Console { .. } | Self::Status => {
                Method::GET
            }
            Self::Ensure | Self::ImageHas | Self::ImageForget | Self::Screen { .. } | Self::Forget => {
                Method::POST
            }
            Self::ImagePut => Method::PUT,
        }
    }

    fn path(&self) -> String {
        match self {
            Self::Hello => "/1/hello".to_owned(),
            Self::Ensure => "/1/ensure".to_owned(),
            Self::Ledger => "/1/ledger".to_owned(),
            Self::Reports { kinds } => {
                let words: Vec<_> = kinds.iter().map(|kind| kind.word()).collect();
                format!("/1/reports/{}", words.join("+"))
            }
            Self::ImageHas | Self::ImagePut => "/1/image".to_owned(),
            Self::ImageForget => "/1/image/forget".to_owned(),
            Self::Console { server_id, bytes } => format!("/1/console/{server_id}/{bytes}"),
            Self::Screen { server_id } => format!("/1/screen/{server_id}"),
            Self::Forget => "/1/forget".to_owned(),
            Self::Status => "/1/status".to_owned(),
        }
    }

    /// The request. An id that fits no path becomes one that no agent knows.
    pub(crate) fn request(&self, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method();
        let uri = format!("http://agent{}", self.path());
        *request.uri_mut() = uri.parse().unwrap_or_else(|_| http::Uri::from_static("http://agent/1/unknown"));
        request
    }

    /// The call that a request makes.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let route = match parts.as_slice() {
            ["1", "hello"] => Self::Hello,
            ["1", "ensure"] => Self::Ensure,
            ["1", "ledger"] => Self::Ledger,
            ["1", "reports", kinds] => {
                Self::Reports { kinds: kinds.split('+').filter_map(Kind::of).collect() }
            }
            ["1", "image"] if method == Method::PUT => Self::ImagePut,
            ["1", "image"] => Self::ImageHas,
            ["1", "image", "forget"] => Self::ImageForget,
            ["1", "console", id, bytes] => {
                Self::Console { server_id: (*id).to_owned(), bytes: bytes.parse().ok()? }
            }
            ["1", "screen", id] => Self::Screen { server_id: (*id).to_owned() },
            ["1", "forget"] => Self::Forget,
            ["1", "status"] => Self::Status,
            _ => return None,
        };
        (route.method() == *method).then_some(route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for route in [
            Route::Hello,
            Route::Ensure,
            Route::Ledger,
            Route::Reports { kinds: Kind::ALL.to_vec() },
            Route::Reports { kinds: vec![Kind::Port] },
            Route::ImageHas,
            Route::ImagePut,
            Route::ImageForget,
            Route::Console { server_id: "a".to_owned(), bytes: 7 },
            Route::Screen { server_id: "a".to_owned() },
            Route::Forget,
            Route::Status,
        ] {
            let request = route.request(crate::wire::empty());
            assert_eq!(Route::of(request.method(), request.uri().path()), Some(route));
        }
        assert_eq!(Route::of(&Method::GET, "/1/ensure"), None);
        assert_eq!(Route::of(&Method::GET, "/"), None);
    }
}
