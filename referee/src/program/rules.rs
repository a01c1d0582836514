//! Per-kind rules of a record: what makes its element function total.

use super::check::RecordError;
use super::record::OpRecord;

/// Checks every rule that concerns this record alone.
pub(super) fn validate(_op: &OpRecord) -> Result<(), RecordError> {
	todo!()
}
