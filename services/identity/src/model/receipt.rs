//! A receipt: what somebody has proved so far who has to prove more. Packed as Keystone packs it.

use super::msgpack::{self, Writer};
use super::token::{method_bits, methods};
use kernel::Micros;
use std::time::Duration;

/// How long somebody may take to prove the rest.
pub const LIFE: Duration = Duration::from_secs(300);

/// What a receipt says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Who proved something.
    pub user_id: String,
    /// How.
    pub methods: Vec<String>,
    /// When it ends.
    pub expires_at: Micros,
}

impl Receipt {
    /// Packs it.
    pub fn pack(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(32));
        out.list(3);
        out.id(&self.user_id);
        out.number(method_bits(&self.methods));
        out.moment(self.expires_at);
        out.0
    }

    /// Unpacks it; `None` if it is something else, as what a token says.
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut all = msgpack::items(bytes)?;
        let user_id = all.next()?.id()?;
        let methods = methods(all.next()?.number()?);
        let expires_at = all.next()?.moment()?;
        all.next().is_none().then_some(Self { user_id, methods, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::token::{Payload, Scope};

    #[test]
    fn a_receipt_is_no_token() {
        let receipt = Receipt {
            user_id: "0123456789abcdef0123456789abcdef".into(),
            methods: vec!["password".into()],
            expires_at: Micros(1_795_222_619_000_000),
        };
        assert_eq!(Receipt::unpack(&receipt.pack()), Some(receipt.clone()));
        assert_eq!(Payload::unpack(&receipt.pack()), None);
        let Receipt { user_id, methods, expires_at } = receipt;
        let (scope, audit_ids, delegation) = (Scope::Unscoped, Vec::new(), None);
        let token = Payload { user_id, methods, scope, expires_at, audit_ids, delegation };
        assert_eq!(Receipt::unpack(&token.pack()), None);
    }
}
