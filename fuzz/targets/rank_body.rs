//! Bodies of `POST /v1/rank`: whatever the bytes, reading them gives the request, or the error, that
//! the plain reader gives; and checking a request does not fail.

#![no_main]

use libfuzzer_sys::fuzz_target;
use searchop_server::api::body::{parse_rank, reference};

fuzz_target!(|body: &[u8]| {
    assert_eq!(parse_rank(body), reference(body));
});
