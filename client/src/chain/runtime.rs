//! The interface generated from the committed metadata.

#[subxt::subxt(runtime_metadata_path = "artifacts/metadata.scale")]
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod generated {}

pub(super) use generated::*;
