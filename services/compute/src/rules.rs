//! Who may do what: OpenStack's rule names with the defaults of its secure role-based access.

use policy::Rule;

const ADMIN: &str = "role:admin";
const MANAGER: &str = "role:admin or (role:manager and project_id:%(project_id)s)";
const MEMBER: &str = "role:admin or (role:member and project_id:%(project_id)s)";
const READER: &str = "role:admin or (role:reader and project_id:%(project_id)s)";
const USER: &str = "role:admin or user_id:%(user_id)s";
const ANY: &str = "@";

macro_rules! rules {
    ($($name:ident = $key:literal, $default:ident, $about:literal;)*) => {
        $(#[doc = $about] pub const $name: Rule = Rule { name: $key, default: $default, about: $about };)*
        /// Every rule of this service.
        pub const ALL: &[Rule] = &[$($name),*];
    };
}

rules! {
    SERVERS_INDEX = "os_compute_api:servers:index", READER, "List servers.";
    SERVERS_DETAIL = "os_compute_api:servers:detail", READER, "List servers with details.";
    SERVERS_INDEX_GET_ALL_TENANTS = "os_compute_api:servers:index:get_all_tenants", ADMIN, "List servers of all projects.";
    SERVERS_DETAIL_GET_ALL_TENANTS = "os_compute_api:servers:detail:get_all_tenants", ADMIN, "List servers of all projects with details.";
    SERVERS_ALLOW_ALL_FILTERS = "os_compute_api:servers:allow_all_filters", ADMIN, "Filter a list of servers by anything.";
    SERVERS_SHOW = "os_compute_api:servers:show", READER, "Show a server.";
    SERVERS_SHOW_FLAVOR_EXTRA_SPECS = "os_compute_api:servers:show:flavor-extra-specs", READER, "Show the extra specs of a server's flavor.";
    SERVERS_SHOW_HOST_STATUS = "os_compute_api:servers:show:host_status", ADMIN, "Show the state of a server's host.";
    SERVERS_CREATE = "os_compute_api:servers:create", MEMBER, "Create a server.";
    SERVERS_CREATE_FORCED_HOST = "os_compute_api:servers:create:forced_host", ADMIN, "Create a server on a host without asking the scheduler.";
    SERVERS_CREATE_REQUESTED_DESTINATION = "compute:servers:create:requested_destination", ADMIN, "Create a server on a host that the scheduler checks.";
    SERVERS_CREATE_ATTACH_VOLUME = "os_compute_api:servers:create:attach_volume", MEMBER, "Create a server with a volume.";
    SERVERS_CREATE_ATTACH_NETWORK = "os_compute_api:servers:create:attach_network", MEMBER, "Create a server on networks of one's choice.";
    SERVERS_CREATE_TRUSTED_CERTS = "os_compute_api:servers:create:trusted_certs", MEMBER, "Create a server with trusted certificates.";
    SERVERS_CREATE_ZERO_DISK_FLAVOR = "os_compute_api:servers:create:zero_disk_flavor", ADMIN, "Create a server with a flavor without disk.";
    NETWORK_ATTACH_EXTERNAL_NETWORK = "network:attach_external_network", ADMIN, "Attach a server to an external network.";
    SERVERS_DELETE = "os_compute_api:servers:delete", MEMBER, "Delete a server.";
    SERVERS_UPDATE = "os_compute_api:servers:update", MEMBER, "Update a server.";
    SERVERS_REBOOT = "os_compute_api:servers:reboot", MEMBER, "Reboot a server.";
    SERVERS_REBUILD = "os_compute_api:servers:rebuild", MEMBER, "Rebuild a server.";
    SERVERS_START = "os_compute_api:servers:start", MEMBER, "Start a server.";
    SERVERS_STOP = "os_compute_api:servers:stop", MEMBER, "Stop a server.";
    PAUSE_SERVER_PAUSE = "os_compute_api:os-pause-server:pause", MEMBER, "Pause a server.";
    PAUSE_SERVER_UNPAUSE = "os_compute_api:os-pause-server:unpause", MEMBER, "Unpause a server.";
    SUSPEND_SERVER_SUSPEND = "os_compute_api:os-suspend-server:suspend", MEMBER, "Suspend a server.";
    SUSPEND_SERVER_RESUME = "os_compute_api:os-suspend-server:resume", MEMBER, "Resume a server.";
    LOCK_SERVER_LOCK = "os_compute_api:os-lock-server:lock", MEMBER, "Lock a server.";
    LOCK_SERVER_UNLOCK = "os_compute_api:os-lock-server:unlock", MEMBER, "Unlock a server.";
    LOCK_SERVER_UNLOCK_UNLOCK_OVERRIDE = "os_compute_api:os-lock-server:unlock:unlock_override", ADMIN, "Unlock a server that an administrator locked.";
    ADMIN_ACTIONS_RESET_STATE = "os_compute_api:os-admin-actions:reset_state", ADMIN, "Reset the state of a server.";
    ADMIN_ACTIONS_INJECT_NETWORK_INFO = "os_compute_api:os-admin-actions:inject_network_info", ADMIN, "Tell a server its network again.";
    DEFERRED_DELETE_FORCE = "os_compute_api:os-deferred-delete:force", MEMBER, "Delete a server at once.";
    CONSOLE_OUTPUT = "os_compute_api:os-console-output", MEMBER, "Read the console log of a server.";
    REMOTE_CONSOLES = "os_compute_api:os-remote-consoles", MEMBER, "Open the console of a server.";
    MULTINIC_ADD = "os_compute_api:os-multinic:add", MEMBER, "Add a fixed IP to a server.";
    MULTINIC_REMOVE = "os_compute_api:os-multinic:remove", MEMBER, "Take a fixed IP from a server.";
    SECURITY_GROUPS_GET = "os_compute_api:os-security-groups:get", READER, "List security groups.";
    SECURITY_GROUPS_SHOW = "os_compute_api:os-security-groups:show", READER, "Show a security group.";
    SECURITY_GROUPS_CREATE = "os_compute_api:os-security-groups:create", MEMBER, "Create a security group.";
    SECURITY_GROUPS_UPDATE = "os_compute_api:os-security-groups:update", MEMBER, "Update a security group.";
    SECURITY_GROUPS_DELETE = "os_compute_api:os-security-groups:delete", MEMBER, "Delete a security group.";
    SECURITY_GROUPS_RULE_CREATE = "os_compute_api:os-security-groups:rule:create", MEMBER, "Create a rule of a security group.";
    SECURITY_GROUPS_RULE_DELETE = "os_compute_api:os-security-groups:rule:delete", MEMBER, "Delete a rule of a security group.";
    SECURITY_GROUPS_LIST = "os_compute_api:os-security-groups:list", READER, "List the security groups of a server.";
    SECURITY_GROUPS_ADD = "os_compute_api:os-security-groups:add", MEMBER, "Add a security group to a server.";
    SECURITY_GROUPS_REMOVE = "os_compute_api:os-security-groups:remove", MEMBER, "Take a security group from a server.";
    EXTENDED_SERVER_ATTRIBUTES = "os_compute_api:os-extended-server-attributes", ADMIN, "Show where a server is and how it is known there.";
    IPS_INDEX = "os_compute_api:ips:index", READER, "List the addresses of a server.";
    IPS_SHOW = "os_compute_api:ips:show", READER, "Show the addresses of a server on a network.";
    SERVER_METADATA_INDEX = "os_compute_api:server-metadata:index", READER, "List the metadata of a server.";
    SERVER_METADATA_SHOW = "os_compute_api:server-metadata:show", READER, "Show an item of a server's metadata.";
    SERVER_METADATA_CREATE = "os_compute_api:server-metadata:create", MEMBER, "Add to the metadata of a server.";
    SERVER_METADATA_UPDATE_ALL = "os_compute_api:server-metadata:update_all", MEMBER, "Replace the metadata of a server.";
    SERVER_METADATA_UPDATE = "os_compute_api:server-metadata:update", MEMBER, "Set an item of a server's metadata.";
    SERVER_METADATA_DELETE = "os_compute_api:server-metadata:delete", MEMBER, "Delete an item of a server's metadata.";
    SERVER_TAGS_INDEX = "os_compute_api:os-server-tags:index", READER, "List the tags of a server.";
    SERVER_TAGS_SHOW = "os_compute_api:os-server-tags:show", READER, "Whether a server has a tag.";
    SERVER_TAGS_UPDATE = "os_compute_api:os-server-tags:update", MEMBER, "Add a tag to a server.";
    SERVER_TAGS_UPDATE_ALL = "os_compute_api:os-server-tags:update_all", MEMBER, "Replace the tags of a server.";
    SERVER_TAGS_DELETE = "os_compute_api:os-server-tags:delete", MEMBER, "Delete a tag of a server.";
    SERVER_TAGS_DELETE_ALL = "os_compute_api:os-server-tags:delete_all", MEMBER, "Delete all tags of a server.";
    ATTACH_INTERFACES_LIST = "os_compute_api:os-attach-interfaces:list", READER, "List the interfaces of a server.";
    ATTACH_INTERFACES_SHOW = "os_compute_api:os-attach-interfaces:show", READER, "Show an interface of a server.";
    ATTACH_INTERFACES_CREATE = "os_compute_api:os-attach-interfaces:create", MEMBER, "Attach an interface to a server.";
    ATTACH_INTERFACES_DELETE = "os_compute_api:os-attach-interfaces:delete", MEMBER, "Detach an interface from a server.";
    INSTANCE_ACTIONS_LIST = "os_compute_api:os-instance-actions:list", READER, "List what was done to a server.";
    INSTANCE_ACTIONS_SHOW = "os_compute_api:os-instance-actions:show", READER, "Show what was done to a server.";
    INSTANCE_ACTIONS_EVENTS = "os_compute_api:os-instance-actions:events", ADMIN, "Show events of an action with their host and trace.";
    INSTANCE_ACTIONS_EVENTS_DETAILS = "os_compute_api:os-instance-actions:events:details", ADMIN, "Show the details of events of an action.";
    SERVER_PASSWORD_SHOW = "os_compute_api:os-server-password:show", READER, "Show the encrypted password of a server.";
    SERVER_PASSWORD_CLEAR = "os_compute_api:os-server-password:clear", MEMBER, "Forget the encrypted password of a server.";
    SERVER_DIAGNOSTICS = "os_compute_api:os-server-diagnostics", ADMIN, "Show diagnostics of a server.";
    SERVER_GROUPS_CREATE = "os_compute_api:os-server-groups:create", MEMBER, "Create a server group.";
    SERVER_GROUPS_DELETE = "os_compute_api:os-server-groups:delete", MEMBER, "Delete a server group.";
    SERVER_GROUPS_INDEX = "os_compute_api:os-server-groups:index", READER, "List server groups.";
    SERVER_GROUPS_INDEX_ALL_PROJECTS = "os_compute_api:os-server-groups:index:all_projects", ADMIN, "List server groups of all projects.";
    SERVER_GROUPS_SHOW = "os_compute_api:os-server-groups:show", READER, "Show a server group.";
    FLAVOR_MANAGE_CREATE = "os_compute_api:os-flavor-manage:create", ADMIN, "Create a flavor.";
    FLAVOR_MANAGE_UPDATE = "os_compute_api:os-flavor-manage:update", ADMIN, "Update a flavor.";
    FLAVOR_MANAGE_DELETE = "os_compute_api:os-flavor-manage:delete", ADMIN, "Delete a flavor.";
    FLAVOR_ACCESS = "os_compute_api:os-flavor-access", ADMIN, "List who may use a flavor.";
    FLAVOR_ACCESS_ADD_TENANT_ACCESS = "os_compute_api:os-flavor-access:add_tenant_access", ADMIN, "Let a project use a flavor.";
    FLAVOR_ACCESS_REMOVE_TENANT_ACCESS = "os_compute_api:os-flavor-access:remove_tenant_access", ADMIN, "Do not let a project use a flavor any more.";
    FLAVOR_EXTRA_SPECS_INDEX = "os_compute_api:os-flavor-extra-specs:index", READER, "List extra specs of a flavor.";
    FLAVOR_EXTRA_SPECS_SHOW = "os_compute_api:os-flavor-extra-specs:show", READER, "Show an extra spec of a flavor.";
    FLAVOR_EXTRA_SPECS_CREATE = "os_compute_api:os-flavor-extra-specs:create", ADMIN, "Add extra specs to a flavor.";
    FLAVOR_EXTRA_SPECS_UPDATE = "os_compute_api:os-flavor-extra-specs:update", ADMIN, "Set an extra spec of a flavor.";
    FLAVOR_EXTRA_SPECS_DELETE = "os_compute_api:os-flavor-extra-specs:delete", ADMIN, "Delete an extra spec of a flavor.";
    KEYPAIRS_INDEX = "os_compute_api:os-keypairs:index", USER, "List key pairs.";
    KEYPAIRS_SHOW = "os_compute_api:os-keypairs:show", USER, "Show a key pair.";
    KEYPAIRS_CREATE = "os_compute_api:os-keypairs:create", USER, "Create or import a key pair.";
    KEYPAIRS_DELETE = "os_compute_api:os-keypairs:delete", USER, "Delete a key pair.";
    HYPERVISORS_LIST = "os_compute_api:os-hypervisors:list", ADMIN, "List hypervisors.";
    HYPERVISORS_LIST_DETAIL = "os_compute_api:os-hypervisors:list-detail", ADMIN, "List hypervisors with details.";
    HYPERVISORS_STATISTICS = "os_compute_api:os-hypervisors:statistics", ADMIN, "Show what all hypervisors have together.";
    HYPERVISORS_SHOW = "os_compute_api:os-hypervisors:show", ADMIN, "Show a hypervisor.";
    HYPERVISORS_UPTIME = "os_compute_api:os-hypervisors:uptime", ADMIN, "Show how long a hypervisor has been up.";
    HYPERVISORS_SEARCH = "os_compute_api:os-hypervisors:search", ADMIN, "Find hypervisors by name.";
    HYPERVISORS_SERVERS = "os_compute_api:os-hypervisors:servers", ADMIN, "List the servers of hypervisors.";
    SERVICES_LIST = "os_compute_api:os-services:list", ADMIN, "List services.";
    SERVICES_UPDATE = "os_compute_api:os-services:update", ADMIN, "Enable, disable or force down a service.";
    SERVICES_DELETE = "os_compute_api:os-services:delete", ADMIN, "Delete a service.";
    AVAILABILITY_ZONE_LIST = "os_compute_api:os-availability-zone:list", ANY, "List availability zones.";
    AVAILABILITY_ZONE_DETAIL = "os_compute_api:os-availability-zone:detail", ADMIN, "List availability zones with their hosts.";
    AGGREGATES_INDEX = "os_compute_api:os-aggregates:index", ADMIN, "List aggregates.";
    AGGREGATES_SHOW = "os_compute_api:os-aggregates:show", ADMIN, "Show an aggregate.";
    AGGREGATES_CREATE = "os_compute_api:os-aggregates:create", ADMIN, "Create an aggregate.";
    AGGREGATES_UPDATE = "os_compute_api:os-aggregates:update", ADMIN, "Update an aggregate.";
    AGGREGATES_DELETE = "os_compute_api:os-aggregates:delete", ADMIN, "Delete an aggregate.";
    AGGREGATES_ADD_HOST = "os_compute_api:os-aggregates:add_host", ADMIN, "Add a host to an aggregate.";
    AGGREGATES_REMOVE_HOST = "os_compute_api:os-aggregates:remove_host", ADMIN, "Take a host out of an aggregate.";
    AGGREGATES_SET_METADATA = "os_compute_api:os-aggregates:set_metadata", ADMIN, "Set the metadata of an aggregate.";
    LIMITS = "os_compute_api:limits", ANY, "Show one's limits.";
    LIMITS_OTHER_PROJECT = "os_compute_api:limits:other_project", ADMIN, "Show the limits of another project.";
    QUOTA_SETS_SHOW = "os_compute_api:os-quota-sets:show", READER, "Show the quotas of a project.";
    QUOTA_SETS_DETAIL = "os_compute_api:os-quota-sets:detail", READER, "Show the quotas of a project with their use.";
    QUOTA_SETS_DEFAULTS = "os_compute_api:os-quota-sets:defaults", ANY, "Show the default quotas.";
    QUOTA_SETS_UPDATE = "os_compute_api:os-quota-sets:update", ADMIN, "Change the quotas of a project.";
    QUOTA_SETS_DELETE = "os_compute_api:os-quota-sets:delete", ADMIN, "Reset the quotas of a project.";
    QUOTA_CLASS_SETS_SHOW = "os_compute_api:os-quota-class-sets:show", ADMIN, "Show a quota class.";
    QUOTA_CLASS_SETS_UPDATE = "os_compute_api:os-quota-class-sets:update", ADMIN, "Change a quota class.";
    SIMPLE_TENANT_USAGE_LIST = "os_compute_api:os-simple-tenant-usage:list", ADMIN, "Show what all projects used.";
    SIMPLE_TENANT_USAGE_SHOW = "os_compute_api:os-simple-tenant-usage:show", READER, "Show what a project used.";
    MIGRATIONS_INDEX = "os_compute_api:os-migrations:index", MANAGER, "List migrations.";
    MIGRATIONS_INDEX_ALL_PROJECTS = "os_compute_api:os-migrations:index:all_projects", ADMIN, "List migrations of all projects.";
    EXTENSIONS = "os_compute_api:extensions", ANY, "List extensions.";
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_rule_can_be_read() {
        policy::Policy::of(&[super::ALL]).unwrap();
    }
}
