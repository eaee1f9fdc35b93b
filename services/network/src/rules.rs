//! Who may do what, in Neutron's names with its current defaults.
//!
//! Neutron asks its database from inside of rules (`rule:network_owner`, `field:networks:shared=True`); here the target
//! carries the answers under the names by which rules ask: `network:project_id`, `networks:shared`, `security_group:tenant_id`.

use policy::Rule;
use std::collections::HashMap;
use std::sync::LazyLock;

static BY_NAME: LazyLock<HashMap<&str, &Rule>> =
    LazyLock::new(|| ALL.iter().map(|rule| (rule.name, rule)).collect());

/// The rule of that name, for rules whose names are put together (`create_port:fixed_ips`).
pub fn named(name: &str) -> Option<&'static Rule> {
    BY_NAME.get(name).copied()
}

/// The rule that is asked under that name: where there is none, the one for whatever else there is.
pub fn of(name: &str) -> &'static Rule {
    named(name).unwrap_or(&DEFAULT)
}

/// Whether a rule is of an attribute that creates and updates name. It is joined with those of their operation, and in that lets
/// in tokens of every scope, whatever it declares.
pub fn is_of_attribute(name: &str) -> bool {
    let of_change = name.starts_with("create_") || name.starts_with("update_");
    of_change && name.contains(':') && !name.ends_with(":tags")
}

policy::rules! {
    network [PROJECT];
    CONTEXT_IS_ADMIN "context_is_admin"
        "role:admin"
        "Who is an administrator." [ANY];
    CONTEXT_WITH_GLOBAL_ACCESS "context_with_global_access"
        "!"
        "Who sees all projects." [ANY];
    CONTEXT_CAN_SET_PROJECT_ID "context_can_set_project_id"
        "!"
        "Who makes things for other projects, beside administrators and other services." [ANY];
    SERVICE_API "service_api"
        "role:service"
        "Other services." [ANY];
    OWNER "owner"
        "project_id:%(project_id)s"
        "Owners." [ANY];
    ADMIN_OR_OWNER "admin_or_owner"
        "rule:context_is_admin or rule:owner"
        "Owners and administrators." [ANY];
    CONTEXT_IS_ADVSVC "context_is_advsvc"
        "role:advsvc"
        "Services that work on the network." [ANY];
    ADMIN_OR_NETWORK_OWNER "admin_or_network_owner"
        "rule:context_is_admin or project_id:%(network:project_id)s"
        "Owners of the network, and administrators." [ANY];
    ADMIN_OWNER_OR_NETWORK_OWNER "admin_owner_or_network_owner"
        "rule:owner or rule:admin_or_network_owner"
        "Owners, owners of the network, and administrators." [ANY];
    NETWORK_OWNER "network_owner"
        "project_id:%(network:project_id)s"
        "Owners of the network." [ANY];
    ADMIN_ONLY "admin_only"
        "rule:context_is_admin"
        "Administrators." [ANY];
    REGULAR_USER "regular_user"
        ""
        "Everybody." [ANY];
    SHARED "shared"
        "field:networks:shared=True"
        "Things on a shared network." [ANY];
    DEFAULT "default"
        "rule:admin_or_owner"
        "What a rule asks that says nothing else." [ANY];
    ADMIN_OR_EXT_PARENT_OWNER "admin_or_ext_parent_owner"
        "rule:context_is_admin or project_id:%(ext_parent:project_id)s"
        "Owners of a thing's parent, and administrators." [ANY];
    EXT_PARENT_OWNER "ext_parent_owner"
        "project_id:%(ext_parent:project_id)s"
        "Owners of a thing's parent." [ANY];
    SG_OWNER "sg_owner"
        "project_id:%(security_group:project_id)s"
        "Owners of the security group." [ANY];
    EXTERNAL "external"
        "field:networks:router:external=True"
        "External networks." [ANY];
    NETWORK_DEVICE "network_device"
        "field:port:device_owner=~^network:"
        "Ports of the network itself." [ANY];
    COMPUTE_DEVICE "compute_device"
        "field:port:device_owner=~^compute:"
        "Ports of servers." [ANY];
    BAREMETAL_DEVICE "baremetal_device"
        "field:port:device_owner=~^baremetal:"
        "Ports of bare machines." [ANY];
    MANILA_DEVICE "manila_device"
        "field:port:device_owner=~^manila:"
        "Ports of shared file systems." [ANY];
    ADMIN_OR_DATA_PLANE_INT "admin_or_data_plane_int"
        "rule:context_is_admin or role:data_plane_integrator"
        "Who integrates data planes, and administrators." [ANY];
    RESTRICT_WILDCARD "restrict_wildcard"
        "(not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*) or rule:admin_only"
        "Who may share with everybody." [ANY];
    ADMIN_OR_SG_OWNER "admin_or_sg_owner"
        "rule:context_is_admin or project_id:%(security_group:project_id)s"
        "Owners of the security group, and administrators." [ANY];
    ADMIN_OWNER_OR_SG_OWNER "admin_owner_or_sg_owner"
        "rule:owner or rule:admin_or_sg_owner"
        "Owners, owners of the security group, and administrators." [ANY];
    SHARED_SECURITY_GROUP "shared_security_group"
        "field:security_groups:shared=True"
        "Shared security groups." [ANY];
    EXTERNAL_NETWORK "external_network"
        "field:subnets:router:external=True"
        "Subnets of external networks." [ANY];
    SHARED_SUBNETPOOLS "shared_subnetpools"
        "field:subnetpools:shared=True"
        "Shared subnet pools." [ANY];
    SHARED_ADDRESS_GROUPS "shared_address_groups"
        "field:address_groups:shared=True"
        "Shared address groups, of which there are none here." [ANY];
    SHARED_ADDRESS_SCOPES "shared_address_scopes"
        "field:address_scopes:shared=True"
        "Shared address scopes, of which there are none here." [ANY];
    SHARED_QOS_POLICY "shared_qos_policy"
        "field:policies:shared=True"
        "Shared policies of quality, of which there are none here." [ANY];
    RULE_DEFAULT_SG "rule_default_sg"
        "field:security_group_rules:belongs_to_default_sg=True"
        "Rules of default security groups." [ANY];
    CREATE_NETWORK "create_network"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Make a network.";
    GET_NETWORK "get_network"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:service_api or rule:shared or rule:external or rule:context_is_advsvc"
        "See a network.";
    UPDATE_NETWORK "update_network"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Change a network.";
    DELETE_NETWORK "delete_network"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Remove a network.";
    CREATE_NETWORK_SHARED "create_network:shared"
        "rule:admin_only"
        "Share a network with everybody when it is made.";
    CREATE_NETWORK_ROUTER_EXTERNAL "create_network:router:external"
        "rule:admin_only"
        "Make a network external when it is made.";
    CREATE_NETWORK_IS_DEFAULT "create_network:is_default"
        "rule:admin_only"
        "Make an external network the default when it is made.";
    CREATE_NETWORK_PROVIDER_NETWORK_TYPE "create_network:provider:network_type"
        "rule:admin_only"
        "Choose how a network is realised when it is made.";
    CREATE_NETWORK_PROVIDER_PHYSICAL_NETWORK "create_network:provider:physical_network"
        "rule:admin_only"
        "Choose a network's physical network when it is made.";
    CREATE_NETWORK_PROVIDER_SEGMENTATION_ID "create_network:provider:segmentation_id"
        "rule:admin_only"
        "Choose a network's segment when it is made.";
    CREATE_NETWORK_PORT_SECURITY_ENABLED "create_network:port_security_enabled"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Choose what a network's ports have of port security.";
    UPDATE_NETWORK_SHARED "update_network:shared"
        "rule:admin_only"
        "Share a network with everybody.";
    UPDATE_NETWORK_ROUTER_EXTERNAL "update_network:router:external"
        "rule:admin_only"
        "Make a network external.";
    UPDATE_NETWORK_IS_DEFAULT "update_network:is_default"
        "rule:admin_only"
        "Make an external network the default.";
    UPDATE_NETWORK_PROVIDER_NETWORK_TYPE "update_network:provider:network_type"
        "rule:admin_only"
        "Choose how a network is realised.";
    UPDATE_NETWORK_PROVIDER_PHYSICAL_NETWORK "update_network:provider:physical_network"
        "rule:admin_only"
        "Choose a network's physical network.";
    UPDATE_NETWORK_PROVIDER_SEGMENTATION_ID "update_network:provider:segmentation_id"
        "rule:admin_only"
        "Choose a network's segment.";
    UPDATE_NETWORK_PORT_SECURITY_ENABLED "update_network:port_security_enabled"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Choose what a network's ports have of port security.";
    GET_NETWORK_PROVIDER_NETWORK_TYPE "get_network:provider:network_type"
        "rule:admin_only"
        "See how a network is realised.";
    GET_NETWORK_PROVIDER_PHYSICAL_NETWORK "get_network:provider:physical_network"
        "rule:admin_only"
        "See how a network is realised.";
    GET_NETWORK_PROVIDER_SEGMENTATION_ID "get_network:provider:segmentation_id"
        "rule:admin_only"
        "See how a network is realised.";
    CREATE_SUBNET "create_subnet"
        "(rule:admin_only) or (role:member and rule:network_owner)"
        "Make a subnet.";
    GET_SUBNET "get_subnet"
        "role:reader and project_id:%(project_id)s or rule:shared or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner) or rule:service_api"
        "See a subnet.";
    UPDATE_SUBNET "update_subnet"
        "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)"
        "Change a subnet.";
    DELETE_SUBNET "delete_subnet"
        "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)"
        "Remove a subnet.";
    CREATE_SUBNET_SERVICE_TYPES "create_subnet:service_types"
        "rule:admin_only"
        "Keep a subnet for some owners of ports.";
    UPDATE_SUBNET_SERVICE_TYPES "update_subnet:service_types"
        "rule:admin_only"
        "Keep a subnet for some owners of ports.";
    CREATE_SUBNETPOOL "create_subnetpool"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Make a subnet pool.";
    GET_SUBNETPOOL "get_subnetpool"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_subnetpools"
        "See a subnet pool.";
    UPDATE_SUBNETPOOL "update_subnetpool"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Change a subnet pool.";
    DELETE_SUBNETPOOL "delete_subnetpool"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Remove a subnet pool.";
    CREATE_SUBNETPOOL_SHARED "create_subnetpool:shared"
        "rule:admin_only"
        "Share a subnet pool with everybody.";
    CREATE_SUBNETPOOL_IS_DEFAULT "create_subnetpool:is_default"
        "rule:admin_only"
        "Make a subnet pool the default.";
    UPDATE_SUBNETPOOL_IS_DEFAULT "update_subnetpool:is_default"
        "rule:admin_only"
        "Make a subnet pool the default.";
    CREATE_PORT "create_port"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared"
        "Make a port.";
    GET_PORT "get_port"
        "(rule:admin_only) or (rule:service_api) or role:reader and rule:network_owner or role:reader and project_id:%(project_id)s"
        "See a port.";
    UPDATE_PORT "update_port"
        "(rule:admin_only) or (rule:service_api) or role:member and project_id:%(project_id)s"
        "Change a port.";
    DELETE_PORT "delete_port"
        "(rule:admin_only) or (rule:service_api) or (service_roles:service and (role:member and rule:network_owner or role:member and project_id:%(project_id)s)) or (not rule:compute_device and not rule:baremetal_device and not rule:manila_device and (role:member and rule:network_owner or role:member and project_id:%(project_id)s))"
        "Remove a port.";
    CREATE_PORT_DEVICE_ID "create_port:device_id"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api"
        "Say what a port serves.";
    CREATE_PORT_DEVICE_OWNER "create_port:device_owner"
        "not rule:network_device or (rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Say who serves with a port.";
    CREATE_PORT_MAC_ADDRESS "create_port:mac_address"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Choose a port's MAC address.";
    CREATE_PORT_FIXED_IPS "create_port:fixed_ips"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared"
        "Choose a port's addresses.";
    CREATE_PORT_FIXED_IPS_IP_ADDRESS "create_port:fixed_ips:ip_address"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Choose a port's very address.";
    CREATE_PORT_FIXED_IPS_SUBNET_ID "create_port:fixed_ips:subnet_id"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared"
        "Choose a port's subnet.";
    CREATE_PORT_PORT_SECURITY_ENABLED "create_port:port_security_enabled"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Switch a port's security off or on.";
    CREATE_PORT_BINDING_HOST_ID "create_port:binding:host_id"
        "(rule:admin_only) or (rule:service_api)"
        "Bind a port to a host.";
    CREATE_PORT_BINDING_PROFILE "create_port:binding:profile"
        "rule:service_api"
        "Give a port's binding its profile.";
    CREATE_PORT_BINDING_VNIC_TYPE "create_port:binding:vnic_type"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api"
        "Choose a port's sort of interface.";
    CREATE_PORT_ALLOWED_ADDRESS_PAIRS "create_port:allowed_address_pairs"
        "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api"
        "Let a port use further addresses.";
    CREATE_PORT_ALLOWED_ADDRESS_PAIRS_MAC_ADDRESS "create_port:allowed_address_pairs:mac_address"
        "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api"
        "Let a port use further addresses.";
    CREATE_PORT_ALLOWED_ADDRESS_PAIRS_IP_ADDRESS "create_port:allowed_address_pairs:ip_address"
        "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api"
        "Let a port use further addresses.";
    UPDATE_PORT_DEVICE_ID "update_port:device_id"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:service_api"
        "Say what a port serves.";
    UPDATE_PORT_DEVICE_OWNER "update_port:device_owner"
        "not rule:network_device or (rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Say who serves with a port.";
    UPDATE_PORT_MAC_ADDRESS "update_port:mac_address"
        "(rule:admin_only) or (rule:service_api) or role:manager and rule:network_owner"
        "Choose a port's MAC address.";
    UPDATE_PORT_FIXED_IPS "update_port:fixed_ips"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Choose a port's addresses.";
    UPDATE_PORT_FIXED_IPS_IP_ADDRESS "update_port:fixed_ips:ip_address"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Choose a port's very address.";
    UPDATE_PORT_FIXED_IPS_SUBNET_ID "update_port:fixed_ips:subnet_id"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner or rule:shared"
        "Choose a port's subnet.";
    UPDATE_PORT_PORT_SECURITY_ENABLED "update_port:port_security_enabled"
        "(rule:admin_only) or (rule:service_api) or role:member and rule:network_owner"
        "Switch a port's security off or on.";
    UPDATE_PORT_BINDING_HOST_ID "update_port:binding:host_id"
        "(rule:admin_only) or (rule:service_api)"
        "Bind a port to a host.";
    UPDATE_PORT_BINDING_PROFILE "update_port:binding:profile"
        "rule:service_api"
        "Give a port's binding its profile.";
    UPDATE_PORT_BINDING_VNIC_TYPE "update_port:binding:vnic_type"
        "(rule:admin_only) or (rule:service_api) or role:member and project_id:%(project_id)s"
        "Choose a port's sort of interface.";
    UPDATE_PORT_ALLOWED_ADDRESS_PAIRS "update_port:allowed_address_pairs"
        "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api"
        "Let a port use further addresses.";
    UPDATE_PORT_ALLOWED_ADDRESS_PAIRS_MAC_ADDRESS "update_port:allowed_address_pairs:mac_address"
        "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api"
        "Let a port use further addresses.";
    UPDATE_PORT_ALLOWED_ADDRESS_PAIRS_IP_ADDRESS "update_port:allowed_address_pairs:ip_address"
        "(rule:admin_only) or (role:member and rule:network_owner) or rule:service_api"
        "Let a port use further addresses.";
    GET_PORT_BINDING_VIF_TYPE "get_port:binding:vif_type"
        "(rule:admin_only) or (rule:service_api)"
        "See where a port is bound.";
    GET_PORT_BINDING_VIF_DETAILS "get_port:binding:vif_details"
        "(rule:admin_only) or (rule:service_api)"
        "See where a port is bound.";
    GET_PORT_BINDING_HOST_ID "get_port:binding:host_id"
        "(rule:admin_only) or (rule:service_api)"
        "See where a port is bound.";
    GET_PORT_BINDING_PROFILE "get_port:binding:profile"
        "(rule:admin_only) or (rule:service_api)"
        "See where a port is bound.";
    CREATE_ROUTER "create_router"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Make a router.";
    GET_ROUTER "get_router"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s)"
        "See a router.";
    UPDATE_ROUTER "update_router"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Change a router.";
    DELETE_ROUTER "delete_router"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Remove a router.";
    CREATE_ROUTER_HA "create_router:ha"
        "rule:admin_only"
        "Choose whether a router is highly available.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO "create_router:external_gateway_info"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Give a router its way out.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO_NETWORK_ID "create_router:external_gateway_info:network_id"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Choose a router's external network.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO_ENABLE_SNAT "create_router:external_gateway_info:enable_snat"
        "rule:admin_only"
        "Choose whether a router hides tenants' addresses.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO_EXTERNAL_FIXED_IPS "create_router:external_gateway_info:external_fixed_ips"
        "rule:admin_only"
        "Choose a router's addresses outside.";
    UPDATE_ROUTER_HA "update_router:ha"
        "rule:admin_only"
        "Choose whether a router is highly available.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO "update_router:external_gateway_info"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Give a router its way out.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO_NETWORK_ID "update_router:external_gateway_info:network_id"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Choose a router's external network.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO_ENABLE_SNAT "update_router:external_gateway_info:enable_snat"
        "rule:admin_only"
        "Choose whether a router hides tenants' addresses.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO_EXTERNAL_FIXED_IPS "update_router:external_gateway_info:external_fixed_ips"
        "rule:admin_only"
        "Choose a router's addresses outside.";
    GET_ROUTER_DISTRIBUTED "get_router:distributed"
        "rule:admin_only"
        "See whether a router is distributed.";
    GET_ROUTER_HA "get_router:ha"
        "rule:admin_only"
        "See whether a router is highly available.";
    ADD_ROUTER_INTERFACE "add_router_interface"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Connect a router.";
    REMOVE_ROUTER_INTERFACE "remove_router_interface"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Disconnect a router.";
    ADD_EXTRAROUTES "add_extraroutes"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Add routes to a router.";
    REMOVE_EXTRAROUTES "remove_extraroutes"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Take routes from a router.";
    CREATE_FLOATINGIP "create_floatingip"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Make a floating IP.";
    GET_FLOATINGIP "get_floatingip"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s)"
        "See a floating IP.";
    UPDATE_FLOATINGIP "update_floatingip"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Change a floating IP.";
    DELETE_FLOATINGIP "delete_floatingip"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Remove a floating IP.";
    CREATE_FLOATINGIP_FLOATING_IP_ADDRESS "create_floatingip:floating_ip_address"
        "(rule:admin_only) or (role:manager and project_id:%(project_id)s)"
        "Choose a floating IP's address.";
    CREATE_SECURITY_GROUP "create_security_group"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Make a security group.";
    GET_SECURITY_GROUP "get_security_group"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_security_group"
        "See a security group.";
    UPDATE_SECURITY_GROUP "update_security_group"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Change a security group.";
    DELETE_SECURITY_GROUP "delete_security_group"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Remove a security group.";
    CREATE_SECURITY_GROUP_RULE "create_security_group_rule"
        "(rule:admin_only) or (role:member and rule:sg_owner)"
        "Add a rule to a security group.";
    GET_SECURITY_GROUP_RULE "get_security_group_rule"
        "(rule:admin_only) or (role:reader and rule:sg_owner)"
        "See a security group's rule.";
    UPDATE_SECURITY_GROUP_RULE "update_security_group_rule"
        "(rule:admin_only) or (role:member and rule:sg_owner)"
        "Change a rule's description.";
    DELETE_SECURITY_GROUP_RULE "delete_security_group_rule"
        "(rule:admin_only) or (role:member and rule:sg_owner)"
        "Take a rule from a security group.";
    CREATE_RBAC_POLICY "create_rbac_policy"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Make a policy that shares a thing.";
    GET_RBAC_POLICY "get_rbac_policy"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s)"
        "See a policy that shares a thing.";
    UPDATE_RBAC_POLICY "update_rbac_policy"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Change a policy that shares a thing.";
    DELETE_RBAC_POLICY "delete_rbac_policy"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Remove a policy that shares a thing.";
    CREATE_RBAC_POLICY_TARGET_TENANT "create_rbac_policy:target_tenant"
        "rule:admin_only or (not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*)"
        "Share a thing with everybody.";
    UPDATE_RBAC_POLICY_TARGET_TENANT "update_rbac_policy:target_tenant"
        "rule:admin_only or (not field:rbac_policy:target_tenant=* and not field:rbac_policy:target_project=*)"
        "Share a thing with everybody.";
    GET_AGENT "get_agent"
        "rule:admin_only"
        "See the agents.";
    UPDATE_AGENT "update_agent"
        "rule:admin_only"
        "Change an agent.";
    DELETE_AGENT "delete_agent"
        "rule:admin_only"
        "Forget an agent.";
    GET_AVAILABILITY_ZONE "get_availability_zone"
        "role:reader"
        "See the availability zones.";
    GET_QUOTA "get_quota"
        "(rule:admin_only) or (role:manager and project_id:%(project_id)s)"
        "See a project's quotas.";
    UPDATE_QUOTA "update_quota"
        "rule:admin_only"
        "Change a project's quotas.";
    DELETE_QUOTA "delete_quota"
        "rule:admin_only"
        "Give a project the default quotas.";
    GET_NETWORK_IP_AVAILABILITY "get_network_ip_availability"
        "(rule:admin_only) or (rule:service_api)"
        "See how many addresses are left.";
    CREATE_NETWORK_TAGS "create_network:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Add to the tags of a network."
        was "create_networks_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    GET_NETWORK_TAGS "get_network:tags"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared or rule:external or rule:context_is_advsvc"
        "See the tags of a network."
        was "get_networks_tags" "(rule:admin_only) or (role:reader and project_id:%(project_id)s)";
    UPDATE_NETWORK_TAGS "update_network:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Replace the tags of a network."
        was "update_networks_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    DELETE_NETWORK_TAGS "delete_network:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Take from the tags of a network."
        was "delete_networks_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    CREATE_SUBNET_TAGS "create_subnet:tags"
        "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)"
        "Add to the tags of a subnet."
        was "create_subnets_tags" "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)";
    GET_SUBNET_TAGS "get_subnet:tags"
        "role:reader and project_id:%(project_id)s or rule:shared or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner)"
        "See the tags of a subnet."
        was "get_subnets_tags" "role:reader and project_id:%(project_id)s or rule:shared or rule:external_network or (rule:admin_only) or (role:reader and rule:network_owner)";
    UPDATE_SUBNET_TAGS "update_subnet:tags"
        "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)"
        "Replace the tags of a subnet."
        was "update_subnets_tags" "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)";
    DELETE_SUBNET_TAGS "delete_subnet:tags"
        "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)"
        "Take from the tags of a subnet."
        was "delete_subnets_tags" "role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)";
    CREATE_SUBNETPOOL_TAGS "create_subnetpool:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Add to the tags of a subnet pool."
        was "create_subnetpools_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    GET_SUBNETPOOL_TAGS "get_subnetpool:tags"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_subnetpools"
        "See the tags of a subnet pool."
        was "get_subnetpools_tags" "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_subnetpools";
    UPDATE_SUBNETPOOL_TAGS "update_subnetpool:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Replace the tags of a subnet pool."
        was "update_subnetpools_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    DELETE_SUBNETPOOL_TAGS "delete_subnetpool:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Take from the tags of a subnet pool."
        was "delete_subnetpools_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    CREATE_PORT_TAGS "create_port:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc"
        "Add to the tags of a port."
        was "create_ports_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc";
    GET_PORT_TAGS "get_port:tags"
        "rule:context_is_advsvc or (rule:admin_only) or (role:reader and rule:network_owner) or role:reader and project_id:%(project_id)s"
        "See the tags of a port."
        was "get_ports_tags" "rule:context_is_advsvc or (rule:admin_only) or (role:reader and rule:network_owner) or role:reader and project_id:%(project_id)s";
    UPDATE_PORT_TAGS "update_port:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc"
        "Replace the tags of a port."
        was "update_ports_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s) or rule:context_is_advsvc";
    DELETE_PORT_TAGS "delete_port:tags"
        "rule:context_is_advsvc or role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)"
        "Take from the tags of a port."
        was "delete_ports_tags" "rule:context_is_advsvc or role:member and project_id:%(project_id)s or (rule:admin_only) or (role:member and rule:network_owner)";
    CREATE_ROUTER_TAGS "create_router:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Add to the tags of a router."
        was "create_routers_tags" "(rule:admin_only) or (role:manager and project_id:%(project_id)s)";
    GET_ROUTER_TAGS "get_router:tags"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s)"
        "See the tags of a router."
        was "get_routers_tags" "(rule:admin_only) or (role:reader and project_id:%(project_id)s)";
    UPDATE_ROUTER_TAGS "update_router:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Replace the tags of a router."
        was "update_routers_tags" "(rule:admin_only) or (role:manager and project_id:%(project_id)s)";
    DELETE_ROUTER_TAGS "delete_router:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Take from the tags of a router."
        was "delete_routers_tags" "(rule:admin_only) or (role:manager and project_id:%(project_id)s)";
    CREATE_FLOATINGIP_TAGS "create_floatingip:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Add to the tags of a floating IP."
        was "create_floatingips_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    GET_FLOATINGIP_TAGS "get_floatingip:tags"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s)"
        "See the tags of a floating IP."
        was "get_floatingips_tags" "(rule:admin_only) or (role:reader and project_id:%(project_id)s)";
    UPDATE_FLOATINGIP_TAGS "update_floatingip:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Replace the tags of a floating IP."
        was "update_floatingips_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    DELETE_FLOATINGIP_TAGS "delete_floatingip:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Take from the tags of a floating IP."
        was "delete_floatingips_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    CREATE_SECURITY_GROUP_TAGS "create_security_group:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Add to the tags of a security group."
        was "create_security_groups_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    GET_SECURITY_GROUP_TAGS "get_security_group:tags"
        "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_security_group"
        "See the tags of a security group."
        was "get_security_groups_tags" "(rule:admin_only) or (role:reader and project_id:%(project_id)s) or rule:shared_security_group";
    UPDATE_SECURITY_GROUP_TAGS "update_security_group:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Replace the tags of a security group."
        was "update_security_groups_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
    DELETE_SECURITY_GROUP_TAGS "delete_security_group:tags"
        "(rule:admin_only) or (role:member and project_id:%(project_id)s)"
        "Take from the tags of a security group."
        was "delete_security_groups_tags" "(rule:admin_only) or (role:member and project_id:%(project_id)s)";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_be_read_and_is_named_once() {
        policy::Policy::of(&[ALL]).unwrap();
        for (at, rule) in ALL.iter().enumerate() {
            assert!(ALL[at + 1..].iter().all(|other| other.name != rule.name), "{}", rule.name);
        }
    }
}
