//! The interface generated from the committed metadata.

#[subxt::subxt(runtime_metadata_path = "artifacts/metadata.scale")]
#[allow(missing_docs, unreachable_pub, clippy::all, reason = "written by subxt")]
mod generated {}

pub(super) use generated::*;
