//! What projects used in a span of time.

use crate::model::server::Server;
use crate::store::server as rows;
use crate::{Compute, rules};
use fault::Fault;
use kernel::Micros;
use policy::Target;
use std::sync::Arc;
use web::Cx;

impl Compute {
    /// Refuses whoever may not see what a project (or all) used.
    pub fn usage_may(&self, cx: &Cx, project_id: Option<&str>) -> Result<(), Fault> {
        match project_id {
            Some(project) => cx.may(&rules::SIMPLE_TENANT_USAGE_SHOW, &Target::project(project)),
            None => cx.may(&rules::SIMPLE_TENANT_USAGE_LIST, &Target::own(&cx.who)),
        }
    }

    /// The servers of a project (or of all) that were there in a span of time.
    pub async fn usage(
        self: &Arc<Self>,
        cx: &Cx,
        project_id: Option<String>,
        start: Micros,
        stop: Micros,
    ) -> Result<Vec<Server>, Fault> {
        self.usage_may(cx, project_id.as_deref())?;
        self.read(cx, move |_, tx, _| rows::servers_between(tx, project_id.as_deref(), start.0, stop.0)).await
    }
}
