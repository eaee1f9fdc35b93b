//! Calls decoded and answers encoded, a file a noun. No rule of the cloud is here.

pub mod action;
pub mod aggregate;
pub mod console;
pub mod extension;
pub mod flavor;
pub mod form;
pub mod group;
pub mod hypervisor;
pub mod interface;
pub mod keypair;
pub mod limits;
pub mod metadata;
pub mod page;
pub mod quota;
pub mod security_group;
pub mod server;
pub mod server_action;
pub mod server_create;
pub mod server_list;
pub mod server_view;
pub mod service;
pub mod tag;
pub mod usage;
pub mod version;
pub mod zone;

/// What every handler answers.
pub type Answered = Result<web::Answer, fault::Fault>;
