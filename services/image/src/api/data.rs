//! The data of images on the wire.

use crate::ImageService;
use crate::ops::data::Range;
use fault::{Fault, Kind};
use std::sync::Arc;
use web::{Answer, Ask};

/// `PUT /v2/images/{id}/file`
pub async fn data_upload(images: Arc<ImageService>, mut ask: Ask) -> Result<Answer, Fault> {
    let content_type = ask.header("content-type").split(';').next().unwrap_or_default().trim().to_owned();
    if content_type != "application/octet-stream" {
        let said = format!(
            "The content type '{content_type}' is not supported: image data is application/octet-stream."
        );
        return Err(Fault::new(Kind::UnsupportedMedia, said));
    }
    let size =
        ask.header("x-image-meta-size").parse().ok().or_else(|| ask.header("content-length").parse().ok());
    let body = ask.stream();
    images.data_upload(&ask.cx, ask.id("id"), size, body).await?;
    Ok(Answer::empty(204))
}

/// `GET /v2/images/{id}/file`
pub async fn data_download(images: Arc<ImageService>, ask: Ask) -> Result<Answer, Fault> {
    let range = range(ask.header("range"), ask.header("content-range"))?;
    let part = images.data_download(&ask.cx, ask.id("id"), range).await?;
    let Some(checksum) = part.image.checksum.clone() else { return Ok(Answer::empty(204)) };
    let status = if range.is_some() { 206 } else { 200 };
    let answer = Answer::stream(status, "application/octet-stream", Some(part.bytes), part.data);
    if range.is_none() {
        return Ok(answer.with("content-md5", &checksum));
    }
    let (from, whole) = (part.from, part.image.bytes.unwrap_or(0));
    Ok(answer.with("content-range", &format!("bytes {from}-{}/{whole}", from + part.bytes.saturating_sub(1))))
}

/// What part is asked for: `Range: bytes=0-9`, or the `Content-Range` that old clients send in a request.
fn range(range: &str, content_range: &str) -> Result<Option<Range>, Fault> {
    let text = match (range, content_range) {
        ("", "") => return Ok(None),
        ("", old) => old.split('/').next().unwrap_or_default().trim_start_matches("bytes"),
        (new, _) => new.trim_start_matches("bytes="),
    };
    let bad =
        || Fault::new(Kind::RangeUnsatisfiable, "Multiple ranges and malformed ranges are not supported.");
    let (from, last) = text.trim().split_once('-').ok_or_else(bad)?;
    let number = |text: &str| match text.trim() {
        "" => Ok(None),
        text => text.parse::<u64>().map(Some).map_err(|_| bad()),
    };
    match (number(from)?, number(last)?) {
        (None, None) => Err(bad()),
        (Some(from), Some(last)) if last < from => Err(bad()),
        range => Ok(Some(range)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_in_both_spellings() {
        assert_eq!(range("bytes=2-5", "").unwrap(), Some((Some(2), Some(5))));
        assert_eq!(range("bytes=-5", "").unwrap(), Some((None, Some(5))));
        assert_eq!(range("", "bytes 3-7/*").unwrap(), Some((Some(3), Some(7))));
        assert_eq!(range("", "").unwrap(), None);
        for bad in ["bytes=5-2", "bytes=-", "bytes=1-2,4-5", "x"] {
            assert!(range(bad, "").is_err(), "{bad}");
        }
    }
}
