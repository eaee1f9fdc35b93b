//! The schema of identity, step by step.

use store::Migration;

/// Every step, in order. A released step never changes.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "identity", sql: include_str!("../migrations/0001_identity.sql") },
    Migration {
        number: 2,
        name: "application credentials",
        sql: include_str!("../migrations/0002_application_credentials.sql"),
    },
    Migration { number: 3, name: "credentials", sql: include_str!("../migrations/0003_credentials.sql") },
    Migration { number: 4, name: "trusts", sql: include_str!("../migrations/0004_trusts.sql") },
    Migration {
        number: 5,
        name: "sealed credentials",
        sql: include_str!("../migrations/0005_sealed_credentials.sql"),
    },
    Migration { number: 6, name: "limits", sql: include_str!("../migrations/0006_limits.sql") },
    Migration {
        number: 7,
        name: "endpoint groups",
        sql: include_str!("../migrations/0007_endpoint_groups.sql"),
    },
    Migration { number: 8, name: "access rules", sql: include_str!("../migrations/0008_access_rules.sql") },
    Migration { number: 9, name: "passwords", sql: include_str!("../migrations/0009_passwords.sql") },
    Migration { number: 10, name: "activity", sql: include_str!("../migrations/0010_activity.sql") },
    Migration {
        number: 11,
        name: "options of domains",
        sql: include_str!("../migrations/0011_domain_options.sql"),
    },
    Migration { number: 12, name: "use of keys", sql: include_str!("../migrations/0012_key_use.sql") },
    Migration {
        number: 13,
        name: "signing keys and OAuth 1.0",
        sql: include_str!("../migrations/0013_signing_keys_and_oauth1.sql"),
    },
    Migration { number: 14, name: "directories", sql: include_str!("../migrations/0014_directories.sql") },
    Migration { number: 15, name: "federation", sql: include_str!("../migrations/0015_federation.sql") },
    Migration {
        number: 16,
        name: "service providers and policy associations",
        sql: include_str!("../migrations/0016_service_providers_and_policy_associations.sql"),
    },
    Migration {
        number: 17,
        name: "revoked chains",
        sql: include_str!("../migrations/0017_revoked_chains.sql"),
    },
    Migration { number: 18, name: "names", sql: include_str!("../migrations/0018_names.sql") },
];
