//! Members: projects that an image is shared with.

use kernel::Micros;
use serde_json::{Value, json};

/// A project that an image is shared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The image.
    pub image_id: String,
    /// The project.
    pub member_id: String,
    /// `pending`, `accepted` or `rejected`: only an accepted image is in the member's list.
    pub status: String,
    /// When it was shared.
    pub created_at: Micros,
    /// When the member last answered.
    pub updated_at: Micros,
}

impl Member {
    /// As the API writes it.
    pub fn body(&self) -> Value {
        json!({
            "member_id": self.member_id, "image_id": self.image_id, "status": self.status,
            "created_at": self.created_at.seconds_z(), "updated_at": self.updated_at.seconds_z(),
            "schema": "/v2/schemas/member",
        })
    }
}
