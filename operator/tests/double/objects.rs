//! The objects of the double, and the rules by which requests change them.

use hyper::StatusCode;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotFound,
    AlreadyExists,
    Conflict,
    Unavailable,
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::AlreadyExists | Self::Conflict => StatusCode::CONFLICT,
            Self::Unavailable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(crate) fn body(&self) -> Value {
        let reason = match self {
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Conflict => "Conflict",
            Self::Unavailable => "InternalError",
        };
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": reason, "code": self.status().as_u16()})
    }
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) path: String,
    pub(crate) plural: String,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) is_status: bool,
}

impl Target {
    pub(crate) fn parse(path: &str) -> Self {
        let parts: Vec<_> = path.trim_matches('/').split('/').collect();
        let rest = if parts[0] == "api" {
            &parts[2..]
        } else {
            &parts[3..]
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
                (Some((*namespace).to_owned()), rest)
            }
            rest => (None, rest),
        };
        Self {
            path: path.to_owned(),
            plural: rest[0].to_owned(),
            namespace,
            name: rest.get(1).map(|name| (*name).to_owned()),
            is_status: rest.get(2) == Some(&"status"),
        }
    }

    fn key(&self) -> Key {
        let name = self.name.clone().expect("the request names an object");
        (
            self.plural.clone(),
            self.namespace.clone().unwrap_or_default(),
            name,
        )
    }
}

/// Plural, namespace, name.
pub(crate) type Key = (String, String, String);

/// All objects.
#[derive(Default)]
pub(crate) struct Objects {
    pub(crate) live: BTreeMap<Key, Value>,
    applied: BTreeMap<(Key, String), Value>,
    version: u64,
    /// Every creation, as plural and name.
    pub(crate) created: Vec<(String, String)>,
}

impl Objects {
    /// The object, if it is there.
    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.live
            .get(&(plural.to_owned(), namespace.to_owned(), name.to_owned()))
    }

    /// Objects of one plural.
    pub(crate) fn all(&self, plural: &str) -> Vec<Value> {
        self.live
            .iter()
            .filter(|(key, _)| key.0 == plural)
            .map(|(_, object)| object.clone())
            .collect()
    }

    /// Answers GET: one object or a list.
    pub(crate) fn read(&self, target: &Target, query: &str) -> Result<Value, Refusal> {
        if target.name.is_some() {
            return self
                .live
                .get(&target.key())
                .cloned()
                .ok_or(Refusal::NotFound);
        }
        let selector = selector(query);
        let items: Vec<_> = self
            .live
            .iter()
            .filter(|(key, _)| key.0 == target.plural)
            .filter(|(key, _)| {
                target
                    .namespace
                    .as_ref()
                    .is_none_or(|namespace| *namespace == key.1)
            })
            .map(|(_, object)| object.clone())
            .filter(|object| {
                selector.iter().all(|(label, values)| {
                    object["metadata"]["labels"][label]
                        .as_str()
                        .is_some_and(|value| values.iter().any(|wanted| wanted == value))
                })
            })
            .collect();
        Ok(
            json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": self.version.to_string()}, "items": items}),
        )
    }

    /// Answers POST.
    pub(crate) fn create(&mut self, target: &Target, body: &Value) -> Result<Value, Refusal> {
        let name = body["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned();
        let target = Target {
            name: Some(name),
            ..target.clone()
        };
        if self.live.contains_key(&target.key()) {
            return Err(Refusal::AlreadyExists);
        }
        Ok(self.insert(&target, body.clone()))
    }

    fn insert(&mut self, target: &Target, mut object: Value) -> Value {
        let key = target.key();
        self.version += 1;
        let metadata = &mut object["metadata"];
        metadata["uid"] = json!(format!("uid-{}", self.version));
        metadata["resourceVersion"] = json!(self.version.to_string());
        metadata["generation"] = json!(1);
        metadata["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        if !key.1.is_empty() {
            metadata["namespace"] = json!(key.1);
        }
        self.created.push((key.0.clone(), key.2.clone()));
        self.live.insert(key, object.clone());
        object
    }

    /// Answers PATCH with server-side apply.
    pub(crate) fn apply(
        &mut self,
        target: &Target,
        manager: &str,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let slot = (target.key(), format!("{manager}{}", target.is_status));
        let Some(live) = self.live.get(&target.key()).cloned() else {
            if body["metadata"]["uid"].is_string() || target.is_status {
                return Err(Refusal::Conflict);
            }
            self.applied.insert(slot, stated(body, target.is_status));
            return Ok(self.insert(target, body.clone()));
        };
        check(&live, &body["metadata"])?;
        let wanted = stated(body, target.is_status);
        let mut next = live.clone();
        if let Some(before) = self.applied.get(&slot) {
            prune(&mut next, before, &wanted);
        }
        overlay(&mut next, &wanted);
        self.applied.insert(slot, wanted);
        Ok(self.replace(target, &live, next))
    }

    /// Answers PATCH with a merge patch.
    pub(crate) fn merge(&mut self, target: &Target, body: &Value) -> Result<Value, Refusal> {
        let live = self
            .live
            .get(&target.key())
            .cloned()
            .ok_or(Refusal::NotFound)?;
        check(&live, &body["metadata"])?;
        let mut next = live.clone();
        overlay(&mut next, &stated(body, target.is_status));
        Ok(self.replace(target, &live, next))
    }

    /// Answers DELETE.
    pub(crate) fn delete(&mut self, target: &Target, body: &Value) -> Result<Value, Refusal> {
        let live = self
            .live
            .get(&target.key())
            .cloned()
            .ok_or(Refusal::NotFound)?;
        check(&live, &body["preconditions"])?;
        let mut next = live.clone();
        if next["metadata"]["deletionTimestamp"].is_null() {
            next["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        }
        Ok(self.replace(target, &live, next))
    }

    /// Stores the changed object, unless nothing changed or its end has come.
    fn replace(&mut self, target: &Target, live: &Value, mut next: Value) -> Value {
        if *live == next {
            return next;
        }
        self.version += 1;
        next["metadata"]["resourceVersion"] = json!(self.version.to_string());
        if live["spec"] != next["spec"] {
            next["metadata"]["generation"] =
                json!(live["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        }
        let is_free = next["metadata"]["finalizers"]
            .as_array()
            .is_none_or(Vec::is_empty);
        if is_free && next["metadata"]["deletionTimestamp"].is_string() {
            self.remove(&target.key());
        } else {
            self.live.insert(target.key(), next.clone());
        }
        next
    }

    /// Removes an object, and what belongs to it.
    fn remove(&mut self, key: &Key) {
        let Some(object) = self.live.remove(key) else {
            return;
        };
        self.applied.retain(|(of, _), _| of != key);
        let uid = &object["metadata"]["uid"];
        let dependents: Vec<_> = self
            .live
            .iter()
            .filter(|(_, other)| {
                let owners = other["metadata"]["ownerReferences"].as_array();
                owners.is_some_and(|owners| owners.iter().any(|owner| owner["uid"] == *uid))
            })
            .map(|(key, _)| key.clone())
            .collect();
        for dependent in dependents {
            self.remove(&dependent);
        }
    }
}

/// What a body states on this endpoint, without what identifies the object.
fn stated(body: &Value, is_status: bool) -> Value {
    if is_status {
        return json!({"status": body["status"]});
    }
    let mut body = body.clone();
    let fields = body.as_object_mut().expect("an object");
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["uid", "resourceVersion", "name", "namespace"] {
            metadata.remove(field);
        }
    }
    body
}

fn check(live: &Value, conditions: &Value) -> Result<(), Refusal> {
    let holds = ["uid", "resourceVersion"].iter().all(|field| {
        conditions[*field].is_null() || conditions[*field] == live["metadata"][*field]
    });
    if holds {
        Ok(())
    } else {
        Err(Refusal::Conflict)
    }
}

/// Removes what the manager stated before and states no more.
fn prune(next: &mut Value, before: &Value, wanted: &Value) {
    let (Some(fields), Some(before)) = (next.as_object_mut(), before.as_object()) else {
        return;
    };
    for (key, old) in before {
        match (wanted.get(key), old) {
            (None | Some(Value::Null), _) => {
                fields.remove(key);
            }
            (Some(new), Value::Object(_)) => {
                if let Some(field) = fields.get_mut(key) {
                    prune(field, old, new);
                }
            }
            _ => {}
        }
    }
}

fn overlay(next: &mut Value, wanted: &Value) {
    let Some(wanted) = wanted.as_object() else {
        *next = wanted.clone();
        return;
    };
    if !next.is_object() {
        *next = Value::Object(Map::new());
    }
    let fields = next.as_object_mut().expect("made an object above");
    for (key, value) in wanted {
        if value.is_null() {
            fields.remove(key);
        } else {
            overlay(fields.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Label, and the values that it may have.
fn selector(query: &str) -> Vec<(String, Vec<String>)> {
    let Some(text) = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("labelSelector="))
    else {
        return Vec::new();
    };
    let text = text
        .replace("%2F", "/")
        .replace("%3D", "=")
        .replace("%2C", ",")
        .replace("%28", "(")
        .replace("%29", ")")
        .replace("%20", " ")
        .replace('+', " ");
    let (mut terms, mut depth) = (vec![String::new()], 0);
    for character in text.chars() {
        match character {
            ',' if depth == 0 => {
                terms.push(String::new());
                continue;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        terms.last_mut().expect("never empty").push(character);
    }
    terms
        .iter()
        .map(|term| match term.split_once(" in ") {
            Some((label, values)) => {
                let values = values.trim_matches(|character| matches!(character, '(' | ')'));
                (
                    label.to_owned(),
                    values.split(',').map(str::to_owned).collect(),
                )
            }
            None => {
                let (label, value) = term.split_once('=').expect("label=value");
                (label.to_owned(), vec![value.to_owned()])
            }
        })
        .collect()
}
