//! Identity alone on a port, in memory: what `conformance/identity/compare.py` compares with Keystone.
//!
//! `serve ADDRESS PASSWORD ISSUER`: prints where it is once it is there; the users `admin` and `demo` have that password.
//! What a provider of OpenID Connect at ISSUER says of people counts for each of [`VOUCHING`].

use identity::bootstrap::{FirstPasswords, Offer};
use identity::hashing::{Hashing, LOWEST_COST};
use identity::model::password::Scheme;
use identity::oidc::Relation;
use identity::settings::{Federation, Settings};
use identity::{Identity, Parts, rules};
use kernel::{Clock, Entropy};
use policy::Policy;
use std::error::Error;
use std::io::Write;
use std::sync::Arc;
use store::Db;

const OFFERS: &[Offer] = &[Offer { kind: "identity", name: "keystone", path: "/identity/v3" }];

/// Identity providers and their protocols, by their names.
const VOUCHING: &[(&str, &str)] =
    &[("harbour", "openid"), ("harbour", "mapped"), ("ferry", "openid"), ("ferry", "mapped")];

fn relying_on(issuer: &str) -> Federation {
    let relation = |(identity_provider, protocol): &(&str, &str)| Relation {
        identity_provider: (*identity_provider).to_owned(),
        protocol: (*protocol).to_owned(),
        issuer: issuer.to_owned(),
        client_id: "cloud".to_owned(),
        client_secret: "secret".to_owned().into(),
        audiences: Vec::new(),
        scopes: "openid".to_owned(),
        remote_user_claim: "sub".to_owned(),
        ca_file: None,
    };
    Federation { relations: VOUCHING.iter().map(relation).collect(), ..Federation::default() }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(password), Some(issuer)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        return Err("usage: serve ADDRESS PASSWORD ISSUER".into());
    };
    let (clock, entropy) = (Clock::system(), Entropy::system()?);
    let db = Db::open_memory(store::Parts { clock: clock.clone(), entropy: entropy.clone() })?;
    let hashing = Hashing::start(1, Scheme::Bcrypt(LOWEST_COST), entropy.clone())?;
    let settings = Settings { federation: relying_on(&issuer), ..Settings::default() };
    let identity = Identity::new(Parts { db, hashing, settings })?;
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
