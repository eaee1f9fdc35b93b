//! Faults of requests: who stands at the door of the site looks at the rules.

use crate::control::Control;
use crate::faults::{Effect, Event, Stage};
use crate::quota;
use async_trait::async_trait;
use fault::{Fault, Kind};
use http::Method;
use web::Answer;
use web::door::{Admission, Call, Doorkeeper, Verdict};

/// The service that steers the simulation: no rule gets in its way.
pub const OWN: &str = "simulation";

/// Operations that only ask, by their method, and may make something: a user who logs in through a browser, a project's
/// first security group.
const MAKES: [&str; 5] =
    ["federation_auth", "websso", "websso_by_provider", "websso_callback", "security_group_list"];

#[async_trait]
impl Doorkeeper for Control {
    async fn admit(&self, call: Call<'_>) -> Admission {
        if call.service == OWN {
            return Admission { verdict: Verdict::Enter, held: None };
        }
        let event = Event {
            service: call.service,
            operation: call.operation.unwrap_or_default(),
            method: call.method.as_str(),
            path: call.path,
            spelled: call.spelled,
            ..Event::default()
        };
        let mut verdict = Verdict::Enter;
        for effect in self.faults().strike(Stage::Request, event) {
            if let Some(time) = effect.time().and_then(|time| time.parse::<crate::Timing>().ok()) {
                self.wait(self.faults().draw(time)).await;
            } else if matches!(verdict, Verdict::Enter) {
                verdict = verdict_of(&effect, call);
            }
        }
        // Whoever only reads may read while the cloud is put back: it sees the one state or the other. Logins wait as well:
        // a token for somebody who is gone by then would be one from before.
        let reads = (*call.method == Method::GET || *call.method == Method::HEAD)
            && !call.operation.is_some_and(|operation| MAKES.contains(&operation));
        let held: Option<Box<dyn std::any::Any + Send>> =
            if reads { None } else { Some(Box::new(self.pass().await)) };
        Admission { verdict, held }
    }

    fn takes_turns(&self) -> bool {
        self.pace().is_some()
    }

    async fn turn(&self) -> Box<dyn std::any::Any + Send> {
        match self.pace() {
            Some(pace) => Box::new(pace.turn().await),
            None => Box::new(()),
        }
    }
}

fn verdict_of(effect: &Effect, call: Call<'_>) -> Verdict {
    match effect {
        Effect::Status { status, body } => Verdict::Answer(match body {
            Some(body) => Answer::json(*status, body),
            None => Answer::empty(*status),
        }),
        Effect::Drop {} => Verdict::Drop,
        Effect::QuotaExhausted {} => {
            Verdict::Refuse(quota::exhausted(call.service, call.operation.unwrap_or_default()))
        }
        Effect::TokenExpired {} => {
            let said = "The request you have made requires authentication.";
            Verdict::Refuse(Fault::new(Kind::Unauthenticated, said))
        }
        _ => Verdict::Enter,
    }
}
