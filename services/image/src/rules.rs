//! Who may do what, unless the operator says otherwise: Glance's names and its secure defaults.

policy::rules! {
    image [PROJECT];
    DEFAULT "default" "" "What a rule asks that says nothing else." [ANY];
    SERVICE_API "service_api" "role:service or role:admin" "Other services." [ANY];
    ADD_IMAGE "add_image" "rule:context_is_admin or (role:member and project_id:%(project_id)s and project_id:%(owner)s)" "Make an image.";
    GET_IMAGE "get_image" "rule:context_is_admin or (role:reader and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))" "Show an image.";
    GET_IMAGES "get_images" "rule:context_is_admin or (role:reader and project_id:%(project_id)s)" "List images.";
    MODIFY_IMAGE "modify_image" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Change an image.";
    DELETE_IMAGE "delete_image" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Delete an image.";
    PUBLICIZE_IMAGE "publicize_image" "rule:context_is_admin" "Make an image public.";
    COMMUNITIZE_IMAGE "communitize_image" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Make an image a community image.";
    DOWNLOAD_IMAGE "download_image" "rule:context_is_admin or (role:member and (project_id:%(project_id)s or project_id:%(member_id)s or 'community':%(visibility)s or 'public':%(visibility)s or 'shared':%(visibility)s))" "Download an image's data.";
    UPLOAD_IMAGE "upload_image" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Upload an image's data.";
    ADD_MEMBER "add_member" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Share an image with a project.";
    DELETE_MEMBER "delete_member" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Stop sharing an image with a project.";
    GET_MEMBER "get_member" "rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)" "Show a member.";
    GET_MEMBERS "get_members" "rule:context_is_admin or role:reader and (project_id:%(project_id)s or project_id:%(member_id)s)" "List members.";
    MODIFY_MEMBER "modify_member" "rule:context_is_admin or (role:member and project_id:%(member_id)s)" "Accept or reject a shared image.";
    DEACTIVATE "deactivate" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Take an image out of use.";
    REACTIVATE "reactivate" "rule:context_is_admin or (role:member and project_id:%(project_id)s)" "Put an image into use again.";
    CONTEXT_IS_ADMIN "context_is_admin" "role:admin" "What administrators of the cloud may do with images." [ANY];
    METADEF_DEFAULT "metadef_default" "" "Everybody, in rules of definitions of properties, of which there are none here." [ANY];
    METADEF_ADMIN "metadef_admin" "rule:context_is_admin" "Administrators, in rules of definitions of properties, of which there are none here." [ANY];
    MANAGE_IMAGE_CACHE "manage_image_cache" "rule:context_is_admin" "Administrators, in rules of the cache, which there is not here.";
}
