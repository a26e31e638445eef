//! Whether what we want is already part of what is there: structural containment on JSON, and the digest of a wanted object.
//!
//! Pure. It knows the three places where the API server writes the same thing in another way: equal quantities, empty values
//! that are left out, and lists that others may extend with elements of other names.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Keys whose map holds quantities: by resource name, or as an autoscaler's target.
const QUANTITY_MAPS: [&str; 4] = ["limits", "requests", "capacity", "target"];
/// Keys whose value is a quantity wherever they stand.
const QUANTITIES: [&str; 4] = ["averageValue", "divisor", "sizeLimit", "tolerance"];
/// Keys that name a list's element, as server-side apply merges it.
const ELEMENT_NAMES: [&str; 3] = ["name", "uid", "type"];

/// Whether `wanted` is contained in `live`: every value that `wanted` states is there. An empty map, list, text or null equals
/// an absent value. Maps may hold more keys. Lists have the same elements in the same order, but a list of named elements may
/// hold further ones.
#[must_use]
pub fn contains(live: &Value, wanted: &Value) -> bool {
    at(live, wanted, false)
}

fn at(live: &Value, wanted: &Value, is_quantity: bool) -> bool {
    match (live, wanted) {
        _ if is_empty(wanted) => true,
        (Value::Object(live), Value::Object(wanted)) => object(live, wanted, is_quantity),
        (Value::Array(live), Value::Array(wanted)) => array(live, wanted),
        _ if is_quantity => same_quantity(live, wanted),
        _ => live == wanted,
    }
}

fn object(live: &Map<String, Value>, wanted: &Map<String, Value>, of_quantities: bool) -> bool {
    wanted.iter().all(|(key, wanted)| {
        let is_quantity = of_quantities
            || QUANTITY_MAPS.contains(&key.as_str())
            || QUANTITIES.contains(&key.as_str());
        is_empty(wanted)
            || live
                .get(key)
                .is_some_and(|live| at(live, wanted, is_quantity))
    })
}

fn array(live: &[Value], wanted: &[Value]) -> bool {
    match wanted.iter().map(element_name).collect::<Option<Vec<_>>>() {
        Some(names) if !names.is_empty() => names.iter().zip(wanted).all(|(name, wanted)| {
            live.iter()
                .any(|live| element_name(live).as_ref() == Some(name) && contains(live, wanted))
        }),
        _ => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| contains(live, wanted))
        }
    }
}

fn element_name(element: &Value) -> Option<(&'static str, &str)> {
    ELEMENT_NAMES.iter().find_map(|key| {
        let name = element.get(key)?.as_str()?;
        Some((*key, name))
    })
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(elements) => elements.is_empty(),
        // A map of empty values is kept: `emptyDir: {}` says something, but what it says is told by its key's presence.
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

fn same_quantity(left: &Value, right: &Value) -> bool {
    if left == right {
        return true;
    }
    match (quantity(left), quantity(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

/// A quantity in billionths. `None`: not a quantity, finer than that,
/// or too large to compare exactly.
fn quantity(value: &Value) -> Option<i128> {
    const NANO: i128 = 1_000_000_000;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let end = text
        .find(|character: char| !matches!(character, '0'..='9' | '.' | '+' | '-'))
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(end);
    let (numerator, denominator): (i128, i128) = match suffix {
        "" => (1, 1),
        "n" => (1, NANO),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (NANO, 1),
        "T" => (1_000 * NANO, 1),
        "P" => (1_000_000 * NANO, 1),
        "E" => (NANO * NANO, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10_i128.checked_pow(power.unsigned_abs())?;
            if power < 0 { (1, factor) } else { (factor, 1) }
        }
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(fraction.len()).ok()?;
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    let scaled = digits.checked_mul(numerator)?.checked_mul(NANO)?;
    let divisor = denominator.checked_mul(10_i128.checked_pow(places)?)?;
    (scaled % divisor == 0).then_some(scaled / divisor)
}

/// SHA-256 of the value in canonical form, 64 hexadecimal digits: keys sorted, empty values left out.
#[must_use]
pub fn digest(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    hex::encode(Sha256::digest(text.as_bytes()))
}

fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(entries) => {
            let mut keys: Vec<_> = entries.keys().collect();
            keys.sort();
            text.push('{');
            for key in keys
                .into_iter()
                .filter(|key| !entries[key.as_str()].is_null())
            {
                text.push_str(&Value::String(key.clone()).to_string());
                text.push(':');
                canonical(&entries[key.as_str()], text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(elements) => {
            text.push('[');
            for element in elements {
                canonical(element, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn further_keys_of_the_live_object_do_not_matter() {
        assert!(contains(&json!({"a": 1, "b": 2}), &json!({"a": 1})));
        assert!(!contains(&json!({"a": 1}), &json!({"a": 1, "b": 2})));
        assert!(!contains(&json!({"a": 1}), &json!({"a": 2})));
    }

    #[test]
    fn an_empty_value_equals_an_absent_one() {
        let wanted = json!({"labels": {}, "list": [], "nothing": null, "text": ""});
        assert!(contains(&json!({}), &wanted));
    }

    #[test]
    fn equal_quantities_are_equal_and_only_where_quantities_stand() {
        let live = json!({"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}});
        let same = json!({"resources": {"limits": {"cpu": "1000m", "memory": "1024Mi"}}});
        let other = json!({"resources": {"limits": {"cpu": "1001m"}}});
        assert!(contains(&live, &same));
        assert!(!contains(&live, &other));
        assert!(contains(
            &json!({"sizeLimit": "1Gi"}),
            &json!({"sizeLimit": "1073741824"})
        ));
        assert!(contains(
            &json!({"target": {"type": "Value", "value": "500m"}}),
            &json!({"target": {"type": "Value", "value": "0.5"}})
        ));
        assert!(contains(
            &json!({"behavior": {"scaleUp": {"tolerance": "100m"}}}),
            &json!({"behavior": {"scaleUp": {"tolerance": "0.1"}}})
        ));
        assert!(
            !contains(
                &json!({"env": [{"name": "A", "value": "1"}]}),
                &json!({"env": [{"name": "A", "value": "1000m"}]})
            ),
            "an environment variable is text"
        );
    }

    #[test]
    fn quantities_of_all_forms_are_read() {
        for (left, right) in [
            ("1e3", "1k"),
            ("0.5", "500m"),
            (".5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("2E", "2e18"),
            ("100n", "0.0001m"),
            ("1", "1.0"),
        ] {
            assert!(
                same_quantity(&json!(left), &json!(right)),
                "{left} and {right}"
            );
        }
        assert!(!same_quantity(&json!("1Ki"), &json!("1k")));
        assert!(!same_quantity(&json!("one"), &json!("1")));
    }

    #[test]
    fn a_plain_list_is_compared_element_by_element() {
        assert!(contains(&json!(["a", "b"]), &json!(["a", "b"])));
        assert!(!contains(&json!(["a", "b"]), &json!(["b", "a"])));
        assert!(!contains(&json!(["a", "b"]), &json!(["a"])));
        assert!(contains(
            &json!([{"port": 1, "added": "by the server"}]),
            &json!([{"port": 1}])
        ));
    }

    #[test]
    fn a_list_of_named_elements_may_hold_those_of_others() {
        let live = json!([{"name": "proxy"}, {"name": "main", "image": "x", "terminationMessagePath": "y"}]);
        assert!(contains(&live, &json!([{"name": "main", "image": "x"}])));
        assert!(!contains(&live, &json!([{"name": "main", "image": "z"}])));
        assert!(!contains(&live, &json!([{"name": "absent"}])));
    }

    #[test]
    fn the_digest_depends_on_values_and_not_on_the_order_of_keys() {
        let one: Value = serde_json::from_str(r#"{"a":1,"b":[1,2],"c":null}"#).expect("JSON");
        let two: Value = serde_json::from_str(r#"{"b":[1,2],"a":1}"#).expect("JSON");
        assert_eq!(digest(&one), digest(&two));
        assert_ne!(digest(&one), digest(&json!({"a": 1, "b": [2, 1]})));
        assert_ne!(digest(&json!({"a": "1"})), digest(&json!({"a": 1})));
    }

    proptest::proptest! {
        #[test]
        fn every_object_contains_itself(keys in proptest::collection::btree_map("[a-c]{1,2}", 0..5_i64, 0..6)) {
            let value = json!({"outer": keys, "list": keys.values().collect::<Vec<_>>()});
            proptest::prop_assert!(contains(&value, &value));
        }
    }
}
