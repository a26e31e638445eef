//! Writes children: server-side apply with no write at all once nothing differs, creation of Jobs, and deletion.
//!
//! Ownership goes by UID. An object with the wanted name that belongs to someone else is never touched.

use crate::containment;
use crate::context::Context;
use crate::error::Error;
use crate::metrics::Verb;
use crate::owner::Owner;
use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Resource, ResourceExt};
use searchop_crds::labels;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

/// What the operator can own: a typed, namespaced object of the API.
pub trait Child:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + k8s_openapi::Resource
    + Clone
    + Debug
    + DeserializeOwned
    + Serialize
{
}

impl<K> Child for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + k8s_openapi::Resource
        + Clone
        + Debug
        + DeserializeOwned
        + Serialize
{
}

fn kind_of<K: Child>() -> &'static str {
    <K as k8s_openapi::Resource>::KIND
}

/// Brings the child to `wanted` and returns it as it is then. `wanted` has a name and labels; namespace, owner reference and
/// digest are added here. Nothing is written when the child was applied from the same `wanted` before and still contains it.
///
/// # Errors
/// The name is taken by an object that is not the owner's, or the API server refuses.
pub async fn apply<K: Child>(context: &Context, owner: &Owner, wanted: K) -> Result<K, Error> {
    let kind = kind_of::<K>();
    let name = wanted.name_any();
    let mut wanted = owned(owner, wanted);
    let digest = containment::digest(&wanted);
    wanted["metadata"]["annotations"][labels::APPLIED] = json!(digest);

    let api = Api::<K>::namespaced(context.client.clone(), &owner.namespace);
    let live = read(&api, &name).await?;
    if let Some(live) = &live {
        if !owner.owns(live.meta()) {
            return Err(owner.dispute(kind, live.meta()));
        }
        if live.meta().deletion_timestamp.is_some() || is_applied(live, &wanted) {
            return Ok(live.clone());
        }
        // The server refuses the patch if the name has meanwhile passed to another object.
        wanted["metadata"]["uid"] = json!(live.uid());
    }
    let mut parameters = PatchParams::apply(labels::MANAGER);
    // Nothing is forced upon an object that appeared since the read: what another controller owns cannot get a second one.
    parameters.force = live.is_some();
    let applied = api
        .patch(&name, &parameters, &Patch::Apply(&wanted))
        .await
        .map_err(|source| Error::Apply {
            kind,
            name: name.clone(),
            source,
        })?;
    context.metrics.wrote(kind, Verb::Apply);
    tracing::info!(owner = owner.key(), kind, name, "applied");
    Ok(applied)
}

/// Whether `live` was applied from `wanted` before and still contains it.
fn is_applied<K: Child>(live: &K, wanted: &Value) -> bool {
    let live = serde_json::to_value(live).expect("an object of the API is JSON");
    containment::contains(&live, wanted)
}

/// Creates a child that is never changed, such as a Job. That it exists already as the owner's child is fine.
///
/// # Errors
/// The name is taken by an object that is not the owner's, or the API server refuses.
pub async fn create<K: Child>(context: &Context, owner: &Owner, wanted: K) -> Result<K, Error> {
    let kind = kind_of::<K>();
    let name = wanted.name_any();
    let wanted: K = serde_json::from_value(owned(owner, wanted)).expect("only metadata was added");
    let api = Api::<K>::namespaced(context.client.clone(), &owner.namespace);
    let parameters = PostParams {
        dry_run: false,
        field_manager: Some(labels::MANAGER.to_owned()),
    };
    match api.create(&parameters, &wanted).await {
        Ok(created) => {
            context.metrics.wrote(kind, Verb::Apply);
            tracing::info!(owner = owner.key(), kind, name, "created");
            Ok(created)
        }
        Err(kube::Error::Api(status)) if status.is_already_exists() => {
            match read(&api, &name).await? {
                Some(live) if owner.owns(live.meta()) => Ok(live),
                Some(live) => Err(owner.dispute(kind, live.meta())),
                // It has gone in this moment.
                None => Err(Error::NameNotFreeYet { kind, name }),
            }
        }
        Err(source) => Err(Error::Apply { kind, name, source }),
    }
}

/// Deletes a child, and what belongs to it, in the background. `child` is as it was read: another object that has meanwhile
/// taken the name is left alone. That it is gone, or on its way, is fine.
///
/// # Errors
/// The child is not the owner's, or the API server refuses.
pub async fn delete<K: Child>(context: &Context, owner: &Owner, child: &K) -> Result<(), Error> {
    let kind = kind_of::<K>();
    let name = child.name_any();
    if !owner.owns(child.meta()) {
        return Err(owner.dispute(kind, child.meta()));
    }
    if child.meta().deletion_timestamp.is_some() {
        return Ok(());
    }
    let parameters = DeleteParams::background().preconditions(Preconditions {
        uid: child.uid(),
        resource_version: None,
    });
    let api = Api::<K>::namespaced(context.client.clone(), &owner.namespace);
    match api.delete(&name, &parameters).await {
        Ok(_) => {
            context.metrics.wrote(kind, Verb::Delete);
            tracing::info!(owner = owner.key(), kind, name, "deleted");
            Ok(())
        }
        Err(kube::Error::Api(status)) if status.is_not_found() || status.is_conflict() => Ok(()),
        Err(source) => Err(Error::Delete { kind, name, source }),
    }
}

/// Deletes the child of that name if it is there and the owner's.
///
/// # Errors
/// The API server refuses.
pub async fn delete_named<K: Child>(
    context: &Context,
    owner: &Owner,
    name: &str,
) -> Result<(), Error> {
    let api = Api::<K>::namespaced(context.client.clone(), &owner.namespace);
    match read(&api, name).await? {
        Some(live) if owner.owns(live.meta()) => delete(context, owner, &live).await,
        _ => Ok(()),
    }
}

/// Reads a child by name.
///
/// # Errors
/// The API server refuses.
pub async fn get<K: Child>(
    context: &Context,
    owner: &Owner,
    name: &str,
) -> Result<Option<K>, Error> {
    let api = Api::<K>::namespaced(context.client.clone(), &owner.namespace);
    Ok(read(&api, name)
        .await?
        .filter(|live| owner.owns(live.meta())))
}

async fn read<K: Child>(api: &Api<K>, name: &str) -> Result<Option<K>, Error> {
    api.get_opt(name).await.map_err(|source| Error::Read {
        kind: kind_of::<K>(),
        name: name.to_owned(),
        source,
    })
}

fn owned<K: Child>(owner: &Owner, mut wanted: K) -> Value {
    wanted.meta_mut().namespace = Some(owner.namespace.clone());
    wanted.meta_mut().owner_references = Some(vec![owner.controller_reference()]);
    let mut wanted = serde_json::to_value(wanted).expect("an object of the API is JSON");
    if wanted["metadata"]["annotations"].is_null() {
        wanted["metadata"]["annotations"] = json!({});
    }
    // A status in a typed object is the server's to write.
    if let Some(fields) = wanted.as_object_mut() {
        fields.remove("status");
    }
    wanted
}
