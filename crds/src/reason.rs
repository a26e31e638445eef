//! Why a condition is as it is: one closed list a family of kinds. A reason is at once the condition's reason, the Event's
//! reason and a metric's label.

macro_rules! reasons {
    ($(#[$enum_doc:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident,)+ }) => {
        $(#[$enum_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// Every reason, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that users see.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)+ }
            }

            /// The reason of that name.
            #[must_use]
            pub fn parse(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
            }
        }
    };
}

reasons! {
    /// Reasons of the kinds whose work is a Job: DemoDataset and TrainingRun.
    JobReason {
        /// The Job was created and its pod is not running yet.
        Starting,
        /// The Job runs.
        Running,
        /// The dataset is in the store.
        Generated,
        /// The model is in the store.
        Trained,
        /// The dataset that the run names is not there, or not complete yet.
        WaitingForDataset,
        /// The dataset that the run names has failed.
        DatasetFailed,
        /// `spec.suspend` is set.
        Suspended,
        /// `spec.suspend` is not set.
        NotSuspended,
        /// Nothing has failed.
        NotFailed,
        /// Neither the object nor the operator's configuration names a store.
        StorageNotConfigured,
        /// The store does not answer. Tried again without end.
        StorageUnavailable,
        /// The store refuses the credentials. Tried again without end.
        StorageAccessDenied,
        /// The Secret with the store's credentials is missing or lacks a key. Tried again without end.
        CredentialsMissing,
        /// The store ignores conditional puts or checksums. Tried again without end.
        StorageUnfit,
        /// The bucket does not exist. Tried again without end.
        BucketNotFound,
        /// An input or artifact is not in the store.
        ArtifactNotFound,
        /// Bytes in the store are not those that the digest names.
        DigestMismatch,
        /// An artifact's format or version is not known.
        UnknownFormat,
        /// The data has an error; the message names the line and field.
        InvalidData,
        /// A parameter has an error; the message names it.
        InvalidParameters,
        /// The pod ran out of local disk.
        OutOfDisk,
        /// The container exceeded its memory limit.
        OutOfMemory,
        /// The Job's program crashed.
        JobCrashed,
        /// The pod was evicted, deleted or lost with its node. Tried again without end.
        Interrupted,
        /// The API server refuses the Job, or the account that it runs as: a quota, an admission rule, a missing right.
        /// Tried again without end.
        JobRefused,
        /// An object that is not ours has the name of the Job, or of the account that it runs as. Tried again without end.
        NameTaken,
        /// An image cannot be pulled.
        ImagePullFailed,
        /// No node has room for the pod.
        Unschedulable,
        /// The purge Job deletes the artifact.
        Purging,
        /// Other objects still refer to the artifact.
        InUse,
        /// The artifact was deleted from the store.
        Purged,
        /// The artifact stays in the store.
        Retained,
    }
}

reasons! {
    /// Reasons of the RankingModel.
    RankingModelReason {
        /// `spec.model` names a bundle.
        Resolved,
        /// The TrainingRun that `spec.model` names does not exist.
        TrainingRunNotFound,
        /// The TrainingRun that `spec.model` names has no model yet.
        TrainingRunNotComplete,
        /// The TrainingRun that `spec.model` names has failed.
        TrainingRunFailed,
        /// The first model is being deployed.
        Deploying,
        /// Pods with the candidate start while the stable model serves.
        RollingOut,
        /// The candidate passed its self-check; the traffic plan is being followed by the servers.
        Shifting,
        /// The servers are being brought to the spec; the model does not change.
        Updating,
        /// The spec is in effect.
        InEffect,
        /// Enough ranking servers are ready.
        ServersReady,
        /// No ranking server is ready.
        NoServerReady,
        /// The model of the spec serves all traffic.
        Promoted,
        /// The candidate failed; the stable model serves.
        RolledBack,
        /// No model has been deployed.
        NoModel,
        /// The store does not answer. Tried again without end.
        StorageUnavailable,
        /// The store refuses the credentials. Tried again without end.
        StorageAccessDenied,
        /// The Secret with the store's credentials is missing or lacks a key. Tried again without end.
        CredentialsMissing,
        /// The bucket does not exist. Tried again without end.
        BucketNotFound,
        /// The bundle is not in the store.
        ArtifactNotFound,
        /// The bundle's bytes are not those that the digest names.
        DigestMismatch,
        /// The bundle's format or version is not known to the server.
        UnknownFormat,
        /// The bundle's feature schema, model and sample do not fit together.
        SchemaMismatch,
        /// The server's scores of the bundle's sample differ from the trainer's.
        ParityMismatch,
        /// The bundle cannot be read.
        InvalidBundle,
        /// The server crashed or ran out of memory.
        ServerCrashed,
        /// An image cannot be pulled.
        ImagePullFailed,
        /// No node has room for the pod.
        Unschedulable,
        /// A container's configuration or start is refused by its node.
        ContainerNotStarting,
        /// The API server refuses the pods: a quota or an admission rule.
        PodsRefused,
        /// The API server refuses the Deployment or another child. Tried again without end.
        ChildRefused,
        /// An object that is not ours has the name of a child. Tried again without end.
        NameTaken,
        /// A ranking server runs, but its admin port does not answer the operator.
        ServerUnreachable,
        /// A ranking server runs, but did not become ready with the model in time.
        DeadlineExceeded,
        /// The pod ran out of local disk.
        OutOfDisk,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_found_by_its_name() {
        assert!(
            JobReason::ALL
                .iter()
                .all(|reason| JobReason::parse(reason.as_str()) == Some(*reason))
        );
        assert!(
            RankingModelReason::ALL
                .iter()
                .all(|reason| RankingModelReason::parse(reason.as_str()) == Some(*reason))
        );
        assert_eq!(JobReason::parse("Nonsense"), None);
    }
}
