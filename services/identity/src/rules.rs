//! Who may do what, unless the operator says otherwise: OpenStack's names and its secure defaults.

policy::rules! {
    identity [SYSTEM_PROJECT];
    ADMIN_OR_OWNER "admin_or_owner"
        "rule:admin_required or rule:owner"
        "Owners and administrators." [ANY];
    ADMIN_OR_TOKEN_SUBJECT "admin_or_token_subject"
        "rule:admin_required or rule:token_subject"
        "Owners of a token, and administrators." [ANY];
    SERVICE_ADMIN_OR_TOKEN_SUBJECT "service_admin_or_token_subject"
        "rule:service_or_admin or rule:token_subject"
        "Owners of a token, services and administrators." [ANY];
    ADMIN_REQUIRED "admin_required"
        "role:admin or is_admin:1"
        "What administrators of the cloud may do." [ANY];
    SERVICE_ROLE "service_role"
        "role:service"
        "What services may do for others." [ANY];
    SERVICE_OR_ADMIN "service_or_admin"
        "rule:admin_required or rule:service_role"
        "What services and administrators may do." [ANY];
    OWNER "owner"
        "user_id:%(user_id)s"
        "What users may do with what is theirs." [ANY];
    TOKEN_SUBJECT "token_subject"
        "user_id:%(target.token.user_id)s"
        "What the owner of a token may do with it." [ANY];
    DOMAIN_MANAGED "domain_managed_target_role"
        "'manager':%(target.role.name)s or 'member':%(target.role.name)s or 'reader':%(target.role.name)s"
        "Roles that a domain's manager may hand out." [ANY];
    GET_AUTH_CATALOG "identity:get_auth_catalog"
        ""
        "Show the catalog of one's own token." [ANY];
    GET_AUTH_PROJECTS "identity:get_auth_projects"
        ""
        "List the projects that one has roles on." [ANY];
    GET_AUTH_DOMAINS "identity:get_auth_domains"
        ""
        "List the domains that one has roles on." [ANY];
    GET_AUTH_SYSTEM "identity:get_auth_system"
        ""
        "Tell whether one has a role on the system." [ANY];
    LIST_REGIONS "identity:list_regions"
        ""
        "List regions." [ANY];
    GET_REGION "identity:get_region"
        ""
        "Show a region." [ANY];
    CREATE_REGION "identity:create_region"
        "rule:admin_required"
        "Make a region.";
    UPDATE_REGION "identity:update_region"
        "rule:admin_required"
        "Change a region.";
    DELETE_REGION "identity:delete_region"
        "rule:admin_required"
        "Remove a region.";
    LIST_SERVICES "identity:list_services"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List services.";
    GET_SERVICE "identity:get_service"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a service.";
    CREATE_SERVICE "identity:create_service"
        "rule:admin_required"
        "Make a service.";
    UPDATE_SERVICE "identity:update_service"
        "rule:admin_required"
        "Change a service.";
    DELETE_SERVICE "identity:delete_service"
        "rule:admin_required"
        "Remove a service.";
    LIST_ENDPOINTS "identity:list_endpoints"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List endpoints.";
    GET_ENDPOINT "identity:get_endpoint"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show an endpoint.";
    CREATE_ENDPOINT "identity:create_endpoint"
        "rule:admin_required"
        "Make an endpoint.";
    UPDATE_ENDPOINT "identity:update_endpoint"
        "rule:admin_required"
        "Change an endpoint.";
    DELETE_ENDPOINT "identity:delete_endpoint"
        "rule:admin_required"
        "Remove an endpoint.";
    GET_DOMAIN "identity:get_domain"
        "rule:admin_required or (role:reader and system_scope:all) or token.domain.id:%(target.domain.id)s or token.project.domain.id:%(target.domain.id)s"
        "Show a domain." [ANY];
    LIST_DOMAINS "identity:list_domains"
        "rule:admin_required or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain.id)s)"
        "List domains." [ANY];
    CREATE_DOMAIN "identity:create_domain"
        "rule:admin_required"
        "Make a domain.";
    UPDATE_DOMAIN "identity:update_domain"
        "rule:admin_required"
        "Change a domain.";
    DELETE_DOMAIN "identity:delete_domain"
        "rule:admin_required"
        "Remove a domain.";
    GET_PROJECT "identity:get_project"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s) or project_id:%(target.project.id)s"
        "Show a project." [ANY];
    LIST_PROJECTS "identity:list_projects"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain_id)s)"
        "List projects." [ANY];
    LIST_USER_PROJECTS "identity:list_user_projects"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(target.user.id)s"
        "List the projects of a user." [ANY];
    CREATE_PROJECT "identity:create_project"
        "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)"
        "Make a project." [ANY];
    UPDATE_PROJECT "identity:update_project"
        "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)"
        "Change a project." [ANY];
    DELETE_PROJECT "identity:delete_project"
        "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)"
        "Remove a project." [ANY];
    LIST_PROJECT_TAGS "identity:list_project_tags"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s) or project_id:%(target.project.id)s"
        "List a project's tags." [ANY];
    GET_PROJECT_TAG "identity:get_project_tag"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s) or project_id:%(target.project.id)s"
        "Look whether a project has a tag." [ANY];
    UPDATE_PROJECT_TAGS "identity:update_project_tags"
        "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)"
        "Replace a project's tags." [ANY];
    CREATE_PROJECT_TAG "identity:create_project_tag"
        "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)"
        "Add a tag to a project." [ANY];
    DELETE_PROJECT_TAGS "identity:delete_project_tags"
        "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)"
        "Remove all tags of a project." [ANY];
    DELETE_PROJECT_TAG "identity:delete_project_tag"
        "(rule:admin_required) or (role:manager and domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s)"
        "Remove a tag of a project." [ANY];
    GET_USER "identity:get_user"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and token.domain.id:%(target.user.domain_id)s) or user_id:%(target.user.id)s"
        "Show a user." [ANY];
    LIST_USERS "identity:list_users"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain_id)s)"
        "List users." [ANY];
    CREATE_USER "identity:create_user"
        "(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)"
        "Make a user." [ANY];
    UPDATE_USER "identity:update_user"
        "(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)"
        "Change a user." [ANY];
    DELETE_USER "identity:delete_user"
        "(rule:admin_required) or (role:manager and token.domain.id:%(target.user.domain_id)s)"
        "Remove a user." [ANY];
    REVOKE_TOKENS_FOR_USER "identity:revoke_tokens_for_user"
        "rule:admin_or_owner"
        "End all tokens of a user." [ANY];
    GET_GROUP "identity:get_group"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s)"
        "Show a group." [ANY];
    LIST_GROUPS "identity:list_groups"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s)"
        "List groups." [ANY];
    LIST_GROUPS_FOR_USER "identity:list_groups_for_user"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(user_id)s"
        "List the groups of a user." [ANY];
    CREATE_GROUP "identity:create_group"
        "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)"
        "Make a group." [ANY];
    UPDATE_GROUP "identity:update_group"
        "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)"
        "Change a group." [ANY];
    DELETE_GROUP "identity:delete_group"
        "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s)"
        "Remove a group." [ANY];
    LIST_USERS_IN_GROUP "identity:list_users_in_group"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s)"
        "List the users of a group." [ANY];
    ADD_USER_TO_GROUP "identity:add_user_to_group"
        "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)"
        "Put a user into a group." [ANY];
    REMOVE_USER_FROM_GROUP "identity:remove_user_from_group"
        "(rule:admin_required) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)"
        "Take a user out of a group." [ANY];
    CHECK_USER_IN_GROUP "identity:check_user_in_group"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.user.domain_id)s)"
        "Look whether a user is in a group." [ANY];
    GET_ROLE "identity:get_role"
        "(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and rule:domain_managed_target_role)"
        "Show a role." [ANY];
    LIST_ROLES "identity:list_roles"
        "(rule:admin_required or (role:reader and system_scope:all)) or (role:manager and not domain_id:None)"
        "List roles." [ANY];
    CREATE_ROLE "identity:create_role"
        "rule:admin_required"
        "Make a role.";
    UPDATE_ROLE "identity:update_role"
        "rule:admin_required"
        "Change a role.";
    DELETE_ROLE "identity:delete_role"
        "rule:admin_required"
        "Remove a role.";
    GET_DOMAIN_ROLE "identity:get_domain_role"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a role of a domain.";
    LIST_DOMAIN_ROLES "identity:list_domain_roles"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List a domain's roles.";
    CREATE_DOMAIN_ROLE "identity:create_domain_role"
        "rule:admin_required"
        "Make a role of a domain.";
    UPDATE_DOMAIN_ROLE "identity:update_domain_role"
        "rule:admin_required"
        "Change a role of a domain.";
    DELETE_DOMAIN_ROLE "identity:delete_domain_role"
        "rule:admin_required"
        "Remove a role of a domain.";
    GET_IMPLIED_ROLE "identity:get_implied_role"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show an implication.";
    LIST_IMPLIED_ROLES "identity:list_implied_roles"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List what a role implies.";
    CREATE_IMPLIED_ROLE "identity:create_implied_role"
        "rule:admin_required"
        "Let a role imply another.";
    DELETE_IMPLIED_ROLE "identity:delete_implied_role"
        "rule:admin_required"
        "Take an implication back.";
    LIST_ROLE_INFERENCE_RULES "identity:list_role_inference_rules"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List all implications.";
    CHECK_IMPLIED_ROLE "identity:check_implied_role"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a role implies another.";
    CHECK_GRANT "identity:check_grant"
        "(rule:admin_required) or ((role:reader and system_scope:all) or ((role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s))"
        "Look whether a grant exists." [ANY];
    LIST_GRANTS "identity:list_grants"
        "(rule:admin_required) or ((role:reader and system_scope:all) or (role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:reader and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s))"
        "List grants." [ANY];
    CREATE_GRANT "identity:create_grant"
        "(rule:admin_required) or ((role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s) or ((role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and rule:domain_managed_target_role"
        "Grant a role." [ANY];
    REVOKE_GRANT "identity:revoke_grant"
        "(rule:admin_required) or ((role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:admin and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and (domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s) or ((role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.user.domain_id)s and domain_id:%(target.domain.id)s) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.project.domain_id)s) or (role:manager and domain_id:%(target.group.domain_id)s and domain_id:%(target.domain.id)s)) and rule:domain_managed_target_role"
        "Take a grant back." [ANY];
    LIST_SYSTEM_GRANTS_FOR_USER "identity:list_system_grants_for_user"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List system roles.";
    CHECK_SYSTEM_GRANT_FOR_USER "identity:check_system_grant_for_user"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a system role is had.";
    CREATE_SYSTEM_GRANT_FOR_USER "identity:create_system_grant_for_user"
        "rule:admin_required"
        "Grant a system role.";
    REVOKE_SYSTEM_GRANT_FOR_USER "identity:revoke_system_grant_for_user"
        "rule:admin_required"
        "Take a system role back.";
    LIST_SYSTEM_GRANTS_FOR_GROUP "identity:list_system_grants_for_group"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List system roles.";
    CHECK_SYSTEM_GRANT_FOR_GROUP "identity:check_system_grant_for_group"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a system role is had.";
    CREATE_SYSTEM_GRANT_FOR_GROUP "identity:create_system_grant_for_group"
        "rule:admin_required"
        "Grant a system role.";
    REVOKE_SYSTEM_GRANT_FOR_GROUP "identity:revoke_system_grant_for_group"
        "rule:admin_required"
        "Take a system role back.";
    LIST_ROLE_ASSIGNMENTS "identity:list_role_assignments"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain_id)s and not None:%(target.domain_id)s)"
        "List who has which role on what." [ANY];
    LIST_ROLE_ASSIGNMENTS_FOR_TREE "identity:list_role_assignments_for_tree"
        "(rule:admin_required) or (role:reader and system_scope:all) or (role:reader and domain_id:%(target.domain_id)s and not None:%(target.domain_id)s)"
        "List who has which role on a project and below." [ANY];
    GET_APPLICATION_CREDENTIAL "identity:get_application_credential"
        "(rule:admin_required) or (role:reader and system_scope:all) or rule:owner"
        "Show an application credential.";
    LIST_APPLICATION_CREDENTIALS "identity:list_application_credentials"
        "(rule:admin_required) or (role:reader and system_scope:all) or rule:owner"
        "List application credentials.";
    CREATE_APPLICATION_CREDENTIAL "identity:create_application_credential"
        "user_id:%(user_id)s"
        "Make an application credential." [PROJECT];
    DELETE_APPLICATION_CREDENTIAL "identity:delete_application_credential"
        "rule:admin_or_owner"
        "Remove an application credential.";
    GET_CREDENTIAL "identity:get_credential"
        "(rule:admin_required) or (role:reader and system_scope:all) or user_id:%(target.credential.user_id)s"
        "Show a credential for another system." [ANY];
    LIST_CREDENTIALS "identity:list_credentials"
        "(rule:admin_required) or (role:reader and system_scope:all) or user_id:%(target.credential.user_id)s"
        "List credentials for other systems." [ANY];
    CREATE_CREDENTIAL "identity:create_credential"
        "(rule:admin_required) or user_id:%(target.credential.user_id)s"
        "Keep a credential for another system." [ANY];
    UPDATE_CREDENTIAL "identity:update_credential"
        "(rule:admin_required) or user_id:%(target.credential.user_id)s"
        "Change the secret of a credential." [ANY];
    DELETE_CREDENTIAL "identity:delete_credential"
        "(rule:admin_required) or user_id:%(target.credential.user_id)s"
        "Forget a credential." [ANY];
    EC2_GET_CREDENTIAL "identity:ec2_get_credential"
        "(rule:admin_required) or (role:reader and system_scope:all) or user_id:%(target.credential.user_id)s"
        "Show EC2 keys.";
    EC2_LIST_CREDENTIALS "identity:ec2_list_credentials"
        "(rule:admin_required) or (role:reader and system_scope:all) or rule:owner"
        "List EC2 keys.";
    EC2_CREATE_CREDENTIAL "identity:ec2_create_credential"
        "(rule:admin_required) or (role:member and user_id:%(target.credential.user_id)s)"
        "Make EC2 keys.";
    EC2_DELETE_CREDENTIAL "identity:ec2_delete_credential"
        "(rule:admin_required) or (role:member and user_id:%(target.credential.user_id)s)"
        "Remove EC2 keys.";
    GET_CONSUMER "identity:get_consumer"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a consumer of OAuth 1.0.";
    LIST_CONSUMERS "identity:list_consumers"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List consumers of OAuth 1.0.";
    CREATE_CONSUMER "identity:create_consumer"
        "rule:admin_required"
        "Enter a consumer of OAuth 1.0.";
    UPDATE_CONSUMER "identity:update_consumer"
        "rule:admin_required"
        "Change a consumer of OAuth 1.0.";
    DELETE_CONSUMER "identity:delete_consumer"
        "rule:admin_required"
        "Remove a consumer of OAuth 1.0.";
    AUTHORIZE_REQUEST_TOKEN "identity:authorize_request_token"
        "rule:admin_required"
        "Lend roles to a consumer of OAuth 1.0." [PROJECT];
    GET_ACCESS_TOKEN "identity:get_access_token"
        "rule:admin_required"
        "Show what a consumer of OAuth 1.0 was given." [PROJECT];
    GET_ACCESS_TOKEN_ROLE "identity:get_access_token_role"
        "rule:admin_required"
        "Show a role that a consumer of OAuth 1.0 was lent." [PROJECT];
    LIST_ACCESS_TOKENS "identity:list_access_tokens"
        "rule:admin_required"
        "List what consumers of OAuth 1.0 were given." [PROJECT];
    LIST_ACCESS_TOKEN_ROLES "identity:list_access_token_roles"
        "rule:admin_required"
        "List the roles that a consumer of OAuth 1.0 was lent." [PROJECT];
    EC2TOKENS_VALIDATE "identity:ec2tokens_validate"
        "rule:service_or_admin"
        "Give out a token for a request that is signed with EC2 keys." [ANY];
    S3TOKENS_VALIDATE "identity:s3tokens_validate"
        "rule:service_or_admin"
        "Give out a token for a request for objects that is signed with EC2 keys." [ANY];
    LIST_IDENTITY_PROVIDERS "identity:list_identity_providers"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List identity providers.";
    GET_IDENTITY_PROVIDER "identity:get_identity_provider"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show an identity provider.";
    CREATE_IDENTITY_PROVIDER "identity:create_identity_provider"
        "rule:admin_required"
        "Make an identity provider.";
    UPDATE_IDENTITY_PROVIDER "identity:update_identity_provider"
        "rule:admin_required"
        "Change an identity provider.";
    DELETE_IDENTITY_PROVIDER "identity:delete_identity_provider"
        "rule:admin_required"
        "Remove an identity provider.";
    LIST_PROTOCOLS "identity:list_protocols"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List protocols of an identity provider.";
    GET_PROTOCOL "identity:get_protocol"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a protocol of an identity provider.";
    CREATE_PROTOCOL "identity:create_protocol"
        "rule:admin_required"
        "Make a protocol of an identity provider.";
    UPDATE_PROTOCOL "identity:update_protocol"
        "rule:admin_required"
        "Change a protocol of an identity provider.";
    DELETE_PROTOCOL "identity:delete_protocol"
        "rule:admin_required"
        "Remove a protocol of an identity provider.";
    LIST_SERVICE_PROVIDERS "identity:list_service_providers"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List service providers.";
    GET_SERVICE_PROVIDER "identity:get_service_provider"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a service provider.";
    CREATE_SERVICE_PROVIDER "identity:create_service_provider"
        "rule:admin_required"
        "Make a service provider.";
    UPDATE_SERVICE_PROVIDER "identity:update_service_provider"
        "rule:admin_required"
        "Change a service provider.";
    DELETE_SERVICE_PROVIDER "identity:delete_service_provider"
        "rule:admin_required"
        "Remove a service provider.";
    LIST_MAPPINGS "identity:list_mappings"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List mappings for federated users.";
    GET_MAPPING "identity:get_mapping"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a mapping for federated users.";
    CREATE_MAPPING "identity:create_mapping"
        "rule:admin_required"
        "Make a mapping for federated users.";
    UPDATE_MAPPING "identity:update_mapping"
        "rule:admin_required"
        "Change a mapping for federated users.";
    DELETE_MAPPING "identity:delete_mapping"
        "rule:admin_required"
        "Remove a mapping for federated users.";
    LIST_ENDPOINT_GROUPS "identity:list_endpoint_groups"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List groups of endpoints.";
    GET_ENDPOINT_GROUP "identity:get_endpoint_group"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a group of endpoints.";
    CREATE_ENDPOINT_GROUP "identity:create_endpoint_group"
        "rule:admin_required"
        "Make a group of endpoints.";
    UPDATE_ENDPOINT_GROUP "identity:update_endpoint_group"
        "rule:admin_required"
        "Change a group of endpoints.";
    DELETE_ENDPOINT_GROUP "identity:delete_endpoint_group"
        "rule:admin_required"
        "Remove a group of endpoints.";
    LIST_PROJECTS_OF_ENDPOINT_GROUP "identity:list_projects_associated_with_endpoint_group"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List the projects that are shown a group of endpoints.";
    LIST_ENDPOINTS_OF_ENDPOINT_GROUP "identity:list_endpoints_associated_with_endpoint_group"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List the endpoints in a group.";
    GET_ENDPOINT_GROUP_IN_PROJECT "identity:get_endpoint_group_in_project"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a project is shown a group of endpoints.";
    LIST_ENDPOINT_GROUPS_FOR_PROJECT "identity:list_endpoint_groups_for_project"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List the groups of endpoints that a project is shown.";
    ADD_ENDPOINT_GROUP_TO_PROJECT "identity:add_endpoint_group_to_project"
        "rule:admin_required"
        "Show a project a group of endpoints.";
    REMOVE_ENDPOINT_GROUP_FROM_PROJECT "identity:remove_endpoint_group_from_project"
        "rule:admin_required"
        "Stop showing a project a group of endpoints.";
    LIST_PROJECTS_FOR_ENDPOINT "identity:list_projects_for_endpoint"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List the projects that are shown an endpoint.";
    ADD_ENDPOINT_TO_PROJECT "identity:add_endpoint_to_project"
        "rule:admin_required"
        "Show a project an endpoint.";
    CHECK_ENDPOINT_IN_PROJECT "identity:check_endpoint_in_project"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a project is shown an endpoint.";
    LIST_ENDPOINTS_FOR_PROJECT "identity:list_endpoints_for_project"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List the endpoints that a project is shown.";
    REMOVE_ENDPOINT_FROM_PROJECT "identity:remove_endpoint_from_project"
        "rule:admin_required"
        "Stop showing a project an endpoint.";
    GET_ACCESS_RULE "identity:get_access_rule"
        "(role:reader and system_scope:all) or user_id:%(target.user.id)s"
        "Show an access rule.";
    LIST_ACCESS_RULES "identity:list_access_rules"
        "(role:reader and system_scope:all) or user_id:%(target.user.id)s"
        "List access rules.";
    DELETE_ACCESS_RULE "identity:delete_access_rule"
        "(role:admin and system_scope:all) or user_id:%(target.user.id)s"
        "Remove an access rule.";
    GET_DOMAIN_CONFIG "identity:get_domain_config"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show options of a domain.";
    GET_DOMAIN_CONFIG_DEFAULT "identity:get_domain_config_default"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show what holds where a domain has no options.";
    GET_SECURITY_COMPLIANCE_DOMAIN_CONFIG "identity:get_security_compliance_domain_config"
        ""
        "Show the rules for passwords." [ANY];
    CREATE_DOMAIN_CONFIG "identity:create_domain_config"
        "rule:admin_required"
        "Set the options of a domain.";
    UPDATE_DOMAIN_CONFIG "identity:update_domain_config"
        "rule:admin_required"
        "Change options of a domain.";
    DELETE_DOMAIN_CONFIG "identity:delete_domain_config"
        "rule:admin_required"
        "Remove options of a domain.";
    GET_LIMIT_MODEL "identity:get_limit_model"
        ""
        "Show how limits relate." [ANY];
    GET_LIMIT "identity:get_limit"
        "rule:admin_required or (role:reader and system_scope:all) or (domain_id:%(target.limit.domain.id)s or domain_id:%(target.limit.project.domain_id)s) or (project_id:%(target.limit.project_id)s and not None:%(target.limit.project_id)s)"
        "Show a limit." [ANY];
    LIST_LIMITS "identity:list_limits"
        ""
        "List limits." [ANY];
    CREATE_LIMITS "identity:create_limits"
        "rule:admin_required"
        "Make limits.";
    UPDATE_LIMIT "identity:update_limit"
        "rule:admin_required"
        "Change a limit.";
    DELETE_LIMIT "identity:delete_limit"
        "rule:admin_required"
        "Remove a limit.";
    GET_REGISTERED_LIMIT "identity:get_registered_limit"
        ""
        "Show a registered limit." [ANY];
    LIST_REGISTERED_LIMITS "identity:list_registered_limits"
        ""
        "List registered limits." [ANY];
    CREATE_REGISTERED_LIMITS "identity:create_registered_limits"
        "rule:admin_required"
        "Make registered limits.";
    UPDATE_REGISTERED_LIMIT "identity:update_registered_limit"
        "rule:admin_required"
        "Change a registered limit.";
    DELETE_REGISTERED_LIMIT "identity:delete_registered_limit"
        "rule:admin_required"
        "Remove a registered limit.";
    GET_POLICY "identity:get_policy"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show a policy document.";
    LIST_POLICIES "identity:list_policies"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List policy documents.";
    CREATE_POLICY "identity:create_policy"
        "rule:admin_required"
        "Keep a policy document.";
    UPDATE_POLICY "identity:update_policy"
        "rule:admin_required"
        "Change a policy document.";
    DELETE_POLICY "identity:delete_policy"
        "rule:admin_required"
        "Forget a policy document.";
    CREATE_POLICY_FOR_ENDPOINT "identity:create_policy_association_for_endpoint"
        "rule:admin_required"
        "Make a policy document the one for an endpoint.";
    CHECK_POLICY_FOR_ENDPOINT "identity:check_policy_association_for_endpoint"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a policy document is the one for an endpoint.";
    DELETE_POLICY_FOR_ENDPOINT "identity:delete_policy_association_for_endpoint"
        "rule:admin_required"
        "Take a policy document away from an endpoint.";
    CREATE_POLICY_FOR_SERVICE "identity:create_policy_association_for_service"
        "rule:admin_required"
        "Make a policy document the one for a service.";
    CHECK_POLICY_FOR_SERVICE "identity:check_policy_association_for_service"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a policy document is the one for a service.";
    DELETE_POLICY_FOR_SERVICE "identity:delete_policy_association_for_service"
        "rule:admin_required"
        "Take a policy document away from a service.";
    CREATE_POLICY_FOR_REGION_AND_SERVICE "identity:create_policy_association_for_region_and_service"
        "rule:admin_required"
        "Make a policy document the one for a service in a region.";
    CHECK_POLICY_FOR_REGION_AND_SERVICE "identity:check_policy_association_for_region_and_service"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Look whether a policy document is the one for a service in a region.";
    DELETE_POLICY_FOR_REGION_AND_SERVICE "identity:delete_policy_association_for_region_and_service"
        "rule:admin_required"
        "Take a policy document away from a service in a region.";
    GET_POLICY_FOR_ENDPOINT "identity:get_policy_for_endpoint"
        "rule:admin_required or (role:reader and system_scope:all)"
        "Show the policy document for an endpoint.";
    LIST_ENDPOINTS_FOR_POLICY "identity:list_endpoints_for_policy"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List the endpoints that a policy document is for.";
    CREATE_TRUST "identity:create_trust"
        "user_id:%(target.trust.trustor_user_id)s"
        "Let another user act in one's place." [PROJECT];
    LIST_TRUSTS "identity:list_trusts"
        "rule:admin_required or (role:reader and system_scope:all)"
        "List trusts.";
    LIST_TRUSTS_FOR_TRUSTOR "identity:list_trusts_for_trustor"
        "(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s)"
        "List the trusts that a user gave.";
    LIST_TRUSTS_FOR_TRUSTEE "identity:list_trusts_for_trustee"
        "(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustee_user_id)s)"
        "List the trusts that a user was given.";
    LIST_ROLES_FOR_TRUST "identity:list_roles_for_trust"
        "(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s)"
        "List the roles of a trust.";
    GET_ROLE_FOR_TRUST "identity:get_role_for_trust"
        "(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s)"
        "Show a role of a trust.";
    DELETE_TRUST "identity:delete_trust"
        "rule:admin_required or user_id:%(target.trust.trustor_user_id)s"
        "End a trust.";
    GET_TRUST "identity:get_trust"
        "(rule:admin_required) or (role:reader and system_scope:all or user_id:%(target.trust.trustor_user_id)s or user_id:%(target.trust.trustee_user_id)s)"
        "Show a trust.";
    CHECK_TOKEN "identity:check_token"
        "rule:admin_required or (role:reader and system_scope:all) or rule:token_subject"
        "Look whether a token is valid." [ANY];
    VALIDATE_TOKEN "identity:validate_token"
        "rule:admin_required or (role:reader and system_scope:all) or rule:service_role or rule:token_subject"
        "Show what a token says." [ANY];
    REVOKE_TOKEN "identity:revoke_token"
        "rule:admin_required or rule:token_subject"
        "Revoke a token." [ANY];
}
