//! Whatever is sent, the result is that of serde: the same body to the last bit, or the same error.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn assert_as_serde(bytes: &[u8]) {
    assert_eq!(
        parse_rank(bytes),
        reference(bytes),
        "{}",
        String::from_utf8_lossy(bytes)
    );
}

fn blank() -> impl Strategy<Value = String> {
    prop_oneof![5 => Just(String::new()), 1 => "[ \n\r\t]{1,2}"]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|value| format!("{value:?}")),
        (-100.0..100.0_f64).prop_map(|value| value.to_string()),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?",
        any::<i32>().prop_map(|value| value.to_string()),
    ]
}

fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9-]{1,12}".prop_map(|text| format!("{text:?}")),
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "\"(\\\\[\"\\\\/bfnrtu]|\\\\u[dD][89abcdAB][0-9a-f]{2}|\\\\u00[0-9a-f]{2}|[a-zé🙂]){0,6}\"",
    ]
}

/// What may stand where something else is expected.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        number(),
        string(),
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("[[],{\"a\":[1]}]".to_owned()),
        Just("01".to_owned()),
        Just("-".to_owned()),
    ]
}

fn list(
    open: char,
    items: impl Strategy<Value = String>,
    close: char,
) -> impl Strategy<Value = String> {
    (vec(items, 0..5), blank()).prop_map(move |(items, blank)| {
        format!(
            "{open}{blank}{}{blank}{close}",
            items.join(&format!("{blank},{blank}"))
        )
    })
}

fn field(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = String> {
    (name, blank(), value).prop_map(|(name, blank, value)| format!("{name}{blank}:{blank}{value}"))
}

fn quoted(name: &'static str) -> Just<String> {
    Just(format!("\"{name}\""))
}

fn features() -> impl Strategy<Value = String> {
    let cell = prop_oneof![8 => number(), 1 => Just("null".to_owned()), 1 => any_value()];
    let value = prop_oneof![8 => number(), 1 => any_value()];
    prop_oneof![
        4 => list('[', cell, ']'),
        4 => list('{', field(string(), value), '}'),
        1 => any_value(),
    ]
}

fn candidate() -> impl Strategy<Value = String> {
    let known = prop_oneof![
        field(quoted("id"), string()),
        field(quoted("features"), features()),
        field(string(), any_value()),
    ];
    let usual = (
        field(quoted("id"), string()),
        field(quoted("features"), features()),
    );
    prop_oneof![
        6 => usual.prop_map(|(id, features)| format!("{{{id},{features}}}")),
        2 => list('{', field(quoted("id"), string()), '}'),
        1 => list('{', known, '}'),
        1 => any_value(),
    ]
}

fn body() -> impl Strategy<Value = String> {
    let candidates = || field(quoted("candidates"), list('[', candidate(), ']'));
    let context = prop_oneof![
        list('{', field(quoted("sessionKey"), string()), '}'),
        any_value(),
    ];
    let other = prop_oneof![
        field(quoted("query"), prop_oneof![string(), any_value()]),
        field(quoted("context"), context),
        field(quoted("limit"), any_value()),
        field(
            quoted("limit"),
            any::<u64>().prop_map(|limit| limit.to_string())
        ),
        candidates(),
        field(string(), any_value()),
    ];
    let usual = (candidates(), vec(other, 0..3), blank());
    usual.prop_map(|(candidates, mut fields, blank)| {
        fields.insert(fields.len() / 2, candidates);
        format!("{blank}{{{}}}{blank}", fields.join(","))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_body_is_read_as_serde_reads_it(text in body()) {
        assert_as_serde(text.as_bytes());
    }

    #[test]
    fn a_broken_body_is_refused_as_serde_refuses_it(
        text in body(), place: prop::sample::Index, cut in 0..4_usize, put in vec(any::<u8>(), 0..3),
    ) {
        let mut bytes = text.into_bytes();
        let start = place.index(bytes.len());
        let end = bytes.len().min(start + cut);
        drop(bytes.splice(start..end, put));
        assert_as_serde(&bytes);
    }

    #[test]
    fn a_body_that_ends_early_is_refused_as_serde_refuses_it(text in body(), place: prop::sample::Index) {
        let end = place.index(text.len());
        assert_as_serde(&text.as_bytes()[..end]);
    }
}

#[test]
fn texts_without_escapes_are_borrowed() {
    let text =
        r#"{"query":"shoes","candidates":[{"id":"a"},{"id":"\u0062","features":{"price":1}}]}"#;
    let body = parse_rank(text.as_bytes()).unwrap();
    assert!(matches!(body.query, Some(Cow::Borrowed("shoes"))));
    assert!(matches!(body.candidates[0].id, Cow::Borrowed("a")));
    assert_eq!(body.candidates[1].id, "b");
    assert!(matches!(body.named[0], (Cow::Borrowed("price"), 1.0)));
    assert_eq!(body.clone().into_owned(), body);
}

#[test]
fn rows_are_one_matrix() {
    let text = br#"{"candidates":[{"id":"a","features":[1,2]},{"id":"b","features":[-0.0,null]}]}"#;
    let body = parse_rank(text).unwrap();
    assert!(body.is_matrix() && body.has_absent_values);
    let bits: Vec<u64> = body.values.iter().map(|value| value.to_bits()).collect();
    assert_eq!(bits, [1.0, 2.0, -0.0, f64::NAN].map(f64::to_bits));
    let by_id = parse_rank(br#"{"candidates":[{"id":"a","features":[1]},{"id":"b"}]}"#).unwrap();
    assert!(!by_id.is_matrix());
}
