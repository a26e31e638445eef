//! Killing a process of the operator at a moment that is chosen.
//!
//! It takes the node's engine some hundred milliseconds to run a command, in which the operator makes its next ten writes. So
//! the command is started ahead, and waits on its standard input for the word.

use crate::cluster::{Cluster, OPERATOR_NAMESPACE};
use anyhow::{Context, Result, bail};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use kube::api::{Api, DeleteParams};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Bound on an answer of the node.
const BOUND: Duration = Duration::from_secs(20);

/// A container whose process dies at a word.
#[derive(Debug)]
pub struct Aim {
    pod: String,
    container: String,
    command: Child,
    word: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Aim {
    /// Aims at the running container of a pod; none when it has gone meanwhile.
    ///
    /// # Errors
    /// When the node's engine cannot be asked.
    pub async fn at(pod: &Pod) -> Result<Option<Self>> {
        let (Some(container), Some(node)) = (running_container(pod), node(pod)) else {
            return Ok(None);
        };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../kind/kill-container.sh");
        let mut command = Command::new(script)
            .args([node, container])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context(script)?;
        let word = command.stdin.take().context("a standard input")?;
        let answers = command.stdout.take().context("a standard output")?;
        let mut aim = Self {
            pod: pod.name_any(),
            container: container.to_owned(),
            command,
            word,
            answers: BufReader::new(answers).lines(),
        };
        match aim.answer().await?.as_str() {
            "aimed" => Ok(Some(aim)),
            "gone" => Ok(None),
            other => bail!("{script} answered {other:?}"),
        }
    }

    /// Whether this is the pod's container of now: one that ended by itself was replaced.
    #[must_use]
    pub fn is_at(&self, pod: &Pod) -> bool {
        running_container(pod) == Some(self.container.as_str())
    }

    /// Ends the process with SIGKILL, as a crash would, then deletes the pod, so that its Deployment starts another at once instead
    /// of waiting longer before each restart. `false`: the process had ended already.
    ///
    /// # Errors
    /// When the node's engine does not answer, or the pod cannot be deleted.
    pub async fn fire(mut self, cluster: &Cluster) -> Result<bool> {
        self.word.write_all(b"now\n").await?;
        self.word.flush().await?;
        let killed = match self.answer().await?.as_str() {
            "killed" => true,
            "gone" => false,
            other => bail!("killing {} was answered with {other:?}", self.pod),
        };
        let pods = Api::<Pod>::namespaced(cluster.client.clone(), OPERATOR_NAMESPACE);
        let at_once = DeleteParams::default().grace_period(0);
        match pods.delete(&self.pod, &at_once).await {
            Ok(_) => Ok(killed),
            Err(kube::Error::Api(status)) if status.is_not_found() => Ok(killed),
            Err(error) => Err(error.into()),
        }
    }

    async fn answer(&mut self) -> Result<String> {
        let line = timeout(BOUND, self.answers.next_line()).await;
        let line = line.with_context(|| format!("the node of {} does not answer", self.pod))??;
        if let Some(line) = line {
            return Ok(line);
        }
        let mut said = String::new();
        if let Some(mut error) = self.command.stderr.take() {
            timeout(BOUND, error.read_to_string(&mut said)).await??;
        }
        bail!("{} could not be killed: {}", self.pod, said.trim())
    }
}

fn node(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.node_name.as_deref()
}

/// The engine's identifier of the pod's container, while that runs and is not about to be stopped.
fn running_container(pod: &Pod) -> Option<&str> {
    if pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    let mut statuses = pod.status.as_ref()?.container_statuses.iter().flatten();
    statuses.find_map(|status| {
        status.state.as_ref()?.running.as_ref()?;
        status
            .container_id
            .as_deref()?
            .strip_prefix("containerd://")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn only_a_container_that_runs_and_stays_is_aimed_at() {
        let pod = |metadata: Value, state: Value| {
            serde_json::from_value::<Pod>(json!({
                "metadata": metadata,
                "status": {"containerStatuses": [{
                    "name": "operator", "image": "i", "imageID": "i", "ready": true, "restartCount": 0,
                    "containerID": "containerd://abc", "state": state,
                }]},
            }))
            .unwrap()
        };
        let running = json!({"running": {"startedAt": null}});
        let going = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(
            running_container(&pod(json!({}), running.clone())),
            Some("abc")
        );
        assert_eq!(running_container(&pod(going, running)), None);
        assert_eq!(
            running_container(&pod(json!({}), json!({"waiting": {}}))),
            None
        );
    }
}
