//! Identity alone on a port, in memory: what `conformance/identity/compare.py` compares with Keystone.
//!
//! `serve ADDRESS PASSWORD`: prints where it is once it is there; the users `admin` and `demo` have that password.

use identity::bootstrap::{FirstPasswords, Offer};
use identity::hashing::{Hashing, LOWEST_COST};
use identity::model::password::Scheme;
use identity::settings::Settings;
use identity::{Identity, Parts, rules};
use kernel::{Clock, Entropy};
use policy::Policy;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use store::Db;

const OFFERS: &[Offer] = &[Offer { kind: "identity", name: "keystone", path: "/identity/v3" }];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(password)) = (arguments.next(), arguments.next()) else {
        return Err("usage: serve ADDRESS PASSWORD".into());
    };
    let (clock, entropy) = (Clock::system(), Entropy::system()?);
    let db = Db::open_memory(store::Parts { clock: clock.clone(), entropy: entropy.clone() })?;
    let hashing = Hashing::start(1, Scheme::Bcrypt(LOWEST_COST), entropy.clone())?;
    let identity = Identity::new(Parts { db, hashing, settings: Settings::default() })?;
    let public = format!("http://{address}");
    let passwords = FirstPasswords { admin: password.clone().into(), demo: password.into() };
    identity.bootstrap(&public, "RegionOne", OFFERS, &passwords)?;
    let policy = Arc::new(Policy::of(&[rules::ALL])?);
    let site = web::Site::new(&public, identity.clone(), policy, clock, entropy)
        .mount("/identity", identity.surface().mounted()?)
        .mount("", identity.surface().mounted()?);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    writeln!(std::io::stdout(), "{public}/identity/v3")?;
    Arc::new(site).serve(listener, None, std::future::pending()).await;
    Ok(())
}
