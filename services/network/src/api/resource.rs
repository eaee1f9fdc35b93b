//! What every noun's handlers have in common: bodies in, bodies out, lists.

use crate::Network;
use crate::model::attribute::{Noun, Wish};
use crate::model::faults;
use crate::model::listing::Listing;
use crate::ops::may::maker;
use crate::ops::shown::{Shown, bodies, shown, shown_one};
use fault::Fault;
use serde_json::{Map, Value};
use std::sync::Arc;
use store::Tx;
use web::{Answer, Ask, Cx};

/// The body as JSON. No body is `null`, which is an object to nobody.
pub async fn json(ask: &mut Ask) -> Result<Value, Fault> {
    let bytes = ask.bytes(web::ask::LARGEST_JSON).await?;
    if bytes.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_json::from_slice(&bytes).map_err(|error| faults::bad("Body contains invalid data").because(error))
}

fn single(noun: &Noun, listing: &Listing, body: Map<String, Value>) -> Value {
    Value::Object(Map::from_iter([(noun.one.to_owned(), Value::Object(listing.chosen(body)))]))
}

/// The body of one thing as the caller may see it.
fn body_of<B: Shown>(tx: &Tx, cx: &Cx, thing: B) -> Result<Map<String, Value>, Fault> {
    Ok(bodies(tx, cx, &[thing])?.pop().unwrap_or_default())
}

/// Answers a list of what `read` finds and the caller may see.
pub async fn list<B, F>(network: Arc<Network>, ask: Ask, read: F) -> Result<Answer, Fault>
where
    B: Shown + Send + 'static,
    F: Fn(&Network, &Tx, &Cx, &Listing) -> Result<Vec<B>, Fault> + Send + 'static,
{
    let noun = B::NOUN;
    let listing = Listing::of(noun, &ask.query)?;
    let (cx, service, narrowed) = (ask.cx.clone(), network.clone(), listing.clone());
    let found = network.db.read(move |tx| {
        let things = shown(tx, &cx, read(&service, tx, &cx, &narrowed)?)?;
        bodies(tx, &cx, &things)
    });
    let bodies = found.await?;
    let url = ask.cx.url(&ask.path);
    Ok(Answer::ok(&listing.page(noun, &url, bodies)?))
}

/// Answers one thing, if the caller may see it.
pub async fn show<B, F>(network: Arc<Network>, ask: Ask, read: F) -> Result<Answer, Fault>
where
    B: Shown + Send + 'static,
    F: Fn(&Network, &Tx, &Cx, &str) -> Result<B, Fault> + Send + 'static,
{
    let listing = Listing::fields_of(&ask.query);
    let (cx, service, id) = (ask.cx.clone(), network.clone(), ask.id("id").to_owned());
    let found = network.db.read(move |tx| {
        let thing = shown_one(tx, &cx, read(&service, tx, &cx, &id)?)?;
        body_of(tx, &cx, thing)
    });
    Ok(Answer::ok(&single(B::NOUN, &listing, found.await?)))
}

/// Makes one thing, or many at once or none of them.
pub async fn create<B, F>(network: Arc<Network>, ask: Ask, make: F) -> Result<Answer, Fault>
where
    B: Shown + Send + 'static,
    F: Fn(&Network, &Tx, &Cx, &Wish) -> Result<B, Fault> + Send + 'static,
{
    create_checked(network, ask, |_| Ok(()), make).await
}

/// As [`create`], after a look at the whole request.
pub async fn create_checked<B, F>(
    network: Arc<Network>,
    mut ask: Ask,
    check: fn(&[Wish]) -> Result<(), Fault>,
    make: F,
) -> Result<Answer, Fault>
where
    B: Shown + Send + 'static,
    F: Fn(&Network, &Tx, &Cx, &Wish) -> Result<B, Fault> + Send + 'static,
{
    let body = json(&mut ask).await?;
    let (wishes, bulk) = B::NOUN.creates(&body, maker(&ask.cx))?;
    check(&wishes)?;
    let (cx, service) = (ask.cx.clone(), network.clone());
    let made = network.db.write(move |tx| {
        let made = wishes.iter().map(|wish| make(&service, tx, &cx, wish)).collect::<Result<Vec<_>, _>>()?;
        bodies(tx, &cx, &made)
    });
    let bodies = made.await?.into_iter().map(Value::Object);
    let (name, value) = match bulk {
        true => (B::NOUN.many, Value::Array(bodies.collect())),
        false => (B::NOUN.one, bodies.into_iter().next().unwrap_or_default()),
    };
    Ok(Answer::json(201, &Map::from_iter([(name.to_owned(), value)])))
}

/// Changes one thing.
pub async fn update<B, F>(network: Arc<Network>, mut ask: Ask, change: F) -> Result<Answer, Fault>
where
    B: Shown + Send + 'static,
    F: Fn(&Network, &Tx, &Cx, &str, &Wish) -> Result<B, Fault> + Send + 'static,
{
    let body = json(&mut ask).await?;
    let wish = B::NOUN.update(&body, maker(&ask.cx))?;
    let (cx, service, id) = (ask.cx.clone(), network.clone(), ask.id("id").to_owned());
    let changed = network.db.write(move |tx| {
        let thing = change(&service, tx, &cx, &id, &wish)?;
        body_of(tx, &cx, thing)
    });
    Ok(Answer::ok(&single(B::NOUN, &Listing::default(), changed.await?)))
}

/// Removes one thing.
pub async fn delete<F>(network: Arc<Network>, ask: Ask, remove: F) -> Result<Answer, Fault>
where
    F: Fn(&Network, &Tx, &Cx, &str) -> Result<(), Fault> + Send + 'static,
{
    let (cx, service, id) = (ask.cx.clone(), network.clone(), ask.id("id").to_owned());
    network.db.write(move |tx| remove(&service, tx, &cx, &id)).await?;
    Ok(Answer::empty(204))
}

/// Changes one thing by something else than its attributes.
pub async fn change<B, F>(network: Arc<Network>, ask: Ask, change: F) -> Result<Answer, Fault>
where
    B: Shown + Send + 'static,
    F: Fn(&Network, &Tx, &Cx, &str) -> Result<B, Fault> + Send + 'static,
{
    let (cx, service, id) = (ask.cx.clone(), network.clone(), ask.id("id").to_owned());
    let changed = network.db.write(move |tx| {
        let thing = change(&service, tx, &cx, &id)?;
        body_of(tx, &cx, thing)
    });
    Ok(Answer::ok(&single(B::NOUN, &Listing::default(), changed.await?)))
}
