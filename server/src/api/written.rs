//! Writes the answer of `POST /v1/rank`: the JSON of [`RankResponse`](super::messages::RankResponse),
//! straight from what was ranked.

use super::body::next_special;
use crate::digest::Digest;
use crate::impression::ImpressionId;

/// Bytes for a result beside its id.
const RESULT_BYTES: usize = 64;
/// Bytes for the rest of an answer.
const FRAME_BYTES: usize = 256;

/// One candidate in its new place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WrittenResult<'list> {
    /// As sent.
    pub id: &'list str,
    /// Finite, if there is one.
    pub score: Option<f64>,
    /// Whether the model knows anything about it.
    pub known: bool,
}

/// The answer with these results, best first. It is degraded when there is no model.
pub(crate) fn rank_response<'list>(
    impression_id: ImpressionId,
    model: Option<&Digest>,
    results: impl ExactSizeIterator<Item = WrittenResult<'list>>,
) -> Vec<u8> {
    let mut text = Vec::with_capacity(FRAME_BYTES + results.len() * RESULT_BYTES);
    text.extend_from_slice(b"{\"impressionId\":\"");
    text.extend_from_slice(
        impression_id
            .encoded(&mut [0; ImpressionId::LENGTH])
            .as_bytes(),
    );
    text.extend_from_slice(b"\",\"model\":");
    match model {
        Some(digest) => {
            text.extend_from_slice(b"{\"sha256\":\"");
            text.extend_from_slice(digest.as_str().as_bytes());
            text.extend_from_slice(b"\"}");
        }
        None => text.extend_from_slice(b"null"),
    }
    text.extend_from_slice(b",\"results\":[");
    for (position, result) in (1_u32..).zip(results) {
        if position > 1 {
            text.push(b',');
        }
        write_result(position, result, &mut text);
    }
    text.extend_from_slice(b"],\"degraded\":");
    text.extend_from_slice(if model.is_some() { b"false}" } else { b"true}" });
    text
}

fn write_result(position: u32, result: WrittenResult<'_>, text: &mut Vec<u8>) {
    text.extend_from_slice(b"{\"id\":");
    write_string(result.id, text);
    text.extend_from_slice(b",\"score\":");
    match result.score {
        Some(score) => {
            text.extend_from_slice(zmij::Buffer::new().format_finite(score).as_bytes());
        }
        None => text.extend_from_slice(b"null"),
    }
    text.extend_from_slice(b",\"position\":");
    text.extend_from_slice(itoa::Buffer::new().format(position).as_bytes());
    if !result.known {
        text.extend_from_slice(b",\"known\":false");
    }
    text.push(b'}');
}

fn write_string(string: &str, text: &mut Vec<u8>) {
    if next_special(string.as_bytes(), 0).is_none() {
        text.push(b'"');
        text.extend_from_slice(string.as_bytes());
        text.push(b'"');
    } else {
        serde_json::to_writer(text, string).expect("a string can be written to memory");
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::api::messages::{ModelReference, RankResponse, RankedCandidate};

    proptest! {
        #[test]
        fn an_answer_is_written_as_serde_writes_it(
            results in vec((any::<String>(), proptest::option::of(any::<f64>()), any::<bool>()), 0..12),
            has_model: bool, random: [u8; 10], milliseconds in 0..1_u64 << 48,
        ) {
            let impression_id = ImpressionId::new(milliseconds, random);
            let model = has_model.then(|| "0123456789abcdef".repeat(4).parse::<Digest>().unwrap());
            let written: Vec<WrittenResult<'_>> = results
                .iter()
                .map(|(id, score, known)| WrittenResult {
                    id,
                    score: score.filter(|score| score.is_finite()),
                    known: *known,
                })
                .collect();
            let results = (1..).zip(&written).map(|(position, result)| RankedCandidate {
                id: result.id.to_owned(),
                score: result.score,
                position,
                known: result.known,
            });
            let expected = RankResponse {
                impression_id,
                model: model.clone().map(|sha256| ModelReference { sha256 }),
                results: results.collect(),
                degraded: model.is_none(),
            };
            let text = rank_response(impression_id, model.as_ref(), written.into_iter());
            prop_assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(&expected).unwrap());
        }
    }
}
