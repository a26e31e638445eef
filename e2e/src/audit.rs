//! The API server's audit log: what the operator wrote.

use crate::cluster::OPERATOR_NAMESPACE;
use anyhow::{Context, Result};
use serde_json::Value;

/// A request that changed something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Namespace of the object; empty for objects of the whole cluster.
    pub namespace: String,
    /// When, what and where: the time of the request, its verb and its address.
    pub request: String,
}

/// Every write in the log by the operator's ServiceAccount, oldest first, but for those of Leases, which are renewed for ever.
/// A last line without an end is still being written, and is left out.
///
/// # Errors
/// When a line is not an audit event.
pub fn writes(log: &str) -> Result<Vec<Write>> {
    let operator = format!("system:serviceaccount:{OPERATOR_NAMESPACE}:");
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    let mut found = Vec::new();
    for line in whole.lines() {
        let event: Value = serde_json::from_str(line)
            .with_context(|| format!("a line of the audit log: {line}"))?;
        let by_operator = event["user"]["username"]
            .as_str()
            .is_some_and(|user| user.starts_with(&operator));
        let is_write = matches!(
            event["verb"].as_str(),
            Some("create" | "update" | "patch" | "delete" | "deletecollection")
        );
        let object = &event["objectRef"];
        if by_operator && is_write && object["resource"] != "leases" {
            found.push(Write {
                namespace: object["namespace"].as_str().unwrap_or_default().to_owned(),
                request: format!(
                    "{} {} {}",
                    event["requestReceivedTimestamp"], event["verb"], event["requestURI"]
                ),
            });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn line(user: &str, verb: &str, resource: &str) -> String {
        json!({
            "user": {"username": format!("system:serviceaccount:{user}")},
            "verb": verb,
            "objectRef": {"resource": resource, "namespace": "shop"},
            "requestURI": format!("/{resource}"),
        })
        .to_string()
    }

    #[test]
    fn only_the_operators_writes_count_and_leases_do_not() {
        let log = [
            line("searchop-system:operator", "patch", "jobs"),
            line("searchop-system:operator", "get", "jobs"),
            line("searchop-system:operator", "update", "leases"),
            line("other:operator", "patch", "jobs"),
            String::new(),
        ];
        let found = writes(&log.join("\n")).unwrap();
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].namespace, "shop");
    }

    #[test]
    fn a_half_written_last_line_is_left_out() {
        let whole = line("searchop-system:operator", "patch", "jobs");
        let half = &whole[..whole.len() / 2];
        assert_eq!(writes(&format!("{whole}\n{half}")).unwrap().len(), 1);
        assert!(writes(half).unwrap().is_empty());
        assert!(writes(&format!("{half}\n{whole}\n")).is_err());
    }
}
