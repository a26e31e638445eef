//! Reads what a decision needs: the children by name, the pods by label, the TrainingRun by reference, and what each server
//! says of itself. It needs a client; nothing here writes or decides.

use super::build::network_policy::{service_of, store_port};
use super::observed::{DeploymentView, Observed, Pod, Report};
use super::plan::TrafficPlan;
use crate::apply;
use crate::context::Context;
use crate::error::Error;
use crate::owner::Owner;
use crate::pod_http::ADMIN_PORT;
use futures::{StreamExt, stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod as KubernetesPod, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::ListParams;
use searchop_crds::labels::{self, Component};
use searchop_crds::{RankingModel, TrainingRun, names};

/// Most servers that are asked at the same time.
const ASKED_AT_ONCE: usize = 16;

/// The cluster as far as the model is concerned, and its plan's ConfigMap as it was read.
pub(crate) async fn observe(
    context: &Context,
    owner: &Owner,
    model: &RankingModel,
) -> Result<(Observed, Option<ConfigMap>), Error> {
    let deployment = apply::get::<Deployment>(context, owner, &names::serving(&owner.name)).await?;
    let config = apply::get::<ConfigMap>(context, owner, &names::plan(&owner.name)).await?;
    let observed = Observed {
        run: training_run(context, owner, model).await?,
        deployment: deployment.as_ref().map(DeploymentView::read),
        plan: config.as_ref().and_then(TrafficPlan::read),
        pods: asked(context, pods(context, owner).await?).await,
    };
    Ok((observed, config))
}

/// The port of the store's pods, where `endpoint` is a Service of the cluster that may be looked at.
pub(crate) async fn store_target(
    context: &Context,
    owner: &Owner,
    endpoint: Option<&str>,
) -> Result<Option<IntOrString>, Error> {
    let Some((name, namespace)) =
        endpoint.and_then(|endpoint| service_of(endpoint, &owner.namespace))
    else {
        return Ok(None);
    };
    let services: Api<Service> = Api::namespaced(context.client.clone(), &namespace);
    match services.get_opt(&name).await {
        Ok(service) => {
            let port = store_port(endpoint);
            let spec = service.and_then(|service| service.spec);
            let ports = spec.and_then(|spec| spec.ports).unwrap_or_default();
            let led = ports.into_iter().find(|offered| offered.port == port);
            Ok(led.and_then(|led| led.target_port))
        }
        // An operator of single namespaces has no right to those of others, nor can a name that is none be asked for.
        Err(kube::Error::Api(status)) if status.is_forbidden() || status.is_invalid() => Ok(None),
        Err(source) => Err(Error::Read {
            kind: "Service",
            name,
            source,
        }),
    }
}

async fn training_run(
    context: &Context,
    owner: &Owner,
    model: &RankingModel,
) -> Result<Option<TrainingRun>, Error> {
    let Some(reference) = &model.spec.model.training_run_ref else {
        return Ok(None);
    };
    let runs: Api<TrainingRun> = Api::namespaced(context.client.clone(), &owner.namespace);
    runs.get_opt(&reference.name)
        .await
        .map_err(|source| Error::Read {
            kind: "TrainingRun",
            name: reference.name.clone(),
            source,
        })
}

/// Every pod that the Service selects, but for those that have ended: nothing is sent to these.
async fn pods(context: &Context, owner: &Owner) -> Result<Vec<Pod>, Error> {
    let selector: Vec<_> = labels::selector(&owner.name, Component::Ranking)
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let api: Api<KubernetesPod> = Api::namespaced(context.client.clone(), &owner.namespace);
    let listed = api
        .list(&ListParams::default().labels(&selector.join(",")))
        .await
        .map_err(|source| Error::List {
            kind: "Pod",
            source,
        })?;
    Ok(listed
        .items
        .iter()
        .filter(|pod| !has_ended(pod))
        .map(Pod::read)
        .collect())
}

fn has_ended(pod: &KubernetesPod) -> bool {
    let phase = pod
        .status
        .as_ref()
        .and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

/// The pods with what their servers say. A server that does not answer says nothing; whether that matters is decided later.
async fn asked(context: &Context, pods: Vec<Pod>) -> Vec<Pod> {
    let answers = pods.into_iter().map(|pod| async move {
        let report = match (&pod.ip, pod.serving_since) {
            (Some(ip), Some(_)) => context
                .pods
                .get::<Report>(ip, ADMIN_PORT, "/tracks")
                .await
                .ok(),
            _ => None,
        };
        Pod { report, ..pod }
    });
    stream::iter(answers)
        .buffered(ASKED_AT_ONCE)
        .collect()
        .await
}
