//! The microversions at which this service behaves differently, by what they brought.
//!
//! A version that only concerns operations which this cloud does not have (yet) has no name here.

use web::{Microversions, Version};

macro_rules! versions {
    ($($(#[$doc:meta])* $name:ident = $minor:literal),* $(,)?) => {
        $($(#[$doc])* pub const $name: Version = Version::new(2, $minor);)*
    };
}

versions! {
    /// Where it begins.
    FIRST = 1,
    /// Key pairs have a type, and proper status codes.
    KEYPAIR_TYPE = 2,
    /// More of `OS-EXT-SRV-ATTR`, `delete_on_termination`.
    MORE_ATTRIBUTES = 3,
    /// Everybody may filter servers by `ip6`.
    FILTER_IP6 = 5,
    /// The last version with one action a console type.
    CONSOLE_ACTIONS_LAST = 5,
    /// `remote-consoles`.
    REMOTE_CONSOLES = 6,
    /// Nobody is let in to a public flavor.
    FLAVOR_ACCESS_CHECKED = 7,
    /// Consoles of the type MKS.
    CONSOLE_MKS = 8,
    /// Servers show their lock.
    LOCKED = 9,
    /// Administrators handle the key pairs of others.
    KEYPAIRS_OF_OTHERS = 10,
    /// Services can be forced down.
    FORCED_DOWN = 11,
    /// Server groups show project and user.
    GROUP_OWNER = 13,
    /// Soft (anti-)affinity.
    SOFT_AFFINITY = 15,
    /// Servers show the state of their host.
    HOST_STATUS = 16,
    /// Servers have a description.
    DESCRIPTION = 19,
    /// Actions of deleted servers.
    ACTIONS_OF_DELETED = 21,
    /// Migrations have a type and links.
    MIGRATION_TYPE = 23,
    /// Servers have tags.
    SERVER_TAGS = 26,
    /// `cpu_info` is an object.
    CPU_INFO_OBJECT = 28,
    /// Devices have tags, in this version only for disks.
    DEVICE_TAGS = 32,
    /// Networks keep their tags; hypervisors come in pages.
    NETWORK_TAGS = 33,
    /// Key pairs come in pages.
    KEYPAIR_PAGES = 35,
    /// The last version with proxies to other services.
    PROXIES_LAST = 35,
    /// Proxies, and quotas of what the network service owns, are gone.
    PROXIES_GONE = 36,
    /// `networks` is required: a list, `auto` or `none`.
    NETWORKS_REQUIRED = 37,
    /// A status that does not exist is no filter.
    STATUS_CHECKED = 38,
    /// No limit for the metadata of images.
    IMAGE_METADATA_GONE = 39,
    /// Usage comes in pages.
    USAGE_PAGES = 40,
    /// Aggregates have ids like everything else.
    AGGREGATE_UUID = 41,
    /// Tags of devices again.
    DEVICE_TAGS_AGAIN = 42,
    /// The last version with fixed IPs as actions.
    FIXED_IP_ACTIONS_LAST = 43,
    /// The flavor of a server is shown whole.
    FLAVOR_INSIDE = 47,
    /// Diagnostics are the same for every hypervisor.
    DIAGNOSTICS = 48,
    /// Interfaces are attached with a tag.
    ATTACH_TAGS = 49,
    /// Quota classes know server groups.
    CLASS_GROUPS = 50,
    /// Everybody sees the events of an action.
    EVENTS_FOR_ALL = 51,
    /// Servers are made with tags.
    CREATE_TAGS = 52,
    /// Services and hypervisors have ids like everything else.
    UUIDS = 53,
    /// A rebuilt server may get another key.
    REBUILD_KEY = 54,
    /// Flavors have a description.
    FLAVOR_DESCRIPTION = 55,
    /// Files are not injected any more; rebuild takes user data.
    FILES_GONE = 57,
    /// Actions come in pages.
    ACTION_PAGES = 58,
    /// Migrations come in pages.
    MIGRATION_PAGES = 59,
    /// Flavors show their extra specs.
    FLAVOR_SPECS = 61,
    /// Events show their host.
    EVENT_HOST = 62,
    /// Trusted certificates.
    TRUSTED_CERTS = 63,
    /// A group has one policy, with rules.
    GROUP_POLICY = 64,
    /// `changes-before`.
    CHANGES_BEFORE = 66,
    /// Volumes made for a server have a type.
    VOLUME_TYPE = 67,
    /// Interfaces show their tag.
    INTERFACE_TAGS = 70,
    /// A server shows its groups.
    SERVER_GROUPS = 71,
    /// Locks have a reason.
    LOCK_REASON = 73,
    /// A server is asked for on a host.
    ASKED_HOST = 74,
    /// Unknown parameters are refused; answers are consistent.
    STRICT = 75,
    /// Aggregates cache images.
    AGGREGATE_IMAGES = 81,
    /// More filters for everybody.
    MORE_FILTERS = 83,
    /// Events have details.
    EVENT_DETAILS = 84,
    /// Known extra specs are checked.
    SPECS_CHECKED = 86,
    /// The last version with statistics of hypervisors.
    STATISTICS_LAST = 87,
    /// Hypervisors without statistics.
    STATISTICS_GONE = 88,
    /// Servers are given a host name.
    HOSTNAME = 90,
    /// Key pairs are imported, never made.
    IMPORT_ONLY = 92,
    /// Host names have domains.
    HOSTNAME_FQDN = 94,
    /// The zone that a server is pinned to.
    PINNED_ZONE = 96,
    /// Servers show the properties of their image.
    IMAGE_PROPERTIES = 98,
    /// Consoles of the type spice-direct.
    SPICE_DIRECT = 99,
    /// Servers show their scheduler hints.
    SHOW_HINTS = 100,
    /// Unknown parameters are refused everywhere; flavors without `rxtx_factor`.
    STRICT_EVERYWHERE = 102,
    /// The pinned zone can be changed.
    PIN_ZONE = 104,
}

/// What we negotiate.
pub const MICROVERSIONS: Microversions = Microversions {
    service: "compute",
    legacy_header: Some("x-openstack-nova-api-version"),
    min: FIRST,
    max: PIN_ZONE,
};
