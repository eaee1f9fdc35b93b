//! Every operation of identity in one table: method, path, name, and who may call.

use crate::Identity;
use crate::api::{
    access_rule, application_credential, assignment, auth, catalog, credential, discovery, domain_config,
    ec2, endpoint_group, federation, group, identity_provider, limit, mapping, oauth1, oauth2,
    policy_association, policy_document, project, role, service_provider, trust, user,
};
use crate::differences::*;
use crate::rules::*;
use fault::Fault;
use std::sync::Arc;
use web::routes::{Op, Undecided};
use web::{Answer, Ask, Routes};

/// The table.
pub fn routes() -> Routes<Identity> {
    [
        discovery,
        tokens,
        domains,
        domain_configs,
        projects,
        users,
        groups,
        roles,
        grants,
        limits,
        application_credentials,
        trusts,
        credentials,
        ec2_keys,
        oauth1s,
        federated,
        service_providers,
        catalogs,
        endpoint_groups,
        policies,
    ]
    .into_iter()
    .fold(Routes::new(), |routes, part: fn(_) -> _| part(routes))
}

/// An operation. What identity answers depends on the token, and caches on the way must know.
fn op<F, R>(name: &'static str, handler: F) -> Op<Identity, Undecided>
where
    F: Fn(Arc<Identity>, Ask) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Answer, Fault>> + Send + 'static,
{
    web::op(name, move |identity, ask| {
        let refused = ec2::refused(&ask);
        let answer = handler(identity, ask);
        async move {
            refused?;
            answer.await.map(|answer| answer.with("vary", "X-Auth-Token"))
        }
    })
}

/// What this is, for whoever asks before a token.
fn discovery(routes: Routes<Identity>) -> Routes<Identity> {
    routes.get("/", op("version_list", discovery::versions).open("discovery comes before a token")).get(
        "/v3",
        op("version_show", discovery::version).open("discovery comes before a token").differs(VERSION),
    )
}

/// Tokens, and what the owner of one may go on to.
fn tokens(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .post(
            "/v3/auth/tokens",
            op("token_create", auth::token_create)
                .open("who has no token yet asks for one here")
                .differs(TOKEN),
        )
        .post(
            "/v3/OS-OAUTH2/token",
            op("oauth2_token_create", oauth2::token_create).open("a client shows its credential here"),
        )
        .get("/v3/auth/tokens", op("token_show", auth::token_show).rule(&VALIDATE_TOKEN).differs(TOKEN_ASKED))
        .head("/v3/auth/tokens", op("token_check", auth::token_check).rule(&CHECK_TOKEN))
        .delete("/v3/auth/tokens", op("token_delete", auth::token_delete).rule(&REVOKE_TOKEN))
        .get("/v3/auth/catalog", op("auth_catalog", auth::catalog_show).rule(&GET_AUTH_CATALOG))
        .get("/v3/auth/projects", op("auth_projects", auth::project_list).rule(&GET_AUTH_PROJECTS))
        .get("/v3/auth/domains", op("auth_domains", auth::domain_list).rule(&GET_AUTH_DOMAINS))
        .get("/v3/auth/system", op("auth_system", auth::system_list).rule(&GET_AUTH_SYSTEM))
}

/// Domains.
fn domains(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/v3/domains", op("domain_list", project::domain_list).rule(&LIST_DOMAINS))
        .post("/v3/domains", op("domain_create", project::domain_create).rule(&CREATE_DOMAIN))
        .get("/v3/domains/{id}", op("domain_show", project::domain_show).rule(&GET_DOMAIN))
        .patch("/v3/domains/{id}", op("domain_update", project::domain_update).rule(&UPDATE_DOMAIN))
        .delete(
            "/v3/domains/{id}",
            op("domain_delete", project::domain_delete).rule(&DELETE_DOMAIN).differs(DOMAIN_DELETE),
        )
}

/// Options of domains.
fn domain_configs(routes: Routes<Identity>) -> Routes<Identity> {
    use domain_config as own;
    let (all, group) = ("/v3/domains/{id}/config", "/v3/domains/{id}/config/{group}");
    let option = "/v3/domains/{id}/config/{group}/{option}";
    routes
        .get(all, op("domain_config_show", own::show).rule(&GET_DOMAIN_CONFIG))
        .put(all, op("domain_config_create", own::create).rule(&CREATE_DOMAIN_CONFIG))
        .patch(all, op("domain_config_update", own::update).rule(&UPDATE_DOMAIN_CONFIG))
        .delete(all, op("domain_config_delete", own::delete).rule(&DELETE_DOMAIN_CONFIG))
        .get(group, op("domain_config_group_show", own::show).rule(&GET_DOMAIN_CONFIG))
        .patch(group, op("domain_config_group_update", own::update).rule(&UPDATE_DOMAIN_CONFIG))
        .delete(group, op("domain_config_group_delete", own::delete).rule(&DELETE_DOMAIN_CONFIG))
        .get(option, op("domain_config_option_show", own::show).rule(&GET_DOMAIN_CONFIG))
        .patch(option, op("domain_config_option_update", own::update).rule(&UPDATE_DOMAIN_CONFIG))
        .delete(option, op("domain_config_option_delete", own::delete).rule(&DELETE_DOMAIN_CONFIG))
        .get(
            "/v3/domains/{id}/config/security_compliance",
            op("domain_config_compliance", own::compliance).rule(&GET_SECURITY_COMPLIANCE_DOMAIN_CONFIG),
        )
        .get(
            "/v3/domains/{id}/config/security_compliance/{option}",
            op("domain_config_compliance_option", own::compliance)
                .rule(&GET_SECURITY_COMPLIANCE_DOMAIN_CONFIG),
        )
        .get(
            "/v3/domains/config/default",
            op("domain_config_default", own::defaults).rule(&GET_DOMAIN_CONFIG_DEFAULT),
        )
        .get(
            "/v3/domains/config/{group}/default",
            op("domain_config_group_default", own::defaults).rule(&GET_DOMAIN_CONFIG_DEFAULT),
        )
        .get(
            "/v3/domains/config/{group}/{option}/default",
            op("domain_config_option_default", own::defaults).rule(&GET_DOMAIN_CONFIG_DEFAULT),
        )
}

/// Projects and their tags.
fn projects(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/v3/projects", op("project_list", project::project_list).rule(&LIST_PROJECTS))
        .post("/v3/projects", op("project_create", project::project_create).rule(&CREATE_PROJECT))
        .get("/v3/projects/{id}", op("project_show", project::project_show).rule(&GET_PROJECT))
        .patch(
            "/v3/projects/{id}",
            op("project_update", project::project_update).rule(&UPDATE_PROJECT).differs(PROJECT_UPDATE),
        )
        .delete(
            "/v3/projects/{id}",
            op("project_delete", project::project_delete).rule(&DELETE_PROJECT).differs(PROJECT_DELETE),
        )
        .get("/v3/projects/{id}/tags", op("tag_list", project::tag_list).rule(&LIST_PROJECT_TAGS))
        .put("/v3/projects/{id}/tags", op("tag_replace", project::tag_replace).rule(&UPDATE_PROJECT_TAGS))
        .delete("/v3/projects/{id}/tags", op("tag_clear", project::tag_clear).rule(&DELETE_PROJECT_TAGS))
        .get("/v3/projects/{id}/tags/{tag}", op("tag_check", project::tag_check).rule(&GET_PROJECT_TAG))
        .put(
            "/v3/projects/{id}/tags/{tag}",
            op("tag_add", project::tag_add).rule(&CREATE_PROJECT_TAG).differs(TAG_ADD),
        )
        .delete(
            "/v3/projects/{id}/tags/{tag}",
            op("tag_remove", project::tag_remove).rule(&DELETE_PROJECT_TAG),
        )
}

/// Users.
fn users(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/v3/users", op("user_list", user::list_all).rule(&LIST_USERS))
        .post("/v3/users", op("user_create", user::create).rule(&CREATE_USER).differs(USER))
        .get("/v3/users/{id}", op("user_show", user::show).rule(&GET_USER))
        .patch("/v3/users/{id}", op("user_update", user::update).rule(&UPDATE_USER).differs(USER))
        .delete(
            "/v3/users/{id}/tokens",
            op("user_tokens_revoke", user::tokens_revoke).rule(&REVOKE_TOKENS_FOR_USER),
        )
        .delete("/v3/users/{id}", op("user_delete", user::delete).rule(&DELETE_USER))
        .post(
            "/v3/users/{id}/password",
            op("user_password", user::password).open("whoever knows the old password may"),
        )
        .get("/v3/users/{id}/projects", op("user_projects", user::projects).rule(&LIST_USER_PROJECTS))
        .get("/v3/users/{id}/groups", op("user_groups", user::groups).rule(&LIST_GROUPS_FOR_USER))
}

/// Groups and who is in them.
fn groups(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/v3/groups", op("group_list", group::list_all).rule(&LIST_GROUPS))
        .post("/v3/groups", op("group_create", group::create).rule(&CREATE_GROUP))
        .get("/v3/groups/{id}", op("group_show", group::show).rule(&GET_GROUP))
        .patch("/v3/groups/{id}", op("group_update", group::update).rule(&UPDATE_GROUP))
        .delete("/v3/groups/{id}", op("group_delete", group::delete).rule(&DELETE_GROUP).differs(MEMBERSHIP))
        .get("/v3/groups/{id}/users", op("group_users", group::users).rule(&LIST_USERS_IN_GROUP))
        .put("/v3/groups/{id}/users/{user}", op("member_add", group::member_add).rule(&ADD_USER_TO_GROUP))
        .get(
            "/v3/groups/{id}/users/{user}",
            op("member_check", group::member_check).rule(&CHECK_USER_IN_GROUP),
        )
        .delete(
            "/v3/groups/{id}/users/{user}",
            op("member_remove", group::member_remove).rule(&REMOVE_USER_FROM_GROUP).differs(MEMBERSHIP),
        )
}

/// Roles, which of them imply which, and the list of who has them.
fn roles(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/v3/roles", op("role_list", role::list_all).rule(&LIST_ROLES))
        .post("/v3/roles", op("role_create", role::create).rule(&CREATE_ROLE))
        .get("/v3/roles/{id}", op("role_show", role::show).rule(&GET_ROLE))
        .patch("/v3/roles/{id}", op("role_update", role::update).rule(&UPDATE_ROLE))
        .delete("/v3/roles/{id}", op("role_delete", role::delete).rule(&DELETE_ROLE))
        .get(
            "/v3/role_inferences",
            op("inference_list", role::inference_list).rule(&LIST_ROLE_INFERENCE_RULES),
        )
        .get("/v3/roles/{id}/implies", op("implied_list", role::implied_list).rule(&LIST_IMPLIED_ROLES))
        .put(
            "/v3/roles/{id}/implies/{implied}",
            op("implied_create", role::implied_create).rule(&CREATE_IMPLIED_ROLE),
        )
        .get(
            "/v3/roles/{id}/implies/{implied}",
            op("implied_show", role::implied_show).rule(&GET_IMPLIED_ROLE),
        )
        .head(
            "/v3/roles/{id}/implies/{implied}",
            op("implied_check", role::implied_check).rule(&CHECK_IMPLIED_ROLE),
        )
        .delete(
            "/v3/roles/{id}/implies/{implied}",
            op("implied_delete", role::implied_delete).rule(&DELETE_IMPLIED_ROLE),
        )
        .get(
            "/v3/role_assignments",
            op("assignment_list", assignment::assignment_list)
                .rule(&LIST_ROLE_ASSIGNMENTS)
                .differs(ASSIGNMENTS),
        )
}

/// Where grants are listed (OpenStack has no such list for those that a project hands down), and where each is found.
const GRANTS: [(&str, &str); 10] = [
    ("/v3/projects/{id}/users/{user}/roles", "/v3/projects/{id}/users/{user}/roles/{role}"),
    ("/v3/projects/{id}/groups/{group}/roles", "/v3/projects/{id}/groups/{group}/roles/{role}"),
    ("/v3/domains/{id}/users/{user}/roles", "/v3/domains/{id}/users/{user}/roles/{role}"),
    ("/v3/domains/{id}/groups/{group}/roles", "/v3/domains/{id}/groups/{group}/roles/{role}"),
    ("/v3/system/users/{user}/roles", "/v3/system/users/{user}/roles/{role}"),
    ("/v3/system/groups/{group}/roles", "/v3/system/groups/{group}/roles/{role}"),
    ("", "/v3/OS-INHERIT/projects/{id}/users/{user}/roles/{role}/inherited_to_projects"),
    ("", "/v3/OS-INHERIT/projects/{id}/groups/{group}/roles/{role}/inherited_to_projects"),
    (
        "/v3/OS-INHERIT/domains/{id}/users/{user}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/domains/{id}/users/{user}/roles/{role}/inherited_to_projects",
    ),
    (
        "/v3/OS-INHERIT/domains/{id}/groups/{group}/roles/inherited_to_projects",
        "/v3/OS-INHERIT/domains/{id}/groups/{group}/roles/{role}/inherited_to_projects",
    ),
];

/// Grants are spelled in ten ways; all have the same four operations. Those on the system have rules of their own.
fn grants(routes: Routes<Identity>) -> Routes<Identity> {
    GRANTS.iter().fold(routes, |routes, (list, one)| {
        let of = match one.strip_prefix("/v3/system/") {
            Some(user) if user.starts_with("users/") => 1,
            Some(_) => 2,
            None => 0,
        };
        let routes = match *list {
            "" => routes,
            list => routes.get(list, op("grant_list", assignment::grant_list).rule(assignment::LIST[of])),
        };
        routes
            .put(one, op("grant_add", assignment::grant_add).rule(assignment::CREATE[of]))
            .get(one, op("grant_check", assignment::grant_check).rule(assignment::CHECK[of]))
            .delete(one, op("grant_remove", assignment::grant_remove).rule(assignment::REVOKE[of]))
    })
}

/// Limits: what projects may have of a resource, for the services that enforce it.
fn limits(routes: Routes<Identity>) -> Routes<Identity> {
    let (registered, one) = ("/v3/registered_limits", "/v3/registered_limits/{id}");
    routes
        .get(registered, op("registered_limit_list", limit::registered_list).rule(&LIST_REGISTERED_LIMITS))
        .post(
            registered,
            op("registered_limit_create", limit::registered_create).rule(&CREATE_REGISTERED_LIMITS),
        )
        .get(one, op("registered_limit_show", limit::registered_show).rule(&GET_REGISTERED_LIMIT))
        .patch(one, op("registered_limit_update", limit::registered_update).rule(&UPDATE_REGISTERED_LIMIT))
        .delete(one, op("registered_limit_delete", limit::registered_delete).rule(&DELETE_REGISTERED_LIMIT))
        .get("/v3/limits/model", op("limit_model", limit::model_show).rule(&GET_LIMIT_MODEL))
        .get("/v3/limits", op("limit_list", limit::list_all).rule(&LIST_LIMITS))
        .post("/v3/limits", op("limit_create", limit::create).rule(&CREATE_LIMITS))
        .get("/v3/limits/{id}", op("limit_show", limit::show).rule(&GET_LIMIT))
        .patch("/v3/limits/{id}", op("limit_update", limit::update).rule(&UPDATE_LIMIT).differs(LIMIT_UPDATE))
        .delete("/v3/limits/{id}", op("limit_delete", limit::delete).rule(&DELETE_LIMIT))
}

/// Application credentials, and the access rules that they may have, belong to a user.
fn application_credentials(routes: Routes<Identity>) -> Routes<Identity> {
    use application_credential::{create, delete, list_all, show};
    let all = "/v3/users/{id}/application_credentials";
    let one = "/v3/users/{id}/application_credentials/{credential}";
    routes
        .get(all, op("application_credential_list", list_all).rule(&LIST_APPLICATION_CREDENTIALS))
        .post(
            all,
            op("application_credential_create", create)
                .rule(&CREATE_APPLICATION_CREDENTIAL)
                .differs(APPLICATION_CREDENTIAL_CREATE),
        )
        .get(one, op("application_credential_show", show).rule(&GET_APPLICATION_CREDENTIAL))
        .delete(one, op("application_credential_delete", delete).rule(&DELETE_APPLICATION_CREDENTIAL))
        .get(
            "/v3/users/{id}/access_rules",
            op("access_rule_list", access_rule::list_all).rule(&LIST_ACCESS_RULES),
        )
        .get(
            "/v3/users/{id}/access_rules/{rule}",
            op("access_rule_show", access_rule::show).rule(&GET_ACCESS_RULE),
        )
        .delete(
            "/v3/users/{id}/access_rules/{rule}",
            op("access_rule_delete", access_rule::delete).rule(&DELETE_ACCESS_RULE),
        )
}

/// Trusts: users who let others act in their place.
fn trusts(routes: Routes<Identity>) -> Routes<Identity> {
    let one = "/v3/OS-TRUST/trusts/{id}";
    routes
        .get("/v3/OS-TRUST/trusts", op("trust_list", trust::list_all).rule(&LIST_TRUSTS))
        .post(
            "/v3/OS-TRUST/trusts",
            op("trust_create", trust::create).rule(&CREATE_TRUST).differs(TRUST_CREATE),
        )
        .get(one, op("trust_show", trust::show).rule(&GET_TRUST))
        .delete(one, op("trust_delete", trust::delete).rule(&DELETE_TRUST))
        .get(
            "/v3/OS-TRUST/trusts/{id}/roles",
            op("trust_role_list", trust::role_list).rule(&LIST_ROLES_FOR_TRUST),
        )
        .get(
            "/v3/OS-TRUST/trusts/{id}/roles/{role}",
            op("trust_role_show", trust::role_show).rule(&GET_ROLE_FOR_TRUST),
        )
}

/// Credentials for other systems: what identity keeps and, but for a few types, does not read.
fn credentials(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/v3/credentials", op("credential_list", credential::list_all).rule(&LIST_CREDENTIALS))
        .post(
            "/v3/credentials",
            op("credential_create", credential::create).rule(&CREATE_CREDENTIAL).differs(CREDENTIAL_CREATE),
        )
        .get("/v3/credentials/{id}", op("credential_show", credential::show).rule(&GET_CREDENTIAL))
        .patch("/v3/credentials/{id}", op("credential_update", credential::update).rule(&UPDATE_CREDENTIAL))
        .delete("/v3/credentials/{id}", op("credential_delete", credential::delete).rule(&DELETE_CREDENTIAL))
}

/// EC2 keys: a form of credentials, with which requests are signed instead of carrying a token.
fn ec2_keys(routes: Routes<Identity>) -> Routes<Identity> {
    let all = "/v3/users/{id}/credentials/OS-EC2";
    let one = "/v3/users/{id}/credentials/OS-EC2/{access}";
    routes
        .get(all, op("ec2_key_list", ec2::list_all).rule(&EC2_LIST_CREDENTIALS))
        .post(all, op("ec2_key_create", ec2::create).rule(&EC2_CREATE_CREDENTIAL))
        .get(one, op("ec2_key_show", ec2::show).rule(&EC2_GET_CREDENTIAL))
        .delete(one, op("ec2_key_delete", ec2::delete).rule(&EC2_DELETE_CREDENTIAL))
        .post("/v3/ec2tokens", op("ec2_token_create", ec2::token_create).rule(&EC2TOKENS_VALIDATE))
        .post("/v3/s3tokens", op("s3_token_create", ec2::s3_token_create).rule(&S3TOKENS_VALIDATE))
}

/// OAuth 1.0: programs that act in a user's place.
fn oauth1s(routes: Routes<Identity>) -> Routes<Identity> {
    use oauth1 as own;
    let (consumers, consumer) = ("/v3/OS-OAUTH1/consumers", "/v3/OS-OAUTH1/consumers/{id}");
    let (all, one) =
        ("/v3/users/{id}/OS-OAUTH1/access_tokens", "/v3/users/{id}/OS-OAUTH1/access_tokens/{token}");
    let signed = "a program signs what it asks";
    routes
        .get(consumers, op("consumer_list", own::consumer_list).rule(&LIST_CONSUMERS))
        .post(consumers, op("consumer_create", own::consumer_create).rule(&CREATE_CONSUMER))
        .get(consumer, op("consumer_show", own::consumer_show).rule(&GET_CONSUMER))
        .patch(consumer, op("consumer_update", own::consumer_update).rule(&UPDATE_CONSUMER))
        .delete(consumer, op("consumer_delete", own::consumer_delete).rule(&DELETE_CONSUMER))
        .post(
            "/v3/OS-OAUTH1/request_token",
            op("request_token_create", own::request_token_create).open(signed).differs(REQUEST_TOKEN),
        )
        .put(
            "/v3/OS-OAUTH1/authorize/{id}",
            op("request_token_authorize", own::request_token_authorize).rule(&AUTHORIZE_REQUEST_TOKEN),
        )
        .post("/v3/OS-OAUTH1/access_token", op("access_token_create", own::access_token_create).open(signed))
        .get(all, op("access_token_list", own::access_token_list).rule(&LIST_ACCESS_TOKENS))
        .get(one, op("access_token_show", own::access_token_show).rule(&GET_ACCESS_TOKEN))
        .delete(one, op("access_token_delete", own::access_token_delete).rule(&EC2_DELETE_CREDENTIAL))
        .get(
            "/v3/users/{id}/OS-OAUTH1/access_tokens/{token}/roles",
            op("access_token_role_list", own::access_token_role_list).rule(&LIST_ACCESS_TOKEN_ROLES),
        )
        .get(
            "/v3/users/{id}/OS-OAUTH1/access_tokens/{token}/roles/{role}",
            op("access_token_role_show", own::access_token_role_show).rule(&GET_ACCESS_TOKEN_ROLE),
        )
}

/// Federation: who vouches for users that are not ours, and what becomes of them here.
fn federated(routes: Routes<Identity>) -> Routes<Identity> {
    use identity_provider as own;
    let (all, one) = ("/v3/OS-FEDERATION/identity_providers", "/v3/OS-FEDERATION/identity_providers/{id}");
    let protocols = "/v3/OS-FEDERATION/identity_providers/{id}/protocols";
    let protocol = "/v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}";
    let sso = "/v3/auth/OS-FEDERATION/websso/{protocol}";
    let sso_by = "/v3/auth/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}/websso";
    let (mappings, map) = ("/v3/OS-FEDERATION/mappings", "/v3/OS-FEDERATION/mappings/{id}");
    routes
        .get(all, op("identity_provider_list", own::list_all).rule(&LIST_IDENTITY_PROVIDERS))
        .get(one, op("identity_provider_show", own::show).rule(&GET_IDENTITY_PROVIDER))
        .put(one, op("identity_provider_create", own::create).rule(&CREATE_IDENTITY_PROVIDER))
        .patch(one, op("identity_provider_update", own::update).rule(&UPDATE_IDENTITY_PROVIDER))
        .delete(one, op("identity_provider_delete", own::delete).rule(&DELETE_IDENTITY_PROVIDER))
        .get(protocols, op("protocol_list", own::protocol_list).rule(&LIST_PROTOCOLS))
        .get(protocol, op("protocol_show", own::protocol_show).rule(&GET_PROTOCOL))
        .put(protocol, op("protocol_create", own::protocol_create).rule(&CREATE_PROTOCOL))
        .patch(protocol, op("protocol_update", own::protocol_update).rule(&UPDATE_PROTOCOL))
        .delete(protocol, op("protocol_delete", own::protocol_delete).rule(&DELETE_PROTOCOL))
        .get(mappings, op("mapping_list", mapping::list_all).rule(&LIST_MAPPINGS))
        .get(map, op("mapping_show", mapping::show).rule(&GET_MAPPING))
        .put(map, op("mapping_create", mapping::create).rule(&CREATE_MAPPING).differs(MAPPING))
        .patch(map, op("mapping_update", mapping::update).rule(&UPDATE_MAPPING).differs(MAPPING))
        .delete(map, op("mapping_delete", mapping::delete).rule(&DELETE_MAPPING))
        .get(
            "/v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}/auth",
            op("federation_auth", federation::auth)
                .open("who is vouched for asks for a token here")
                .differs(FEDERATION_AUTH),
        )
        .post(
            "/v3/OS-FEDERATION/identity_providers/{id}/protocols/{protocol}/auth",
            op("federation_auth_post", federation::auth)
                .open("who is vouched for asks for a token here")
                .differs(FEDERATION_AUTH),
        )
        .get(sso, op("websso", federation::websso).open("a browser logs in here"))
        .post(sso, op("websso_post", federation::websso).open("a browser logs in here"))
        .get(sso_by, op("websso_by_provider", federation::websso).open("a browser logs in here"))
        .post(sso_by, op("websso_by_provider_post", federation::websso).open("a browser logs in here"))
        .get(
            "/v3/auth/OS-FEDERATION/oidc/callback",
            op("websso_callback", federation::callback).open("a browser comes back from its provider here"),
        )
        .get(
            "/v3/OS-FEDERATION/projects",
            op("federation_projects", auth::project_list).rule(&GET_AUTH_PROJECTS),
        )
        .get("/v3/OS-FEDERATION/domains", op("federation_domains", auth::domain_list).rule(&GET_AUTH_DOMAINS))
}

/// Clouds that take the users of this one.
fn service_providers(routes: Routes<Identity>) -> Routes<Identity> {
    use service_provider as own;
    let (all, one) = ("/v3/OS-FEDERATION/service_providers", "/v3/OS-FEDERATION/service_providers/{id}");
    routes
        .get(all, op("service_provider_list", own::list_all).rule(&LIST_SERVICE_PROVIDERS))
        .get(one, op("service_provider_show", own::show).rule(&GET_SERVICE_PROVIDER))
        .put(one, op("service_provider_create", own::create).rule(&CREATE_SERVICE_PROVIDER))
        .patch(one, op("service_provider_update", own::update).rule(&UPDATE_SERVICE_PROVIDER))
        .delete(one, op("service_provider_delete", own::delete).rule(&DELETE_SERVICE_PROVIDER))
}

/// Regions, services and endpoints.
fn catalogs(routes: Routes<Identity>) -> Routes<Identity> {
    routes
        .get("/v3/regions", op("region_list", catalog::region_list).rule(&LIST_REGIONS))
        .post("/v3/regions", op("region_create", catalog::region_create).rule(&CREATE_REGION))
        .get("/v3/regions/{id}", op("region_show", catalog::region_show).rule(&GET_REGION))
        .put("/v3/regions/{id}", op("region_create_as", catalog::region_create_as).rule(&CREATE_REGION))
        .patch("/v3/regions/{id}", op("region_update", catalog::region_update).rule(&UPDATE_REGION))
        .delete("/v3/regions/{id}", op("region_delete", catalog::region_delete).rule(&DELETE_REGION))
        .get("/v3/services", op("service_list", catalog::service_list).rule(&LIST_SERVICES))
        .post("/v3/services", op("service_create", catalog::service_create).rule(&CREATE_SERVICE))
        .get("/v3/services/{id}", op("service_show", catalog::service_show).rule(&GET_SERVICE))
        .patch("/v3/services/{id}", op("service_update", catalog::service_update).rule(&UPDATE_SERVICE))
        .delete("/v3/services/{id}", op("service_delete", catalog::service_delete).rule(&DELETE_SERVICE))
        .get("/v3/endpoints", op("endpoint_list", catalog::endpoint_list).rule(&LIST_ENDPOINTS))
        .post("/v3/endpoints", op("endpoint_create", catalog::endpoint_create).rule(&CREATE_ENDPOINT))
        .get("/v3/endpoints/{id}", op("endpoint_show", catalog::endpoint_show).rule(&GET_ENDPOINT))
        .patch(
            "/v3/endpoints/{id}",
            op("endpoint_update", catalog::endpoint_update).rule(&UPDATE_ENDPOINT).differs(ENDPOINT_UPDATE),
        )
        .delete("/v3/endpoints/{id}", op("endpoint_delete", catalog::endpoint_delete).rule(&DELETE_ENDPOINT))
}

/// Groups of endpoints, and what the catalogs of projects are narrowed to.
fn endpoint_groups(routes: Routes<Identity>) -> Routes<Identity> {
    use endpoint_group as own;
    let (groups, group) = ("/v3/OS-EP-FILTER/endpoint_groups", "/v3/OS-EP-FILTER/endpoint_groups/{id}");
    let endpoint = "/v3/OS-EP-FILTER/projects/{id}/endpoints/{endpoint}";
    let shown = "/v3/OS-EP-FILTER/endpoint_groups/{id}/projects/{project}";
    routes
        .get(groups, op("endpoint_group_list", own::list_all).rule(&LIST_ENDPOINT_GROUPS))
        .post(groups, op("endpoint_group_create", own::create).rule(&CREATE_ENDPOINT_GROUP))
        .get(group, op("endpoint_group_show", own::show).rule(&GET_ENDPOINT_GROUP))
        .patch(group, op("endpoint_group_update", own::update).rule(&UPDATE_ENDPOINT_GROUP))
        .delete(group, op("endpoint_group_delete", own::delete).rule(&DELETE_ENDPOINT_GROUP))
        .get(
            "/v3/OS-EP-FILTER/endpoint_groups/{id}/endpoints",
            op("endpoint_group_endpoints", own::endpoints).rule(&LIST_ENDPOINTS_OF_ENDPOINT_GROUP),
        )
        .get(
            "/v3/OS-EP-FILTER/endpoint_groups/{id}/projects",
            op("endpoint_group_projects", own::projects).rule(&LIST_PROJECTS_OF_ENDPOINT_GROUP),
        )
        .get(shown, op("shown_group_check", own::group_check).rule(&GET_ENDPOINT_GROUP_IN_PROJECT))
        .put(shown, op("shown_group_add", own::group_add).rule(&ADD_ENDPOINT_GROUP_TO_PROJECT))
        .delete(shown, op("shown_group_remove", own::group_remove).rule(&REMOVE_ENDPOINT_GROUP_FROM_PROJECT))
        .get(
            "/v3/OS-EP-FILTER/endpoints/{id}/projects",
            op("endpoint_projects", own::endpoint_projects).rule(&LIST_PROJECTS_FOR_ENDPOINT),
        )
        .get(
            "/v3/OS-EP-FILTER/projects/{id}/endpoints",
            op("project_endpoints", own::project_endpoints).rule(&LIST_ENDPOINTS_FOR_PROJECT),
        )
        .get(
            "/v3/OS-EP-FILTER/projects/{id}/endpoint_groups",
            op("project_endpoint_groups", own::project_groups).rule(&LIST_ENDPOINT_GROUPS_FOR_PROJECT),
        )
        .get(endpoint, op("shown_endpoint_check", own::endpoint_check).rule(&CHECK_ENDPOINT_IN_PROJECT))
        .put(endpoint, op("shown_endpoint_add", own::endpoint_add).rule(&ADD_ENDPOINT_TO_PROJECT))
        .delete(
            endpoint,
            op("shown_endpoint_remove", own::endpoint_remove).rule(&REMOVE_ENDPOINT_FROM_PROJECT),
        )
}

/// Policy documents, which are only kept, and the endpoints that they are for.
fn policies(routes: Routes<Identity>) -> Routes<Identity> {
    use policy_association as own;
    use policy_document as document;
    let endpoint = "/v3/policies/{id}/OS-ENDPOINT-POLICY/endpoints/{endpoint}";
    let service = "/v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}";
    let region = "/v3/policies/{id}/OS-ENDPOINT-POLICY/services/{service}/regions/{region}";
    routes
        .get("/v3/policies", op("policy_list", document::list_all).rule(&LIST_POLICIES))
        .post("/v3/policies", op("policy_create", document::create).rule(&CREATE_POLICY))
        .get("/v3/policies/{id}", op("policy_show", document::show).rule(&GET_POLICY))
        .patch("/v3/policies/{id}", op("policy_update", document::update).rule(&UPDATE_POLICY))
        .delete("/v3/policies/{id}", op("policy_delete", document::delete).rule(&DELETE_POLICY))
        .get(endpoint, op("endpoint_policy_check", own::check).rule(&CHECK_POLICY_FOR_ENDPOINT))
        .put(endpoint, op("endpoint_policy_add", own::add).rule(&CREATE_POLICY_FOR_ENDPOINT))
        .delete(endpoint, op("endpoint_policy_remove", own::remove).rule(&DELETE_POLICY_FOR_ENDPOINT))
        .get(service, op("service_policy_check", own::check).rule(&CHECK_POLICY_FOR_SERVICE))
        .put(service, op("service_policy_add", own::add).rule(&CREATE_POLICY_FOR_SERVICE))
        .delete(service, op("service_policy_remove", own::remove).rule(&DELETE_POLICY_FOR_SERVICE))
        .get(region, op("region_policy_check", own::check).rule(&CHECK_POLICY_FOR_REGION_AND_SERVICE))
        .put(region, op("region_policy_add", own::add).rule(&CREATE_POLICY_FOR_REGION_AND_SERVICE))
        .delete(region, op("region_policy_remove", own::remove).rule(&DELETE_POLICY_FOR_REGION_AND_SERVICE))
        .get(
            "/v3/policies/{id}/OS-ENDPOINT-POLICY/endpoints",
            op("policy_endpoints", own::endpoints).rule(&LIST_ENDPOINTS_FOR_POLICY),
        )
        .get(
            "/v3/endpoints/{id}/OS-ENDPOINT-POLICY/policy",
            op("endpoint_policy_show", own::policy_show).rule(&GET_POLICY_FOR_ENDPOINT),
        )
}
