//! Bodies of `POST /v1/rank`: whatever the bytes, reading them gives the request, or the error, that
//! the plain reader gives; and checking a request does not fail.

#![no_main]

use libfuzzer_sys::fuzz_target;
use searchop_server::api::body::{parse_rank, reference};

fuzz_target!(|body: &[u8]| {
    let read = parse_rank(body);
    if let Ok(request) = &read {
        let _ = request.check(1_000);
    }
    assert_eq!(read, reference(body));
});
