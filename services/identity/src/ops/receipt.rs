//! Receipts: whoever has to prove more than one thing gets one for what is proved, and shows it with the rest.

use super::proof::Proved;
use super::token::{fernet_open, fernet_seal, unauthenticated};
use crate::model::factors;
use crate::model::project::Project;
use crate::model::receipt::{LIFE, Receipt};
use crate::model::user::User;
use crate::ops::expand::owner;
use ::store::Tx;
use fault::{Fault, Kind};
use kernel::Micros;
use serde_json::{Value, json};

/// What somebody is given who has proved a part.
#[derive(Debug)]
pub struct Begun {
    /// What is to be shown with the rest.
    pub text: String,
    receipt: Receipt,
    issued_at: Micros,
    user: User,
    domain: Project,
}

impl Begun {
    /// As the API writes it, with what is still to be proved.
    pub fn body(&self) -> Value {
        let domain = json!({"id": self.domain.id, "name": self.domain.name});
        json!({
            "receipt": {
                "methods": self.receipt.methods,
                "user": {"id": self.user.id, "name": self.user.name, "domain": domain},
                "expires_at": self.receipt.expires_at.micros_z(),
                "issued_at": self.issued_at.micros_z(),
            },
            "required_auth_methods": factors::begun(&self.user, &self.receipt.methods),
        })
    }
}

/// What was proved, with what a receipt says that the user shows; a new receipt for it if that is not enough.
pub(super) fn part_proved(
    tx: &Tx,
    user: &User,
    receipt: Option<&str>,
    proved: &mut Proved,
) -> Result<Option<Begun>, Fault> {
    if let Some(text) = receipt {
        receipt_add(tx, text, user, proved)?;
    }
    if factors::enough(user, &proved.methods) { Ok(None) } else { begin(tx, user, &proved.methods).map(Some) }
}

/// What a receipt says counts as proved. What ends tokens ends receipts.
fn receipt_add(tx: &Tx, text: &str, user: &User, proved: &mut Proved) -> Result<(), Fault> {
    let opened = fernet_open(tx, text)?;
    let receipt = opened.and_then(|(bytes, issued_at)| Some((Receipt::unpack(&bytes)?, issued_at)));
    let (receipt, _) = receipt
        .filter(|(receipt, issued_at)| {
            receipt.user_id == user.id && receipt.expires_at > tx.now() && *issued_at >= user.valid_since
        })
        .ok_or_else(|| Fault::new(Kind::Unauthenticated, format!("Could not find auth receipt: {text}.")))?;
    proved.also_by(&receipt.methods);
    Ok(())
}

/// A receipt for what was proved.
fn begin(tx: &Tx, user: &User, methods: &[String]) -> Result<Begun, Fault> {
    let (user, domain) = owner(tx, &user.id)?.ok_or_else(unauthenticated)?;
    let issued_at = tx.now().whole_seconds().max(user.valid_since);
    let expires_at = issued_at.plus(LIFE);
    let receipt = Receipt { user_id: user.id.clone(), methods: methods.to_vec(), expires_at };
    let text = fernet_seal(tx, issued_at, &receipt.pack())?;
    Ok(Begun { text, receipt, issued_at, user, domain })
}
