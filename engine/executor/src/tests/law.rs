//! The referee with its generator of random records, which is no part of its library.

pub(super) use assay_referee::*;

#[allow(dead_code, unused_imports, reason = "a part of what another test has is used here")]
#[path = "../../../../referee/src/testing/mod.rs"]
pub(super) mod testing;
