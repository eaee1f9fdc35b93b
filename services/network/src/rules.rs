//! Who may do what, in Neutron's names with its current defaults.
//!
//! Neutron asks its database from inside of rules (`rule:network_owner`, `field:networks:shared=True`); here the target
//! carries the answers: `network_project_id`, `network_shared`, `network_device`, `held_device` (a server's), `group_project_id`, `everybody`.

use policy::Rule;

/// The rule of that name, for rules whose names are put together (`create_port:fixed_ips`).
pub fn named(name: &str) -> Option<&'static Rule> {
    ALL.iter().find(|rule| rule.name == name)
}

policy::rules! {
    network;
    CREATE_NETWORK "create_network"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Make a network.";
    GET_NETWORK "get_network"
        "(role:admin) or (role:reader and project_id:%(project_id)s) or role:service or True:%(shared)s or True:%(external)s"
        "See a network.";
    UPDATE_NETWORK "update_network"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Change a network.";
    DELETE_NETWORK "delete_network"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Remove a network.";
    CREATE_NETWORK_SHARED "create_network:shared"
        "role:admin"
        "Share a network with everybody when it is made.";
    CREATE_NETWORK_ROUTER_EXTERNAL "create_network:router:external"
        "role:admin"
        "Make a network external when it is made.";
    CREATE_NETWORK_IS_DEFAULT "create_network:is_default"
        "role:admin"
        "Make an external network the default when it is made.";
    CREATE_NETWORK_PROVIDER_NETWORK_TYPE "create_network:provider:network_type"
        "role:admin"
        "Choose how a network is realised when it is made.";
    CREATE_NETWORK_PROVIDER_PHYSICAL_NETWORK "create_network:provider:physical_network"
        "role:admin"
        "Choose a network's physical network when it is made.";
    CREATE_NETWORK_PROVIDER_SEGMENTATION_ID "create_network:provider:segmentation_id"
        "role:admin"
        "Choose a network's segment when it is made.";
    CREATE_NETWORK_PORT_SECURITY_ENABLED "create_network:port_security_enabled"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Choose what a network's ports have of port security.";
    UPDATE_NETWORK_SHARED "update_network:shared"
        "role:admin"
        "Share a network with everybody.";
    UPDATE_NETWORK_ROUTER_EXTERNAL "update_network:router:external"
        "role:admin"
        "Make a network external.";
    UPDATE_NETWORK_IS_DEFAULT "update_network:is_default"
        "role:admin"
        "Make an external network the default.";
    UPDATE_NETWORK_PROVIDER_NETWORK_TYPE "update_network:provider:network_type"
        "role:admin"
        "Choose how a network is realised.";
    UPDATE_NETWORK_PROVIDER_PHYSICAL_NETWORK "update_network:provider:physical_network"
        "role:admin"
        "Choose a network's physical network.";
    UPDATE_NETWORK_PROVIDER_SEGMENTATION_ID "update_network:provider:segmentation_id"
        "role:admin"
        "Choose a network's segment.";
    UPDATE_NETWORK_PORT_SECURITY_ENABLED "update_network:port_security_enabled"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Choose what a network's ports have of port security.";
    GET_NETWORK_PROVIDER_NETWORK_TYPE "get_network:provider:network_type"
        "role:admin"
        "See how a network is realised.";
    GET_NETWORK_PROVIDER_PHYSICAL_NETWORK "get_network:provider:physical_network"
        "role:admin"
        "See how a network is realised.";
    GET_NETWORK_PROVIDER_SEGMENTATION_ID "get_network:provider:segmentation_id"
        "role:admin"
        "See how a network is realised.";
    CREATE_SUBNET "create_subnet"
        "(role:admin) or (role:member and project_id:%(network_project_id)s)"
        "Make a subnet.";
    GET_SUBNET "get_subnet"
        "(role:admin) or role:service or (role:reader and project_id:%(project_id)s) or (role:reader and project_id:%(network_project_id)s) or True:%(network_shared)s or True:%(external)s"
        "See a subnet.";
    UPDATE_SUBNET "update_subnet"
        "(role:admin) or (role:member and project_id:%(project_id)s) or (role:member and project_id:%(network_project_id)s)"
        "Change a subnet.";
    DELETE_SUBNET "delete_subnet"
        "(role:admin) or (role:member and project_id:%(project_id)s) or (role:member and project_id:%(network_project_id)s)"
        "Remove a subnet.";
    CREATE_SUBNET_SERVICE_TYPES "create_subnet:service_types"
        "role:admin"
        "Keep a subnet for some owners of ports.";
    UPDATE_SUBNET_SERVICE_TYPES "update_subnet:service_types"
        "role:admin"
        "Keep a subnet for some owners of ports.";
    CREATE_SUBNETPOOL "create_subnetpool"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Make a subnet pool.";
    GET_SUBNETPOOL "get_subnetpool"
        "(role:admin) or (role:reader and project_id:%(project_id)s) or True:%(shared)s"
        "See a subnet pool.";
    UPDATE_SUBNETPOOL "update_subnetpool"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Change a subnet pool.";
    DELETE_SUBNETPOOL "delete_subnetpool"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Remove a subnet pool.";
    CREATE_SUBNETPOOL_SHARED "create_subnetpool:shared"
        "role:admin"
        "Share a subnet pool with everybody.";
    CREATE_SUBNETPOOL_IS_DEFAULT "create_subnetpool:is_default"
        "role:admin"
        "Make a subnet pool the default.";
    UPDATE_SUBNETPOOL_IS_DEFAULT "update_subnetpool:is_default"
        "role:admin"
        "Make a subnet pool the default.";
    CREATE_PORT "create_port"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s) or True:%(network_shared)s"
        "Make a port.";
    GET_PORT "get_port"
        "(role:admin) or role:service or (role:reader and project_id:%(network_project_id)s) or (role:reader and project_id:%(project_id)s)"
        "See a port.";
    UPDATE_PORT "update_port"
        "(role:admin) or role:service or (role:member and project_id:%(project_id)s)"
        "Change a port.";
    DELETE_PORT "delete_port"
        "(role:admin) or role:service or (not True:%(held_device)s and ((role:member and project_id:%(network_project_id)s) or (role:member and project_id:%(project_id)s)))"
        "Remove a port.";
    CREATE_PORT_DEVICE_ID "create_port:device_id"
        "(role:admin) or role:service or (role:member and project_id:%(project_id)s)"
        "Say what a port serves.";
    CREATE_PORT_DEVICE_OWNER "create_port:device_owner"
        "not True:%(network_device)s or (role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Say who serves with a port.";
    CREATE_PORT_MAC_ADDRESS "create_port:mac_address"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Choose a port's MAC address.";
    CREATE_PORT_FIXED_IPS "create_port:fixed_ips"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s) or True:%(network_shared)s"
        "Choose a port's addresses.";
    CREATE_PORT_FIXED_IPS_IP_ADDRESS "create_port:fixed_ips:ip_address"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Choose a port's very address.";
    CREATE_PORT_FIXED_IPS_SUBNET_ID "create_port:fixed_ips:subnet_id"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s) or True:%(network_shared)s"
        "Choose a port's subnet.";
    CREATE_PORT_PORT_SECURITY_ENABLED "create_port:port_security_enabled"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Switch a port's security off or on.";
    CREATE_PORT_BINDING_HOST_ID "create_port:binding:host_id"
        "(role:admin) or (role:service)"
        "Bind a port to a host.";
    CREATE_PORT_BINDING_PROFILE "create_port:binding:profile"
        "role:service"
        "Give a port's binding its profile.";
    CREATE_PORT_BINDING_VNIC_TYPE "create_port:binding:vnic_type"
        "(role:admin) or role:service or (role:member and project_id:%(project_id)s)"
        "Choose a port's sort of interface.";
    CREATE_PORT_ALLOWED_ADDRESS_PAIRS "create_port:allowed_address_pairs"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Let a port use further addresses.";
    CREATE_PORT_ALLOWED_ADDRESS_PAIRS_MAC_ADDRESS "create_port:allowed_address_pairs:mac_address"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Let a port use further addresses.";
    CREATE_PORT_ALLOWED_ADDRESS_PAIRS_IP_ADDRESS "create_port:allowed_address_pairs:ip_address"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Let a port use further addresses.";
    UPDATE_PORT_DEVICE_ID "update_port:device_id"
        "(role:admin) or role:service or (role:member and project_id:%(project_id)s)"
        "Say what a port serves.";
    UPDATE_PORT_DEVICE_OWNER "update_port:device_owner"
        "not True:%(network_device)s or (role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Say who serves with a port.";
    UPDATE_PORT_MAC_ADDRESS "update_port:mac_address"
        "(role:admin) or (role:service) or (role:manager and project_id:%(network_project_id)s)"
        "Choose a port's MAC address.";
    UPDATE_PORT_FIXED_IPS "update_port:fixed_ips"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Choose a port's addresses.";
    UPDATE_PORT_FIXED_IPS_IP_ADDRESS "update_port:fixed_ips:ip_address"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Choose a port's very address.";
    UPDATE_PORT_FIXED_IPS_SUBNET_ID "update_port:fixed_ips:subnet_id"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s) or True:%(network_shared)s"
        "Choose a port's subnet.";
    UPDATE_PORT_PORT_SECURITY_ENABLED "update_port:port_security_enabled"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Switch a port's security off or on.";
    UPDATE_PORT_BINDING_HOST_ID "update_port:binding:host_id"
        "(role:admin) or (role:service)"
        "Bind a port to a host.";
    UPDATE_PORT_BINDING_PROFILE "update_port:binding:profile"
        "role:service"
        "Give a port's binding its profile.";
    UPDATE_PORT_BINDING_VNIC_TYPE "update_port:binding:vnic_type"
        "(role:admin) or role:service or (role:member and project_id:%(project_id)s)"
        "Choose a port's sort of interface.";
    UPDATE_PORT_ALLOWED_ADDRESS_PAIRS "update_port:allowed_address_pairs"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Let a port use further addresses.";
    UPDATE_PORT_ALLOWED_ADDRESS_PAIRS_MAC_ADDRESS "update_port:allowed_address_pairs:mac_address"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Let a port use further addresses.";
    UPDATE_PORT_ALLOWED_ADDRESS_PAIRS_IP_ADDRESS "update_port:allowed_address_pairs:ip_address"
        "(role:admin) or (role:service) or (role:member and project_id:%(network_project_id)s)"
        "Let a port use further addresses.";
    GET_PORT_BINDING_VIF_TYPE "get_port:binding:vif_type"
        "(role:admin) or (role:service)"
        "See where a port is bound.";
    GET_PORT_BINDING_VIF_DETAILS "get_port:binding:vif_details"
        "(role:admin) or (role:service)"
        "See where a port is bound.";
    GET_PORT_BINDING_HOST_ID "get_port:binding:host_id"
        "(role:admin) or (role:service)"
        "See where a port is bound.";
    GET_PORT_BINDING_PROFILE "get_port:binding:profile"
        "(role:admin) or (role:service)"
        "See where a port is bound.";
    CREATE_ROUTER "create_router"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Make a router.";
    GET_ROUTER "get_router"
        "(role:admin) or (role:reader and project_id:%(project_id)s)"
        "See a router.";
    UPDATE_ROUTER "update_router"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Change a router.";
    DELETE_ROUTER "delete_router"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Remove a router.";
    CREATE_ROUTER_HA "create_router:ha"
        "role:admin"
        "Choose whether a router is highly available.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO "create_router:external_gateway_info"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Give a router its way out.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO_NETWORK_ID "create_router:external_gateway_info:network_id"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Choose a router's external network.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO_ENABLE_SNAT "create_router:external_gateway_info:enable_snat"
        "role:admin"
        "Choose whether a router hides tenants' addresses.";
    CREATE_ROUTER_EXTERNAL_GATEWAY_INFO_EXTERNAL_FIXED_IPS "create_router:external_gateway_info:external_fixed_ips"
        "role:admin"
        "Choose a router's addresses outside.";
    UPDATE_ROUTER_HA "update_router:ha"
        "role:admin"
        "Choose whether a router is highly available.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO "update_router:external_gateway_info"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Give a router its way out.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO_NETWORK_ID "update_router:external_gateway_info:network_id"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Choose a router's external network.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO_ENABLE_SNAT "update_router:external_gateway_info:enable_snat"
        "role:admin"
        "Choose whether a router hides tenants' addresses.";
    UPDATE_ROUTER_EXTERNAL_GATEWAY_INFO_EXTERNAL_FIXED_IPS "update_router:external_gateway_info:external_fixed_ips"
        "role:admin"
        "Choose a router's addresses outside.";
    GET_ROUTER_DISTRIBUTED "get_router:distributed"
        "role:admin"
        "See whether a router is distributed.";
    GET_ROUTER_HA "get_router:ha"
        "role:admin"
        "See whether a router is highly available.";
    ADD_ROUTER_INTERFACE "add_router_interface"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Connect a router.";
    REMOVE_ROUTER_INTERFACE "remove_router_interface"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Disconnect a router.";
    ADD_EXTRAROUTES "add_extraroutes"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Add routes to a router.";
    REMOVE_EXTRAROUTES "remove_extraroutes"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Take routes from a router.";
    CREATE_FLOATINGIP "create_floatingip"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Make a floating IP.";
    GET_FLOATINGIP "get_floatingip"
        "(role:admin) or (role:reader and project_id:%(project_id)s)"
        "See a floating IP.";
    UPDATE_FLOATINGIP "update_floatingip"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Change a floating IP.";
    DELETE_FLOATINGIP "delete_floatingip"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Remove a floating IP.";
    CREATE_FLOATINGIP_FLOATING_IP_ADDRESS "create_floatingip:floating_ip_address"
        "(role:admin) or (role:manager and project_id:%(project_id)s)"
        "Choose a floating IP's address.";
    CREATE_SECURITY_GROUP "create_security_group"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Make a security group.";
    GET_SECURITY_GROUP "get_security_group"
        "(role:admin) or (role:reader and project_id:%(project_id)s) or True:%(shared)s"
        "See a security group.";
    UPDATE_SECURITY_GROUP "update_security_group"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Change a security group.";
    DELETE_SECURITY_GROUP "delete_security_group"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Remove a security group.";
    CREATE_SECURITY_GROUP_RULE "create_security_group_rule"
        "(role:admin) or (role:member and project_id:%(group_project_id)s)"
        "Add a rule to a security group.";
    GET_SECURITY_GROUP_RULE "get_security_group_rule"
        "(role:admin) or (role:reader and project_id:%(group_project_id)s) or (role:reader and project_id:%(project_id)s)"
        "See a security group's rule.";
    UPDATE_SECURITY_GROUP_RULE "update_security_group_rule"
        "(role:admin) or (role:member and project_id:%(group_project_id)s)"
        "Change a rule's description.";
    DELETE_SECURITY_GROUP_RULE "delete_security_group_rule"
        "(role:admin) or (role:member and project_id:%(group_project_id)s)"
        "Take a rule from a security group.";
    CREATE_RBAC_POLICY "create_rbac_policy"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Make a policy that shares a thing.";
    GET_RBAC_POLICY "get_rbac_policy"
        "(role:admin) or (role:reader and project_id:%(project_id)s)"
        "See a policy that shares a thing.";
    UPDATE_RBAC_POLICY "update_rbac_policy"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Change a policy that shares a thing.";
    DELETE_RBAC_POLICY "delete_rbac_policy"
        "(role:admin) or (role:member and project_id:%(project_id)s)"
        "Remove a policy that shares a thing.";
    CREATE_RBAC_POLICY_TARGET_TENANT "create_rbac_policy:target_tenant"
        "role:admin or not True:%(everybody)s"
        "Share a thing with everybody.";
    UPDATE_RBAC_POLICY_TARGET_TENANT "update_rbac_policy:target_tenant"
        "role:admin or not True:%(everybody)s"
        "Share a thing with everybody.";
    GET_AGENT "get_agent"
        "role:admin"
        "See the agents.";
    UPDATE_AGENT "update_agent"
        "role:admin"
        "Change an agent.";
    DELETE_AGENT "delete_agent"
        "role:admin"
        "Forget an agent.";
    GET_AVAILABILITY_ZONE "get_availability_zone"
        "role:reader"
        "See the availability zones.";
    GET_QUOTA "get_quota"
        "(role:admin) or (role:manager and project_id:%(project_id)s)"
        "See a project's quotas.";
    UPDATE_QUOTA "update_quota"
        "role:admin"
        "Change a project's quotas.";
    DELETE_QUOTA "delete_quota"
        "role:admin"
        "Give a project the default quotas.";
    GET_NETWORK_IP_AVAILABILITY "get_network_ip_availability"
        "(role:admin) or (role:service)"
        "See how many addresses are left.";
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
