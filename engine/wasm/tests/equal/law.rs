//! The referee with its generator of random records, which is no part of its library.

pub(crate) use assay_referee::*;

#[allow(dead_code, unused_imports)]
#[path = "../../../../referee/src/testing.rs"]
pub(crate) mod testing;
