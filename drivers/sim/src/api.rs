//! `/sim`: faults, states to return to, and the clock, for administrators of a simulated cloud.

use crate::control::Control;
pub use crate::door::OWN;
use crate::faults::{Asked, Rule, object};
use crate::pace::END;
use crate::timing::Timing;
use async_trait::async_trait;
use fault::{Fault, Kind};
use policy::Target;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use web::{Answer, Ask, Cx, Routes, Surface, op, status_and_title};

policy::rules! {
    simulation [ANY];
    CONTROL "sim:control" "role:admin" "Make faults, move the clock, return to an earlier state.";
}

/// The state that a reset returns to.
pub const SEED: &str = "seed";

/// The cloud around the simulated hosts, as far as the simulation steers it.
#[async_trait]
pub trait Cloud: Send + Sync + 'static {
    /// Keeps the state of the whole cloud under a name.
    async fn keep(&self, name: &str) -> Result<(), Fault>;
    /// The names of states that are kept.
    async fn kept(&self) -> Result<Vec<String>, Fault>;
    /// Forgets a state; says whether it was there.
    async fn forget(&self, name: &str) -> Result<bool, Fault>;
    /// Returns to a state, on a new timeline; answers the timeline. With [`SEED`] go faults and a held clock
    /// ([`Control::settle`]), but not before it is certain that there is a way back.
    async fn put_back(&self, name: &str) -> Result<i64, Fault>;
    /// The clock has moved.
    fn clock_moved(&self);
}

/// What steers a simulated cloud.
pub struct Simulation {
    control: Control,
    cloud: OnceLock<Arc<dyn Cloud>>,
}

impl Simulation {
    /// Before the cloud is put together.
    pub fn new(control: Control) -> Arc<Self> {
        Arc::new(Self { control, cloud: OnceLock::new() })
    }

    /// What steers the hosts.
    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The cloud is there from now on.
    pub fn begin(&self, cloud: Arc<dyn Cloud>) {
        // Said once, when the cloud starts.
        let _ = self.cloud.set(cloud);
    }

    fn cloud(&self) -> Result<&Arc<dyn Cloud>, Fault> {
        self.cloud.get().ok_or_else(|| Fault::unavailable("The cloud starts. Try again in a moment."))
    }
}

/// The table.
pub fn routes() -> Routes<Simulation> {
    Routes::new()
        .get("/", op("version_show", version_show).open("discovery comes before a token"))
        .get("/faults", op("fault_list", fault_list).rule(&CONTROL))
        .post("/faults", op("fault_create", fault_create).rule(&CONTROL))
        .delete("/faults", op("fault_clear", fault_clear).rule(&CONTROL))
        .get("/faults/{id}", op("fault_show", fault_show).rule(&CONTROL))
        .delete("/faults/{id}", op("fault_delete", fault_delete).rule(&CONTROL))
        .post("/reset", op("reset", reset).rule(&CONTROL))
        .post("/snapshot", op("snapshot_create", snapshot_create).rule(&CONTROL))
        .get("/snapshots", op("snapshot_list", snapshot_list).rule(&CONTROL))
        .delete("/snapshots/{name}", op("snapshot_delete", snapshot_delete).rule(&CONTROL))
        .post("/restore", op("restore", restore).rule(&CONTROL))
        .get("/clock", op("clock_show", clock_show).rule(&CONTROL))
        .post("/clock", op("clock_set", clock_set).rule(&CONTROL))
}

/// The API.
pub fn surface(service: Arc<Simulation>) -> Surface<Simulation> {
    Surface {
        name: OWN,
        service,
        routes: routes(),
        microversions: None,
        envelope,
        refusal: |rule| Fault::forbidden(format!("{rule} is for administrators.")),
        spelling: |path| path.into(),
        head_is_get: true,
        request_id_header: None,
    }
}

fn envelope(fault: &Fault, _: &Cx) -> Answer {
    let (status, title) = status_and_title(fault.kind);
    let message = if fault.kind == Kind::Bug { "This is a bug; the log has more." } else { fault.public() };
    Answer::json(status, &json!({"error": {"code": status, "title": title, "message": message}}))
}

fn may(ask: &Ask) -> Result<(), Fault> {
    ask.cx.may(&CONTROL, &Target::none())
}

async fn version_show(_: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    let links = json!([{"rel": "self", "href": ask.cx.url("/")}]);
    Ok(Answer::ok(&json!({"version": {"id": "v1.0", "status": "CURRENT", "links": links}})))
}

fn shown(rule: &Rule) -> Value {
    let mut shown = json!(rule);
    shown["created_at"] = rule.made_at.seconds_z().into();
    shown
}

fn no_fault(id: &str) -> Fault {
    Fault::not_found(format!("There is no fault {id}."))
}

async fn fault_list(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    let rules: Vec<Value> = simulation.control.faults().list().iter().map(shown).collect();
    Ok(Answer::ok(&json!({"faults": rules})))
}

async fn fault_create(simulation: Arc<Simulation>, mut ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        #[serde(deserialize_with = "object")]
        fault: Asked,
    }
    let Body { fault } = ask.read().await?;
    let rule = simulation.control.fault_add(fault).map_err(Fault::bad_input)?;
    Ok(Answer::json(201, &json!({"fault": shown(&rule)})))
}

async fn fault_show(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    let rules = simulation.control.faults().list();
    let rule = rules.iter().find(|rule| rule.id == ask.id("id")).ok_or_else(|| no_fault(ask.id("id")))?;
    Ok(Answer::ok(&json!({"fault": shown(rule)})))
}

async fn fault_delete(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    let id = ask.id("id");
    if simulation.control.fault_remove(id) { Ok(Answer::empty(204)) } else { Err(no_fault(id)) }
}

async fn fault_clear(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    for rule in simulation.control.faults().list() {
        simulation.control.fault_remove(&rule.id);
    }
    Ok(Answer::empty(204))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

/// A name that may become one of a directory.
async fn name(ask: &mut Ask) -> Result<String, Fault> {
    let Named { name } = ask.read().await?;
    let fits = |one: char| one.is_ascii_alphanumeric() || matches!(one, '-' | '_');
    let plain = !name.is_empty() && name.len() <= 60 && name.chars().all(fits);
    if plain {
        Ok(name)
    } else {
        Err(Fault::bad_input("A name has letters, digits, dashes and underscores."))
    }
}

async fn returned(simulation: &Simulation, name: &str) -> Result<Answer, Fault> {
    let began = Instant::now();
    let timeline = simulation.cloud()?.put_back(name).await?;
    // How long it really took is different each time.
    let took = if simulation.control.pace().is_some() { Duration::ZERO } else { began.elapsed() };
    let seconds = (took.as_secs_f64() * 1e4).round() / 1e4;
    Ok(Answer::ok(&json!({"snapshot": {"name": name}, "timeline": timeline, "seconds": seconds})))
}

async fn reset(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    returned(&simulation, SEED).await
}

async fn snapshot_create(simulation: Arc<Simulation>, mut ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    let name = name(&mut ask).await?;
    if name == SEED {
        return Err(Fault::conflict("The freshly seeded state is kept already, and for good."));
    }
    simulation.cloud()?.keep(&name).await?;
    Ok(Answer::json(201, &json!({"snapshot": {"name": name}})))
}

async fn snapshot_list(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    let kept = simulation.cloud()?.kept().await?;
    let kept: Vec<Value> = kept.into_iter().map(|name| json!({"name": name})).collect();
    Ok(Answer::ok(&json!({"snapshots": kept})))
}

async fn snapshot_delete(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    let name = ask.id("name");
    if name == SEED {
        return Err(Fault::conflict("The freshly seeded state stays."));
    }
    let gone = simulation.cloud()?.kept().await?.iter().any(|kept| kept == name)
        && simulation.cloud()?.forget(name).await?;
    if gone { Ok(Answer::empty(204)) } else { Err(Fault::not_found(format!("There is no snapshot {name}."))) }
}

async fn restore(simulation: Arc<Simulation>, mut ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    let name = name(&mut ask).await?;
    if !simulation.cloud()?.kept().await?.contains(&name) {
        return Err(Fault::not_found(format!("There is no snapshot {name}.")));
    }
    returned(&simulation, &name).await
}

fn clock(simulation: &Simulation) -> Answer {
    let clock = simulation.control.clock();
    Answer::ok(&json!({"clock": {"now": clock.now().micros_z(), "held": clock.is_held()}}))
}

async fn clock_show(simulation: Arc<Simulation>, ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    Ok(clock(&simulation))
}

/// The longest way forward at once: ten years.
const FORWARD: f64 = 10.0 * 366.0 * 86_400.0;

async fn clock_set(simulation: Arc<Simulation>, mut ask: Ask) -> Result<Answer, Fault> {
    may(&ask)?;
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        hold: Option<bool>,
        advance: Option<Value>,
    }
    let Body { hold, advance } = ask.read().await?;
    let bad = || Fault::bad_input("The clock goes forward by seconds, or by a time as \"90s\".");
    let forward = match advance {
        None => Duration::ZERO,
        Some(Value::String(text)) => {
            // Where the clock is put is for the caller to say, not for chance.
            let exact = text.parse::<Timing>().ok().filter(|time| time.spread.is_zero());
            exact.ok_or_else(bad)?.middle
        }
        Some(number) => {
            let seconds = number.as_f64().filter(|seconds| (0.0..=FORWARD).contains(seconds));
            Duration::from_secs_f64(seconds.ok_or_else(bad)?)
        }
    };
    if simulation.control.clock().now().plus(forward) > END {
        let end = END.seconds_z();
        return Err(Fault::bad_input(format!(
            "The clock goes no further than {end}: tokens carry no later dates."
        )));
    }
    let cloud = simulation.cloud()?;
    simulation.control.turn(hold, forward);
    cloud.clock_moved();
    Ok(clock(&simulation))
}
