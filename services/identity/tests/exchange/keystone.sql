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
