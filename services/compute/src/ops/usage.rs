//! What projects used in a span of time.

use crate::model::server::Server;
use crate::store::server as rows;
use crate::{Compute, rules};
use fault::Fault;
use kernel::Micros;
use policy::Target;
use std::sync::Arc;
use std::time::Duration;
use web::Cx;

/// A span of time as it is asked for. It is read after the rule has been asked: to whom nothing is said, nothing is said of
/// his span either.
#[derive(Clone, Debug, Default)]
pub struct SpanQuery {
    /// When it begins.
    pub start: Option<String>,
    /// When it ends.
    pub end: Option<String>,
}

/// What was there in a span of time.
#[derive(Clone, Debug)]
pub struct Usage {
    /// When the span begins.
    pub start: Micros,
    /// When it ends: not beyond now.
    pub stop: Micros,
    /// The servers that were there, those of a project beside each other.
    pub servers: Vec<Server>,
}

impl SpanQuery {
    /// The span, not beyond now. Nova looks at its clock for each end that is not said: a span without both ends is short,
    /// but there is one.
    fn read(&self, now: Micros) -> Result<(Micros, Micros), Fault> {
        let read = |text: &Option<String>, now: Micros| match text.as_deref().filter(|text| !text.is_empty())
        {
            None => Ok(now),
            Some(text) => Micros::parse(text)
                .ok_or_else(|| Fault::bad_input("Invalid datetime string: Datetime is in invalid format")),
        };
        let (start, stop) = (read(&self.start, now)?, read(&self.end, now.plus(Duration::from_micros(1)))?);
        if start >= stop {
            let sentence = "Invalid start time. The start time cannot occur after the end time.";
            return Err(Fault::bad_input(sentence));
        }
        Ok((start, stop.min(now)))
    }
}

impl Compute {
    /// What a project used, or every project.
    pub async fn usage(
        self: &Arc<Self>,
        cx: &Cx,
        project_id: Option<&str>,
        span: SpanQuery,
    ) -> Result<Usage, Fault> {
        match project_id {
            Some(project) => cx.may(&rules::SIMPLE_TENANT_USAGE_SHOW, &Target::project(project))?,
            None => cx.may(&rules::SIMPLE_TENANT_USAGE_LIST, &Target::own(&cx.who))?,
        }
        let (start, stop) = span.read(cx.at)?;
        let project_id = project_id.map(str::to_owned);
        let servers =
            self.read(cx, move |_, tx, _| rows::servers_between(tx, project_id.as_deref(), start.0, stop.0));
        Ok(Usage { start, stop, servers: servers.await? })
    }
}
