-- What a small Keystone keeps, as a dump of MariaDB would have it: for the tests of the import.
INSERT INTO `project` (`id`, `name`, `extra`, `description`, `enabled`, `domain_id`, `parent_id`, `is_domain`) VALUES
 ('<<keystone.domain.root>>','<<keystone.domain.root>>','{}','',0,'<<keystone.domain.root>>',NULL,1),
 ('default','Default','{}','The default domain',1,'<<keystone.domain.root>>',NULL,1),
 ('9a209ec8f2b746ba93cb1d46a6da73bd','admin','{}','',1,'default','default',0),
 ('5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','yard','{\"note\": \"own\"}','it''s',1,'default','9a209ec8f2b746ba93cb1d46a6da73bd',0);
INSERT INTO `project_tag` (`project_id`, `name`) VALUES ('5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','stone');
INSERT INTO `user` (`id`, `extra`, `enabled`, `default_project_id`, `created_at`, `last_active_at`, `domain_id`) VALUES
 ('3c55f5b599544828a208e04478517e94','{\"email\": \"ann@guild\"}',1,NULL,'2026-11-01 00:00:00',NULL,'default'),
 ('77f5b599544828a208e04478517e9400','{}',1,NULL,'2026-11-01 00:00:00',NULL,'default'),
 ('fedfb5b599544828a208e04478517e94','{}',1,NULL,'2026-11-01 00:00:00',NULL,'default'),
 ('00f5b599544828a208e04478517e9477','{}',1,NULL,'2026-11-01 00:00:00',NULL,'default');
INSERT INTO `local_user` (`id`, `user_id`, `domain_id`, `name`, `failed_auth_count`, `failed_auth_at`) VALUES
 (1,'3c55f5b599544828a208e04478517e94','default','ann',0,NULL),
 (2,'77f5b599544828a208e04478517e9400','default','admin',0,NULL);
INSERT INTO `password` (`id`, `local_user_id`, `self_service`, `password_hash`, `created_at_int`, `expires_at_int`) VALUES
 (1,1,0,'$6$rounds=1$salt$hash',1790000000000000,NULL),
 (2,1,1,'$2b$04$qLYrDDyFScDTDiES5.AdwuHo2PHoJU4L4NHsPC8RuWb6XySACcKWq',1790000001000000,NULL),
 (3,2,0,'$6$rounds=1$salt$hash',1790000000000000,NULL);
INSERT INTO `user_option` (`user_id`, `option_id`, `option_value`) VALUES ('3c55f5b599544828a208e04478517e94','1001','true');
INSERT INTO `role` (`id`, `name`, `extra`, `domain_id`, `description`) VALUES
 ('aaaabec8f2b746ba93cb1d46a6da73bd','admin','{}','<<null>>',NULL),
 ('bbbbbec8f2b746ba93cb1d46a6da73bd','foreman','{}','default','of the yard');
INSERT INTO `implied_role` (`prior_role_id`, `implied_role_id`) VALUES ('bbbbbec8f2b746ba93cb1d46a6da73bd','aaaabec8f2b746ba93cb1d46a6da73bd');
INSERT INTO `assignment` (`type`, `actor_id`, `target_id`, `role_id`, `inherited`) VALUES
 ('UserProject','3c55f5b599544828a208e04478517e94','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','bbbbbec8f2b746ba93cb1d46a6da73bd',0),
 ('UserProject','ldap00000000000000000000000000ee','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','bbbbbec8f2b746ba93cb1d46a6da73bd',0);
INSERT INTO `id_mapping` (`public_id`, `domain_id`, `local_id`, `entity_type`) VALUES ('ldap00000000000000000000000000ee','default','x','user');
INSERT INTO `whitelisted_config` (`domain_id`, `group`, `option`, `value`) VALUES ('default','identity','list_limit','100'), ('default','ldap','debug','1');
INSERT INTO `sensitive_config` (`domain_id`, `group`, `option`, `value`) VALUES ('default','ldap','password','"hush"');
INSERT INTO `revocation_event` (`id`, `domain_id`, `project_id`, `user_id`, `role_id`, `trust_id`, `consumer_id`, `access_token_id`, `issued_before`, `expires_at`, `revoked_at`, `audit_id`, `audit_chain_id`) VALUES
 (1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-21 00:30:00','2026-11-21 02:00:00','2026-11-21 00:30:00','BwcHBwcHBwcHBwcHBwcHBw',NULL),
 (2,NULL,NULL,'3c55f5b599544828a208e04478517e94',NULL,NULL,NULL,NULL,'2026-11-21 00:20:00',NULL,'2026-11-21 00:20:00',NULL,NULL);
INSERT INTO `group` (`id`, `domain_id`, `name`, `description`, `extra`) VALUES
 ('a5a5bec8f2b746ba93cb1d46a6da73bd','default','masons',NULL,'{}');
INSERT INTO `assignment` (`type`, `actor_id`, `target_id`, `role_id`, `inherited`) VALUES
 ('GroupProject','a5a5bec8f2b746ba93cb1d46a6da73bd','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','aaaabec8f2b746ba93cb1d46a6da73bd',0);
INSERT INTO `identity_provider` (`id`, `enabled`, `description`, `domain_id`, `authorization_ttl`) VALUES
 ('corp',1,'the firm','default',5), ('guests',0,NULL,'default',NULL);
INSERT INTO `idp_remote_ids` (`idp_id`, `remote_id`) VALUES ('corp','https://corp'), ('corp','https://a.corp');
INSERT INTO `mapping` (`id`, `rules`, `schema_version`) VALUES
 ('m','"[{\\"local\\": [{\\"user\\": {\\"id\\": \\"{0}\\", \\"name\\": \\"{1}\\"}}], \\"remote\\": [{\\"type\\": \\"OIDC-sub\\"}, {\\"type\\": \\"OIDC-preferred_username\\"}]}]"','1.0'),
 ('broken','"[{\\"local\\": []}]"','1.0');
INSERT INTO `federation_protocol` (`id`, `idp_id`, `mapping_id`, `remote_id_attribute`) VALUES ('openid','corp','m','HTTP_OIDC_ISS');
INSERT INTO `federated_user` (`id`, `user_id`, `idp_id`, `protocol_id`, `unique_id`, `display_name`) VALUES
 (1,'fedfb5b599544828a208e04478517e94','corp','openid','248','admin'),
 (2,'3c55f5b599544828a208e04478517e94','corp','openid','7','Ann of the firm');
INSERT INTO `expiring_user_group_membership` (`user_id`, `group_id`, `idp_id`, `last_verified`) VALUES
 ('fedfb5b599544828a208e04478517e94','a5a5bec8f2b746ba93cb1d46a6da73bd','corp','2026-11-21 00:35:00'),
 ('fedfb5b599544828a208e04478517e94','a5a5bec8f2b746ba93cb1d46a6da73bd','guests','2026-11-01 00:35:00');
INSERT INTO `region` (`id`, `description`, `parent_region_id`, `extra`) VALUES ('North','',NULL,'{}');
INSERT INTO `service` (`id`, `type`, `enabled`, `extra`) VALUES ('5e5ebec8f2b746ba93cb1d46a6da73bd','compute',1,'{\"name\": \"nova\"}');
INSERT INTO `endpoint` (`id`, `legacy_endpoint_id`, `interface`, `service_id`, `url`, `extra`, `enabled`, `region_id`) VALUES
 ('e0e0bec8f2b746ba93cb1d46a6da73bd',NULL,'public','5e5ebec8f2b746ba93cb1d46a6da73bd','http://north','{}',1,'North');
INSERT INTO `endpoint_group` (`id`, `name`, `description`, `filters`) VALUES
 ('9090bec8f2b746ba93cb1d46a6da73bd','of the north',NULL,'{\"region_id\": \"North\"}');
INSERT INTO `project_endpoint` (`endpoint_id`, `project_id`) VALUES
 ('e0e0bec8f2b746ba93cb1d46a6da73bd','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f'), ('e0e0bec8f2b746ba93cb1d46a6da73bd','gone');
INSERT INTO `project_endpoint_group` (`endpoint_group_id`, `project_id`) VALUES
 ('9090bec8f2b746ba93cb1d46a6da73bd','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f');
INSERT INTO `registered_limit` (`id`, `service_id`, `region_id`, `resource_name`, `default_limit`, `description`, `internal_id`) VALUES
 ('4141bec8f2b746ba93cb1d46a6da73bd','5e5ebec8f2b746ba93cb1d46a6da73bd','North','servers',10,NULL,1),
 ('4242bec8f2b746ba93cb1d46a6da73bd','5e5ebec8f2b746ba93cb1d46a6da73bd',NULL,'servers',-1,'all',2);
INSERT INTO `limit` (`id`, `project_id`, `resource_limit`, `description`, `internal_id`, `registered_limit_id`, `domain_id`) VALUES
 ('4343bec8f2b746ba93cb1d46a6da73bd','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f',20,'more',1,'4141bec8f2b746ba93cb1d46a6da73bd',NULL),
 ('4444bec8f2b746ba93cb1d46a6da73bd',NULL,30,NULL,2,'4242bec8f2b746ba93cb1d46a6da73bd','default'),
 ('4545bec8f2b746ba93cb1d46a6da73bd','gone',1,NULL,3,'4242bec8f2b746ba93cb1d46a6da73bd',NULL);
INSERT INTO `policy` (`id`, `type`, `blob`, `extra`) VALUES
 ('7070bec8f2b746ba93cb1d46a6da73bd','application/json','"{\\"a\\": \\"@\\"}"','{\"name\": \"p\"}');
INSERT INTO `policy_association` (`id`, `policy_id`, `endpoint_id`, `service_id`, `region_id`) VALUES
 ('7171bec8f2b746ba93cb1d46a6da73bd','7070bec8f2b746ba93cb1d46a6da73bd','e0e0bec8f2b746ba93cb1d46a6da73bd',NULL,NULL);
INSERT INTO `service_provider` (`auth_url`, `id`, `enabled`, `description`, `sp_url`, `relay_state_prefix`) VALUES
 ('https://sp/auth','sp',1,NULL,'https://sp','ss:mem:');
INSERT INTO `consumer` (`id`, `description`, `secret`, `extra`) VALUES
 ('c0c0bec8f2b746ba93cb1d46a6da73bd','printer','c1c1bec8f2b746ba93cb1d46a6da73bd','{}');
INSERT INTO `access_token` (`id`, `access_secret`, `authorizing_user_id`, `project_id`, `role_ids`, `consumer_id`, `expires_at`) VALUES
 ('ac00bec8f2b746ba93cb1d46a6da73bd','ac01bec8f2b746ba93cb1d46a6da73bd','3c55f5b599544828a208e04478517e94','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','[\"aaaabec8f2b746ba93cb1d46a6da73bd\"]','c0c0bec8f2b746ba93cb1d46a6da73bd','2026-11-22T00:00:00.000000Z'),
 ('ac02bec8f2b746ba93cb1d46a6da73bd','ac03bec8f2b746ba93cb1d46a6da73bd','3c55f5b599544828a208e04478517e94','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','[]','c0c0bec8f2b746ba93cb1d46a6da73bd',NULL),
 ('ac04bec8f2b746ba93cb1d46a6da73bd','ac05bec8f2b746ba93cb1d46a6da73bd','3c55f5b599544828a208e04478517e94','5fb4b2d1a1c14e4f8a7f0f3c7c1d2e3f','[]','c0c0bec8f2b746ba93cb1d46a6da73bd','2026-11-20T00:00:00.000000Z');
