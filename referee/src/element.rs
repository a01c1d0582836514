//! The value of one output element: the specification of every op.

use crate::{Arith, OpRecord, Reader};

/// Computes element `index` (row-major) of the output of `op`, as canonical bits.
///
/// Total for every record that [`OpRecord::validate`] accepts and every index below the output's
/// element count: it reads only elements inside the operands and any bits read give a result. An
/// index beyond the output, or a record that was not validated, gives some value without meaning.
///
/// Errors: only those of the reader.
pub fn element<A: Arith, R: Reader>(
	_op: &OpRecord,
	_index: u64,
	_reader: &mut R,
) -> Result<u64, R::Error> {
	todo!()
}
