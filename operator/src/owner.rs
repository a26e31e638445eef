//! Who a child belongs to: the parts of a custom resource that building, applying and telling need.

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
