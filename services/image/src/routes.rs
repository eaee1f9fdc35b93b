//! Every operation of the image service on one screen: method, path, name, and who may call.

use crate::ImageService;
use crate::api::{data, discovery, image, member, schema};
use crate::rules::*;
use web::{Routes, op};

/// The table.
pub fn routes() -> Routes<ImageService> {
    let said = "a schema is no secret, but OpenStack asks for a token";
    Routes::new()
        .get("/", op("version_choose", discovery::version_choose).open("discovery comes before a token"))
        .get("/versions", op("version_list", discovery::version_list).open("discovery comes before a token"))
        .get(
            "/v2/info/import",
            op("import_show", discovery::import_show).token("the ways to import are the same for all"),
        )
        .get("/v2/schemas/image", op("image_schema", schema::image_schema).token(said))
        .get("/v2/schemas/images", op("images_schema", schema::images_schema).token(said))
        .get("/v2/schemas/member", op("member_schema", schema::member_schema).token(said))
        .get("/v2/schemas/members", op("members_schema", schema::members_schema).token(said))
        .get("/v2/images", op("image_list", image::image_list).rule(&GET_IMAGES))
        .post("/v2/images", op("image_create", image::image_create).rule(&ADD_IMAGE))
        .get("/v2/images/{id}", op("image_show", image::image_show).rule(&GET_IMAGE))
        .patch("/v2/images/{id}", op("image_update", image::image_update).rule(&MODIFY_IMAGE))
        .delete("/v2/images/{id}", op("image_delete", image::image_delete).rule(&DELETE_IMAGE))
        .put("/v2/images/{id}/file", op("data_upload", data::data_upload).rule(&UPLOAD_IMAGE))
        .get("/v2/images/{id}/file", op("data_download", data::data_download).rule(&DOWNLOAD_IMAGE))
        .post(
            "/v2/images/{id}/actions/deactivate",
            op("image_deactivate", image::image_deactivate).rule(&DEACTIVATE),
        )
        .post(
            "/v2/images/{id}/actions/reactivate",
            op("image_reactivate", image::image_reactivate).rule(&REACTIVATE),
        )
        .put("/v2/images/{id}/tags/{tag}", op("tag_add", image::tag_add).rule(&MODIFY_IMAGE))
        .delete("/v2/images/{id}/tags/{tag}", op("tag_remove", image::tag_remove).rule(&MODIFY_IMAGE))
        .get("/v2/images/{id}/members", op("member_list", member::member_list).rule(&GET_MEMBERS))
        .post("/v2/images/{id}/members", op("member_create", member::member_create).rule(&ADD_MEMBER))
        .get("/v2/images/{id}/members/{member}", op("member_show", member::member_show).rule(&GET_MEMBER))
        .put(
            "/v2/images/{id}/members/{member}",
            op("member_update", member::member_update).rule(&MODIFY_MEMBER),
        )
        .delete(
            "/v2/images/{id}/members/{member}",
            op("member_delete", member::member_delete).rule(&DELETE_MEMBER),
        )
}
