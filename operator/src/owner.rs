//! Who a child belongs to: the parts of a custom resource that building, applying and telling need.

use crate::error::Error;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::Resource;

/// A custom resource as the owner of children.
#[derive(Clone, Debug, PartialEq)]
pub struct Owner {
    /// Kind, such as `DemoDataset`.
    pub kind: &'static str,
    /// Namespace, which is also that of every child.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID: what ownership is decided by.
    pub uid: String,
    /// The object for Events.
    pub reference: ObjectReference,
    controller: OwnerReference,
}

impl Owner {
    /// The owner that `object` is. `kind` is its kind. `None`: the object was never stored.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>(object: &K, kind: &'static str) -> Option<Self> {
        let metadata = object.meta();
        Some(Self {
            kind,
            namespace: metadata.namespace.clone()?,
            name: metadata.name.clone()?,
            uid: metadata.uid.clone()?,
            reference: object.object_ref(&()),
            controller: object.controller_owner_ref(&())?,
        })
    }

    /// Whether the object with this metadata is a child of this owner.
    #[must_use]
    pub fn owns(&self, metadata: &ObjectMeta) -> bool {
        metadata
            .owner_references
            .iter()
            .flatten()
            .any(|reference| reference.controller == Some(true) && reference.uid == self.uid)
    }

    /// Why this owner leaves the object with this metadata alone, which has the name of a child and is not its own.
    #[must_use]
    pub fn dispute(&self, kind: &'static str, metadata: &ObjectMeta) -> Error {
        let name = metadata.name.clone().unwrap_or_default();
        let holder = metadata
            .owner_references
            .iter()
            .flatten()
            .find(|reference| reference.controller == Some(true));
        match holder {
            Some(holder) if holder.kind == self.kind && holder.name == self.name => {
                Error::NameNotFreeYet { kind, name }
            }
            Some(holder) => Error::NameTaken {
                kind,
                name,
                holder: format!("belongs to {} {}", holder.kind, holder.name),
            },
            None => Error::NameTaken {
                kind,
                name,
                holder: "has no owner".to_owned(),
            },
        }
    }

    /// The owner reference that makes an object a child.
    #[must_use]
    pub fn controller_reference(&self) -> OwnerReference {
        self.controller.clone()
    }

    /// The owner's key in logs and counters.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}/{}", self.kind, self.namespace, self.name)
    }

    /// The owner's name in the store: `<kind>.<namespace>.<name>.<uid>` in lower case.
    #[must_use]
    pub fn in_store(&self) -> String {
        format!(
            "{}.{}.{}.{}",
            self.kind, self.namespace, self.name, self.uid
        )
        .to_lowercase()
    }
}

/// The object's name for people, with its namespace if that is not `namespace`.
#[must_use]
pub fn name_from(metadata: &ObjectMeta, namespace: &str) -> String {
    let name = metadata.name.as_deref().unwrap_or_default();
    match metadata.namespace.as_deref() {
        Some(other) if other != namespace => format!("{other}/{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use searchop_crds::DemoDataset;
    use serde_json::json;

    #[test]
    fn who_holds_a_name_is_said_but_for_what_is_left_of_an_earlier_self() {
        let object: DemoDataset = serde_json::from_value(json!({
            "apiVersion": "searchop.dev/v1alpha1", "kind": "DemoDataset", "spec": {},
            "metadata": {"name": "shop", "namespace": "demo", "uid": "u"},
        }))
        .expect("a DemoDataset");
        let owner = Owner::of(&object, "DemoDataset").expect("it is stored");
        let held = |owners: serde_json::Value| {
            let metadata = json!({"name": "shop-generate-1", "ownerReferences": owners});
            let metadata = serde_json::from_value(metadata).expect("metadata");
            owner.dispute("Job", &metadata)
        };
        let by = |kind: &str, name: &str| json!([{"apiVersion": "v1", "kind": kind, "name": name, "uid": "other", "controller": true}]);
        let text = held(by("CronJob", "nightly")).to_string();
        assert!(text.starts_with("Job shop-generate-1 exists and belongs to CronJob nightly"));
        assert!(held(json!([])).to_string().contains("has no owner"));
        let left = held(by("DemoDataset", "shop"));
        assert_eq!(left.obstacle(), None, "{left}");
    }
}
