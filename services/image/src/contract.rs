//! What the image service tells compute.

use crate::ImageService;
use crate::model::image::Image;
use crate::ops::data;
use crate::ops::image::{image_target, sees};
use crate::rules::GET_IMAGE;
use crate::store::image::image_by_id;
use ::store::Tx;
use async_trait::async_trait;
use contract::image::ImageFacts;
use fault::Fault;
use metal::driver::Data;
use policy::Who;

fn facts(image: Image) -> ImageFacts {
    ImageFacts {
        id: image.id,
        name: image.name.unwrap_or_default(),
        status: image.status.word().to_owned(),
        disk_format: image.disk_format.unwrap_or_default(),
        container_format: image.container_format.unwrap_or_default(),
        bytes: image.bytes.unwrap_or(0),
        virtual_bytes: image.virtual_bytes.unwrap_or(0),
        sha512: image.sha512.unwrap_or_default(),
        min_disk_gib: image.min_disk,
        min_ram_mib: image.min_ram,
        properties: image.properties,
    }
}

#[async_trait]
impl contract::Images for ImageService {
    fn image(&self, tx: &Tx, who: &Who, image_id: &str) -> Result<Option<ImageFacts>, Fault> {
        let Some(image) = image_by_id(tx, image_id)? else { return Ok(None) };
        let who = &*self.policy.placed("image", who);
        let allowed = self.policy.allows(&GET_IMAGE, who, &image_target(who, &image));
        Ok((allowed && sees(tx, who, &image)?).then(|| facts(image)))
    }

    fn image_by_id(&self, tx: &Tx, image_id: &str) -> Result<Option<ImageFacts>, Fault> {
        Ok(image_by_id(tx, image_id)?.map(facts))
    }

    async fn data(&self, image_id: &str) -> Result<Data, Fault> {
        data::read(&self.data.path(image_id), 0, u64::MAX, self.db.clock().is_stepped())
    }
}
